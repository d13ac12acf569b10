"""Virtual hosts: which policies a request may meet, by its host, in which order.

A virtual host holds the routes of *every* policy whose hostnames cover it, the most specific host first and then the
longest path prefix, so that a request falls through to a less specific host's policy.
"""

from __future__ import annotations

from typing import Final

from forebay_decision.attachment import Attachment as Place
from forebay_decision.attachment import attachments
from forebay_operator.envoy.attachment import Attachment, json_content
from forebay_operator.envoy.explanations import DECIDED, response_headers
from forebay_operator.envoy.filters import EXT_PROC, JSON_TO_METADATA
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.local_replies import NO_POLICY, direct_error
from forebay_operator.envoy.messages import switched_off
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.routes import attachment_routes

ROUTES: Final = "forebay"


def route_configuration(inputs: EnvoyInputs) -> route.RouteConfiguration:
    """Everything the public listeners route by."""
    ordered = attachments({name: spec.attach for name, spec in inputs.policies.items()})
    hostnames = {place.hostname for place in ordered} | {"*"}
    return route.RouteConfiguration(
        name=ROUTES,
        virtual_hosts=[_virtual_host(hostname, ordered, inputs) for hostname in sorted(hostnames)],
        # Clusters arrive on their own stream; a route to one that is still on its way answers 503, not a NACK.
        validate_clusters=False,
    )


def _virtual_host(hostname: str, ordered: tuple[Place, ...], inputs: EnvoyInputs) -> route.VirtualHost:
    covering = dict.fromkeys(place.policy for place in ordered if place.covers(hostname))
    routes = [made for name in covering for made in attachment_routes(Attachment(name, inputs.policies[name], inputs))]
    return route.VirtualHost(
        name=hostname,
        domains=[hostname],
        routes=[*routes, _no_policy()],
        response_headers_to_add=response_headers(DECIDED),
    )


def _no_policy() -> route.Route:
    """404 without reading the body."""
    return route.Route(
        name="no-policy",
        match=route.RouteMatch(prefix="/"),
        direct_response=direct_error(NO_POLICY),
        response_headers_to_add=[json_content()],
        typed_per_filter_config={EXT_PROC: switched_off(), JSON_TO_METADATA: switched_off()},
    )
