"""How Envoy Gateway names what policies hold, in the attribute `xds.route_name` that its Envoys send to data planes.

It names an Envoy route ``httproute/NAMESPACE/NAME/rule/N/match/N/HOST`` (its internal/gatewayapi/helpers.go, irRouteName)
whatever its XDSNameSchemeV2 says, which is about listeners and virtual hosts. Those would say the Gateway, but its API lets
no attribute of theirs through: a Gateway says itself by a header where that matters (sharing.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from forebay_api.wire import Origin
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.envoy_gateway.client_traffic import telling
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.naming import family
from forebay_operator.gateway.placing import Origins
from forebay_operator.gateway.sharing import Shared, gateway_token
from forebay_operator.gateway.spots import Spot

ATTRIBUTE: Final = "xds.route_name"


def origins(attached: Mapping[str, Attached], shared: Shared, facts: GatewayFacts) -> Origins:
    """By policy and spot, the names of the routes by which its requests come."""
    tokens = {gateway: gateway_token(gateway, facts) for gateway in telling(shared.gateways, facts)}
    return {
        name: {spot: tuple(_names(name, spot, shared, tokens)) for spot in own.spots if spot not in shared.taken}
        for name, own in attached.items()
    }


def _names(policy: str, spot: Spot, shared: Shared, tokens: Mapping[str, str]) -> Iterator[Origin]:
    namespace, _, name = spot.route.partition("/")
    # Ours beside it: what a client meets that forges the routing header.
    yield Origin(f"httproute/{namespace}/{family(name, policy, spot.route)}")
    rule = f"httproute/{spot.route}/rule/{spot.rule}"
    if spot not in shared.spots:
        yield Origin(rule)
        return
    if spot.gateway in tokens:
        yield Origin(rule, tokens[spot.gateway])
    if shared.first[spot.route, spot.rule] == policy:
        yield Origin(rule)
