"""Virtual hosts: which policies a request may meet, by its host, in which order.

A virtual host holds the routes of *every* policy whose hostnames cover it, the most specific host first and then the
longest path prefix, so that a request falls through to a less specific host's policy.
"""

from __future__ import annotations

from typing import Final

from forebay_decision.attachment import Attachment as Place
from forebay_decision.attachment import attachments
from forebay_operator.envoy.actions import UNPICKED_HEADER
from forebay_operator.envoy.attachment import Attachment, json_content
from forebay_operator.envoy.elements import element, elements
from forebay_operator.envoy.encoding import encoded
from forebay_operator.envoy.explanations import DECIDED, response_headers
from forebay_operator.envoy.filters import EXT_PROC, JSON_TO_METADATA
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.local_replies import NO_POLICY, direct_error
from forebay_operator.envoy.memory import remembered
from forebay_operator.envoy.messages import published, switched_off
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.routes import ROUTES_FIELD, serialised_routes
from forebay_operator.resources import Resource

ROUTES: Final = "forebay"
HOSTS_FIELD: Final = 2
"""RouteConfiguration.virtual_hosts."""


def route_table(inputs: EnvoyInputs) -> Resource:
    """Everything the public listeners route by.

    Put together from serialised parts, so that an edit serialises the routes that it changes and no others.
    """
    ordered = attachments({name: spec.attach for name, spec in inputs.policies.items()})
    hostnames = {place.hostname for place in ordered} | {"*"}
    # Clusters arrive on their own stream; a route to one that is still on its way answers 503, not a NACK.
    table = published(ROUTES, route.RouteConfiguration(name=ROUTES, validate_clusters=False))
    hosts = (element(HOSTS_FIELD, _virtual_host(hostname, ordered, inputs)) for hostname in sorted(hostnames))
    return Resource(table.name, table.type_url, table.value + b"".join(hosts))


def _virtual_host(hostname: str, ordered: tuple[Place, ...], inputs: EnvoyInputs) -> bytes:
    covering = dict.fromkeys(place.policy for place in ordered if place.covers(hostname))
    routes = [serialised_routes(Attachment(name, inputs.policies[name], inputs)) for name in covering]
    return _host(hostname) + b"".join(routes) + _no_policy()


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
