"""Where servers are, as Envoy is told: EDS for IP addresses and sockets, DNS for names.

An assignment is all that changes when servers come and go; the cluster it belongs to does not, so that nothing is
warmed again and no connection is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.envoy.elements import element
from forebay_operator.envoy.encoding import encoded
from forebay_operator.envoy.messages import is_ip, socket_address
from forebay_operator.envoy.proto import core, endpoint

LOCALITIES_FIELD: Final = 2
"""ClusterLoadAssignment.endpoints."""
MEMBERS_FIELD: Final = 2
"""LocalityLbEndpoints.lb_endpoints."""


def resolved_by_dns(backend: Backend) -> bool:
    """One host name is enough: EDS carries IP addresses only."""
    return any(not _is_ip(member.host) for member in backend.endpoints)


def pool_assignment(cluster: str, backend: Backend) -> bytes:
    """The pool's servers by zone, a ClusterLoadAssignment. Zones are told, and used only by an Envoy that knows its own;
    none is preferred here.

    Who drains is told as draining: requests that it has go on, new ones go elsewhere. Where nobody else is left it
    takes new ones, too, as kube-proxy has it: better a server that is about to leave than none. What is not ready is
    left out, except where a picker chooses: it may know better, and its choice must be found.
    """
    anyone = any(member.ready for member in backend.endpoints)
    zones: dict[str, list[bytes]] = {}
    for member in backend.endpoints:
        health = _health(member, anyone)
        if health is not core.HealthStatus.UNHEALTHY or backend.picker is not None:
            zones.setdefault(member.zone, []).append(_member(member.host, member.port, health))
    named = encoded(endpoint.ClusterLoadAssignment(cluster_name=cluster))
    return named + b"".join(
        element(LOCALITIES_FIELD, _zone(zone) + b"".join(members)) for zone, members in sorted(zones.items())
    )


def load_assignment(cluster: str, hosts: Iterable[core.Address]) -> endpoint.ClusterLoadAssignment:
    """Servers that are all alike."""
    members = [endpoint.LbEndpoint(endpoint=endpoint.Endpoint(address=host)) for host in hosts]
    return endpoint.ClusterLoadAssignment(
        cluster_name=cluster, endpoints=[endpoint.LocalityLbEndpoints(lb_endpoints=members)]
    )


def _health(member: Endpoint, anyone: bool) -> core.HealthStatus:
    if member.ready or (member.draining and not anyone):
        return core.HealthStatus.UNKNOWN
    return core.HealthStatus.DRAINING if member.draining else core.HealthStatus.UNHEALTHY


@lru_cache(maxsize=1 << 15)
def _member(host: str, port: int, health: core.HealthStatus) -> bytes:
    """An element of a zone's list: put together from bytes, because a pool may have thousands."""
    address = socket_address(_bare(host), port)
    made = endpoint.LbEndpoint(endpoint=endpoint.Endpoint(address=address), health_status=health)
    return element(MEMBERS_FIELD, encoded(made))


@lru_cache(maxsize=1 << 10)
def _zone(zone: str) -> bytes:
    return encoded(endpoint.LocalityLbEndpoints(locality=core.Locality(zone=zone) if zone else None))


@lru_cache(maxsize=1 << 16)
def _is_ip(host: str) -> bool:
    return is_ip(host)


def _bare(host: str) -> str:
    return host.strip("[]")
