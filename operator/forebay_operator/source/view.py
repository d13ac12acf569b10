"""What a source shows the operator: every object there is, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

import msgspec

from forebay_api.local import LocalConfig
from forebay_api.manifest import Manifest, ManifestError
from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_api.pool import ModelPool


class View(msgspec.Struct, frozen=True):
    """One look at all manifests. Objects go by ``namespace/name``; errors are in order of file and line.

    `kept` maps objects (``Kind namespace/name``) whose newest text is refused, and which stand here as they were before,
    to their file. `digest` is equal for equal content, so that a touched file or an edited comment is no news.
    """

    policies: Mapping[str, RoutingPolicy]
    pools: Mapping[str, ModelPool]
    local: LocalConfig
    errors: tuple[ManifestError, ...]
    kept: Mapping[str, str]
    digest: str
    config_maps: Mapping[str, ConfigMap] = MappingProxyType({})

    @classmethod
    def of(
        cls,
        policies: Mapping[str, RoutingPolicy],
        pools: Mapping[str, ModelPool],
        local: LocalConfig,
        errors: tuple[ManifestError, ...] = (),
        kept: Mapping[str, str] = MappingProxyType({}),
        config_maps: Mapping[str, ConfigMap] = MappingProxyType({}),
    ) -> View:
        policies, pools = dict(sorted(policies.items())), dict(sorted(pools.items()))
        config_maps = dict(sorted(config_maps.items()))
        told = (policies, pools, config_maps, local, errors, dict(kept))
        digest = sha256(msgspec.msgpack.encode(told, order="deterministic")).hexdigest()[:16]
        return cls(policies, pools, local, errors, kept, digest, config_maps)


def key_of(made: Manifest) -> str:
    """``Kind namespace/name``: how errors name an object."""
    return f"{made.kind} {made.metadata.namespace}/{made.metadata.name}"
