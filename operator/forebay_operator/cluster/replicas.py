"""Which Envoys and data planes there are, by the EndpointSlices of their Services: whose acknowledgement is waited for.

A replica that is being terminated is not expected; one that is not ready yet is, and is told apart, because it serves
nobody until it has a configuration. A Service of Envoys that has no pod is waited for, too: without any nobody is served,
whatever data planes have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from forebay_operator.cluster.objects import EndpointSlice, SliceEndpoint
from forebay_operator.xds.acknowledgements import Kind

GRPC_PORT: Final = "grpc"
"""Name of the data plane's port; where there is none of that name, the first counts."""


class Replicas(msgspec.Struct, frozen=True):
    """`expected`: node id -> kind. `ready` are the node ids that take requests. `data_planes` are the addresses that
    Envoy reaches the data planes at, ``host:port``, and `data_plane_port` is the port that any of them would have."""

    expected: Mapping[str, Kind] = {}
    ready: frozenset[str] = frozenset()
    data_planes: tuple[str, ...] = ()
    data_plane_port: int | None = None


def find_replicas(
    slices: Mapping[str, tuple[EndpointSlice, ...]], *, data_plane: str | None, envoy: str | None
) -> Replicas:
    """The replicas behind two Services, ``namespace/name`` each; None where there is no such Service.

    A replica's node id is its kind and the name of its pod (``dataplane/POD``), or its address where the slice names no
    pod.
    """
    expected: dict[str, Kind] = {}
    ready: set[str] = set()
    addresses: list[str] = []
    data_plane_port: int | None = None
    if envoy is not None and envoy in slices and not any(_endpoints(slices[envoy])):
        nobody = f"{Kind.ENVOY}/(no pod of Service {envoy})"
        expected[nobody] = Kind.ENVOY
        ready.add(nobody)
    for service, kind in ((data_plane, Kind.DATA_PLANE), (envoy, Kind.ENVOY)):
        for entry, port in _endpoints(slices.get(service or "", ())):
            node = f"{kind}/{_pod(entry)}"
            expected[node] = kind
            if entry.conditions.ready is not False:
                ready.add(node)
            if kind is Kind.DATA_PLANE and port is not None:
                addresses.extend(_address(host, port) for host in entry.addresses[:1])
                data_plane_port = port
    return Replicas(dict(sorted(expected.items())), frozenset(ready), tuple(sorted(set(addresses))), data_plane_port)


def _endpoints(slices: Iterable[EndpointSlice]) -> Iterator[tuple[SliceEndpoint, int | None]]:
    for held in slices:
        ports = {port.name or "": port.port for port in held.ports or ()}
        port = ports.get(GRPC_PORT, next(iter(ports.values()), None))
        for entry in held.endpoints or ():
            if entry.addresses and not entry.conditions.terminating:
                yield entry, port


def _pod(entry: SliceEndpoint) -> str:
    return entry.target_ref.name if entry.target_ref is not None and entry.target_ref.name else entry.addresses[0]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
