"""From what is published to ConfigMaps that hold all of it but credentials, small enough for the API server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.wire import DATA_PLANE_TYPES, POLICY_TYPE, POOL_STATE_TYPE, READER, PolicyResource
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.secrets import CERTIFICATE_PREFIX
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds.type_urls import FOUNDATION, ROUTING, SECRET
from forebay_transport.shards import INDEX, MAX_SHARDS, Content, Kept, TooLarge, pack

__all__ = [
    "MAX_SHARDS",
    "Shard",
    "TooLarge",
    "names",
    "policies_of",
    "shards",
    "snapshot_of",
    "without_credentials",
    "without_operator",
]

TYPES: Final = (*FOUNDATION, *ROUTING, *(url for url in DATA_PLANE_TYPES if url != POOL_STATE_TYPE))
"""What is kept. Load is not: it would be old."""


class Shard(msgspec.Struct, frozen=True):
    """One ConfigMap: `name`, and the one key of its `binaryData`. `hash` is that of the whole set."""

    name: str
    key: str
    value: bytes
    hash: str


def without_credentials(inputs: EnvoyInputs) -> EnvoyInputs:
    """The same, as if no credential were there: pools that need one answer 503 and say so."""
    return msgspec.structs.replace(
        inputs, secrets={}, missing_secrets=inputs.missing_secrets.union(inputs.secrets).intersection(inputs.pools)
    )


def without_operator(inputs: EnvoyInputs) -> EnvoyInputs:
    """The same for an Envoy that nobody tells anything: no credentials, and data planes by name as well, because those
    that there are by then may be others."""
    plane = inputs.data_plane
    if plane.service is not None:
        plane = msgspec.structs.replace(plane, addresses=(*plane.addresses, plane.service), service=None)
    return msgspec.structs.replace(without_credentials(inputs), data_plane=plane)


def shards(envoy: Snapshot, ours: Snapshot, name: str) -> tuple[Shard, ...]:
    """The ConfigMaps `NAME-last-good-N` to write, in this order: the index, number 0, comes last and makes the set valid.

    `envoy` is assembled from `without_credentials`, `ours` is what data planes are sent. The same resources give the
    same shards. Those with higher numbers than there are now may stay: the index does not name them.
    Raises TooLarge, and ValueError for a secret that is not the name of a file.
    """
    content: Content = {
        url: _kept(each.of_type(url).values()) for url in TYPES for each in (envoy, ours) if each.of_type(url)
    }
    for kept in content.get(SECRET, ()):
        if not kept.name.startswith(CERTIFICATE_PREFIX):
            raise ValueError(f"Secret {kept.name} must not be kept: assemble without credentials")
    found, files = pack(content)
    return tuple(Shard(f"{name}-last-good-{_number(key)}", key, value, found) for key, value in files.items())


def names(name: str) -> tuple[str, ...]:
    """Every ConfigMap that may ever be written."""
    return tuple(f"{name}-last-good-{number}" for number in range(MAX_SHARDS + 1))


def snapshot_of(content: Content) -> Snapshot:
    """Envoy's part of what was kept."""
    return Snapshot.of(_resources(content))


def policies_of(content: Content) -> dict[str, PolicySpec]:
    """The policies that were kept, by ``namespace/name``; what another version has written in its own way is left out."""
    found: dict[str, PolicySpec] = {}
    for kept in content.get(POLICY_TYPE, ()):
        try:
            resource = msgspec.msgpack.decode(kept.value, type=PolicyResource)
        except msgspec.MsgspecError:
            continue
        if resource.min_reader <= READER:
            found[resource.name] = resource.spec
    return found


def _resources(content: Content) -> Iterator[Resource]:
    for url in (*FOUNDATION, *ROUTING):
        yield from (Resource(kept.name, url, kept.value) for kept in content.get(url, ()))


def _kept(resources: Iterable[Resource]) -> tuple[Kept, ...]:
    return tuple(Kept(resource.name, resource.version, resource.value) for resource in resources)


def _number(key: str) -> str:
    return "0" if key == INDEX else key.removeprefix("shard-")
