"""Virtual hosts: which policies a request may meet, by its host, in which order.

A virtual host holds the routes of *every* policy whose hostnames cover it, the most specific host first and then the
longest path prefix, so that a request falls through to a less specific host's policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from forebay_api.policy import Attach
from forebay_decision.attachment import attachments
from forebay_operator.envoy.actions import UNPICKED_HEADER
from forebay_operator.envoy.attachment import json_content
from forebay_operator.envoy.elements import element, elements
from forebay_operator.envoy.encoding import encoded
from forebay_operator.envoy.explanations import DECIDED, response_headers
from forebay_operator.envoy.filters import EXT_PROC, JSON_TO_METADATA
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.local_replies import NO_POLICY, direct_error
from forebay_operator.envoy.messages import published, switched_off
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.routes import ROUTES_FIELD, serialised_routes
from forebay_operator.memory import lately, latest, remembered
from forebay_operator.resources import Resource

ROUTES: Final = "forebay"
NATIVE_ROOM: Final = 14 << 20
"""Bytes of a table with native routes."""
HOSTS_FIELD: Final = 2
"""RouteConfiguration.virtual_hosts."""


def route_table(inputs: EnvoyInputs) -> Resource:
    """Everything the public listeners route by.

    A table is one resource, and a resource has to fit into a message. One that would not does without native routes: they
    save the data plane work, and it decides the same without them.
    """
    whole = _route_table(inputs)
    if len(whole.value) <= NATIVE_ROOM or not inputs.native:
        return whole
    return _route_table(msgspec.structs.replace(inputs, native={}))


def _route_table(inputs: EnvoyInputs) -> Resource:
    """Put together from serialised parts, so that an edit serialises the routes that it changes and no others."""
    routes = {name: serialised_routes(name, inputs) for name in inputs.policies}
    covered = covered_hosts({name: spec.attach for name, spec in inputs.policies.items()})
    parts: list[str | bytes] = []
    for host, names in covered.items():
        parts.append(host)
        if inputs.reattached:
            parts.extend(routes[name].chosen for name in names)
        for name in names:
            found = routes[name]
            parts += (found.native, found.last) if inputs.reattached else (found.native, found.chosen, found.last)
    return _table(*parts)


@lately
def _table(*parts: str | bytes) -> Resource:
    """`parts` are host names, each before the routes of its virtual host."""
    hosts: list[list[bytes]] = []
    for part in parts:
        if isinstance(part, str):
            hosts.append([_host(part)])
        else:
            hosts[-1].append(part)
    # Clusters arrive on their own stream; a route to one that is still on its way answers 503, not a NACK.
    table = published(ROUTES, route.RouteConfiguration(name=ROUTES, validate_clusters=False))
    made = (element(HOSTS_FIELD, b"".join([*host, _no_policy()])) for host in hosts)
    return Resource(table.name, table.type_url, table.value + b"".join(made))


@latest
def covered_hosts(attached: Mapping[str, Attach]) -> dict[str, tuple[str, ...]]:
    """Host name -> the policies that a request to it may meet, in order; `attached` says where each policy is."""
    by_host: dict[str, list[str]] = {"*": []}
    for place in attachments(attached):
        by_host.setdefault(place.hostname, []).append(place.policy)
    return {
        host: tuple(dict.fromkeys(policy for wider in _wider(host) for policy in by_host.get(wider, ())))
        for host in sorted(by_host)
    }


def _wider(host: str) -> Iterator[str]:
    """The host name, then the wildcards that cover it, the most specific first."""
    labels = host.split(".")
    yield host
    yield from ("*." + ".".join(labels[index:]) for index in range(1, len(labels)))
    yield "*"


@remembered
def _host(hostname: str) -> bytes:
    return encoded(
        route.VirtualHost(
            name=hostname,
            domains=[hostname],
            response_headers_to_add=response_headers(DECIDED),
            # A pool's picker is asked once: the second attempt does without, and that is nobody else's business.
            include_request_attempt_count=True,
            response_headers_to_remove=[UNPICKED_HEADER],
        )
    )


@remembered
def _no_policy() -> bytes:
    """404 without reading the body."""
    made = route.Route(
        name="no-policy",
        match=route.RouteMatch(prefix="/"),
        direct_response=direct_error(NO_POLICY),
        response_headers_to_add=[json_content()],
        typed_per_filter_config={EXT_PROC: switched_off(), JSON_TO_METADATA: switched_off()},
    )
    return elements(ROUTES_FIELD, [made])
