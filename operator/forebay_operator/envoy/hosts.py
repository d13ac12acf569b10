"""Virtual hosts: which policies a request may meet, by its host, in which order.

A virtual host holds the routes of *every* policy whose hostnames cover it, the most specific host first and then the
longest path prefix, so that a request falls through to a less specific host's policy.
"""

from __future__ import annotations

from typing import Final

from forebay_api.policy import PolicySpec
from forebay_decision.attachment import Attachment as Place
from forebay_decision.attachment import attachments
from forebay_operator.envoy.attachment import Attachment, json_content
from forebay_operator.envoy.explanations import DECIDED, response_headers
from forebay_operator.envoy.filters import EXT_PROC, JSON_TO_METADATA
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.local_replies import NO_POLICY, direct_error
from forebay_operator.envoy.memory import remembered
from forebay_operator.envoy.messages import published, switched_off
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.routes import attachment_routes
from forebay_operator.resources import Resource

ROUTES: Final = "forebay"
HOSTS_FIELD: Final = 2
"""RouteConfiguration.virtual_hosts."""
ROUTES_FIELD: Final = 3
"""VirtualHost.routes."""


def route_table(inputs: EnvoyInputs) -> Resource:
    """Everything the public listeners route by.

    Put together from serialised parts: protobuf encodes a message with a repeated field as the message without it,
    followed by the field's elements, so an edit of one policy serialises that policy's routes alone.
    """
    ordered = attachments({name: spec.attach for name, spec in inputs.policies.items()})
    hostnames = {place.hostname for place in ordered} | {"*"}
    # Clusters arrive on their own stream; a route to one that is still on its way answers 503, not a NACK.
    table = published(ROUTES, route.RouteConfiguration(name=ROUTES, validate_clusters=False))
    hosts = (_element(HOSTS_FIELD, _virtual_host(hostname, ordered, inputs)) for hostname in sorted(hostnames))
    return Resource(table.name, table.type_url, table.value + b"".join(hosts))


def _virtual_host(hostname: str, ordered: tuple[Place, ...], inputs: EnvoyInputs) -> bytes:
    covering = dict.fromkeys(place.policy for place in ordered if place.covers(hostname))
    routes = [_routes(name, inputs.policies[name], inputs.of_policy(name)) for name in covering]
    return _host(hostname) + b"".join(routes) + _no_policy()


@remembered
def _host(hostname: str) -> bytes:
    return bytes(
        route.VirtualHost(name=hostname, domains=[hostname], response_headers_to_add=response_headers(DECIDED))
    )


@remembered
def _routes(name: str, spec: PolicySpec, inputs: EnvoyInputs) -> bytes:
    """One policy's routes, as elements of a virtual host."""
    return b"".join(_element(ROUTES_FIELD, bytes(made)) for made in attachment_routes(Attachment(name, spec, inputs)))


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
    return _element(ROUTES_FIELD, bytes(made))


def _element(field: int, value: bytes) -> bytes:
    """One element of a repeated message field, as protobuf writes it."""
    length, size = bytearray(), len(value)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([field << 3 | 2, *length, size]) + value
