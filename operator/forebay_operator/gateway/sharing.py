"""Where a route's name does not say whose a request is: one HTTPRoute behind several Gateways or listeners, of which
policies hold one each. Gateways are then told apart by a header that they set, listeners by their hostnames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from forebay_api.policy import RoutingPolicy
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.naming import digest
from forebay_operator.gateway.spots import Spot, hostnames_at
from forebay_operator.judgement.claims import seniority

TOKEN_LENGTH: Final = 32


class Shared(msgspec.Struct, frozen=True):
    """`spots` are those of rules that belong to other policies behind one Gateway than behind another. `first` is of each
    such rule the oldest policy: it answers where a Gateway does not say which one it is. `taken` are spots whose every
    hostname an older policy has at another listener of the same Gateway, and which one."""

    spots: frozenset[Spot] = frozenset()
    first: Mapping[tuple[str, int], str] = {}
    taken: Mapping[Spot, str] = {}

    @property
    def gateways(self) -> frozenset[str]:
        """Those that have to say which one they are."""
        return frozenset(spot.gateway for spot in self.spots)


def shared(policies: Mapping[str, RoutingPolicy], attached: Mapping[str, Attached], facts: GatewayFacts) -> Shared:
    """What policies share of routes."""
    rules: dict[tuple[str, int], dict[Spot, list[str]]] = {}
    for name in sorted(attached, key=lambda name: (seniority(policies[name].metadata), name)):
        for spot in attached[name].spots:
            rules.setdefault((spot.route, spot.rule), {}).setdefault(spot, []).append(name)
    spots: set[Spot] = set()
    first: dict[tuple[str, int], str] = {}
    taken: dict[Spot, str] = {}
    age = {name: (seniority(policies[name].metadata), name) for name in attached}
    for rule, held in rules.items():
        if len(held) == 1:
            continue
        by_gateway: dict[str, set[str]] = {}
        for spot, names in held.items():
            by_gateway.setdefault(spot.gateway, set()).update(names)
        enforced = {spot: name for spot, names in held.items() for name in names if _enforces(policies[name])}
        if len({frozenset(names) for names in by_gateway.values()}) > 1:
            spots.update(held)
            first[rule] = min(enforced.values() or set().union(*by_gateway.values()), key=age.__getitem__)
        if len(set(enforced.values())) > 1:
            hosts = {spot: frozenset(hostnames_at(spot, facts)) for spot in enforced}
            for spot, name in enforced.items():
                elders = (
                    elder
                    for other, elder in enforced.items()
                    if other.gateway == spot.gateway and age[elder] < age[name] and hosts[spot] <= hosts[other]
                )
                taken.update((spot, elder) for elder in elders)
    return Shared(frozenset(spots), first, taken)


def overlooked(attached: Mapping[str, Attached], found: Shared, telling: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Policies with what others answer in their stead, and what would mend that. `telling` are Gateways that say which one
    they are."""
    for name, own in attached.items():
        for spot in own.spots:
            elder = found.first.get((spot.route, spot.rule), name)
            if spot in found.taken:
                yield (
                    name,
                    f"at listener {spot.listener} of Gateway {spot.gateway} requests of HTTPRoute {spot.route} are policy "
                    f"{found.taken[spot]}'s: another listener has the same hostname; give each listener its HTTPRoute",
                )
            elif spot in found.spots and spot.gateway not in telling and elder != name:
                yield (
                    name,
                    f"behind Gateway {spot.gateway} requests of HTTPRoute {spot.route} are policy {elder}'s, for they look "
                    "the same as those behind its own Gateway: give each Gateway its HTTPRoute",
                )


def gateway_token(gateway: str, facts: GatewayFacts) -> str:
    """What a Gateway says of itself: no client can guess it, and a Gateway that is made anew says another."""
    return digest([gateway, facts.gateways[gateway].metadata.uid or ""], TOKEN_LENGTH)


def _enforces(policy: RoutingPolicy) -> bool:
    return policy.spec.mode == "Enforce"
