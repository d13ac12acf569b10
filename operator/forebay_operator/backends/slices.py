"""From a Service's EndpointSlices to endpoints, by the rules of the API (discovery.k8s.io/v1).

A Service has several slices. An endpoint may stand in two of them for a while, an address may be there per family, and
the same port name may lead to different numbers. What comes out does not depend on the order of slices or endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from forebay_operator.backends.endpoint import Endpoint
from forebay_operator.cluster.objects import EndpointSlice, ServicePort, SliceEndpoint, SlicePort

_FAMILIES: Final = ("IPv4", "IPv6")
"""In order of preference. FQDN slices are deprecated, and no controller of Kubernetes writes them."""


def slice_endpoints(slices: Iterable[EndpointSlice], port: ServicePort) -> tuple[Endpoint, ...]:
    """The endpoints behind one port of a Service, sorted, each pod once: by IPv4 where it has that, else by IPv6."""
    families: dict[str, dict[str, list[Endpoint]]] = {}
    for part in slices:
        if part.address_type in _FAMILIES:
            for number in _numbers(part.ports or (), port):
                for endpoint in _endpoints(part, number):
                    families.setdefault(endpoint.pod, {}).setdefault(part.address_type, []).append(endpoint)
    chosen = (next(found[family] for family in _FAMILIES if family in found) for found in families.values())
    return distinct(endpoint for endpoints in chosen for endpoint in endpoints)


def distinct(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Each host and port once, sorted. Of two that disagree one is out of date: believe in life."""
    known: dict[tuple[str, int], Endpoint] = {}
    for endpoint in endpoints:
        key = (endpoint.host, endpoint.port)
        known[key] = min(known.get(key, endpoint), endpoint, key=_by_life)
    return tuple(known[key] for key in sorted(known))


def _by_life(endpoint: Endpoint) -> tuple[bool, bool, str, str]:
    return not endpoint.ready, not endpoint.draining, endpoint.zone, endpoint.pod


def _numbers(offered: Iterable[SlicePort], wanted: ServicePort) -> Iterator[int]:
    """Ports of a slice and of a Service belong together by name; an unnamed one has the empty name."""
    for port in offered:
        if (port.name or "") == wanted.name and port.protocol == "TCP":
            yield port.port or (wanted.target_port if isinstance(wanted.target_port, int) else wanted.port)


def _endpoints(part: EndpointSlice, number: int) -> Iterator[Endpoint]:
    for listed in part.endpoints or ():
        if listed.addresses:
            # The addresses of one endpoint are interchangeable, and the API asks to use the first.
            ready, draining = _standing(listed)
            target = listed.target_ref
            pod = target.name if target is not None and target.kind == "Pod" else ""
            yield Endpoint(listed.addresses[0], number, ready, draining, listed.zone or "", pod)


def _standing(listed: SliceEndpoint) -> tuple[bool, bool]:
    """Ready, draining. Unknown counts as ready and serving; who terminates takes nothing new, whatever `ready` says
    (it stays true where the Service publishes addresses that are not ready)."""
    conditions = listed.conditions
    if conditions.terminating:
        return False, conditions.serving is not False
    return conditions.ready is not False, False
