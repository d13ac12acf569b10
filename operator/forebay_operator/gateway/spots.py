"""What there is to hold: each rule of each HTTPRoute behind each listener, which targets cover it, and where it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from forebay_api.wire import Place
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.hostnames import shared_hostnames
from forebay_operator.gateway.naming import MANAGED_BY, OPERATOR
from forebay_operator.gateway.objects import Gateway, Listener, Stored, key_of, matches_of, parents_of, rules_of, said
from forebay_operator.gateway.paths import prefix_and_base

Key = tuple[str, str, str | None]
"""A target: kind, ``namespace/name``, section."""


class Spot(msgspec.Struct, frozen=True, order=True):
    """Rule number `rule` of a route, behind one listener of one Gateway; routes and Gateways by ``namespace/name``."""

    route: str
    rule: int
    gateway: str
    listener: str


class World:
    """The facts, with every spot found once. `routes` are those of users; `controllers` have an adapter."""

    def __init__(self, facts: GatewayFacts, controllers: frozenset[str]) -> None:
        self.facts = facts
        self.routes: Mapping[str, Stored] = {
            key: route for key, route in sorted(facts.routes.items()) if not _ours(route)
        }
        self.controllers = controllers
        self.parents = {key: tuple(_gateways(route, facts)) for key, route in self.routes.items()}
        self.spots = tuple(
            Spot(key, index, key_of(gateway.metadata), listener.name)
            for key, route in self.routes.items()
            for gateway, listener in self.behind(key)
            for index in range(len(rules_of(route)))
        )
        self.under: dict[Key, list[Spot]] = {}
        for spot in self.spots:
            for key in covering(spot, self.routes):
                self.under.setdefault(key, []).append(spot)

    def covered(self, keys: Iterable[Key]) -> Iterator[Spot]:
        """The spots under some targets, each once."""
        return iter(dict.fromkeys(spot for key in keys for spot in self.under.get(key, ())))

    def supports(self, gateway: Gateway) -> bool:
        return self.facts.controller(gateway) in self.controllers

    def behind(self, key: str) -> Iterator[tuple[Gateway, Listener]]:
        """Listeners of supported Gateways that have a route's requests."""
        route = self.routes[key]
        for gateway in self.parents[key]:
            if not self.supports(gateway) or _refused(route, gateway, self.facts.controller(gateway)):
                continue
            refs = [ref for ref in parents_of(route) if ref.names(gateway, route.metadata.namespace)]
            for listener in gateway.listeners:
                if any(ref.chooses(listener) for ref in refs) and shared_hostnames(
                    listener.hostname, route.spec.get("hostnames") or ()
                ):
                    yield gateway, listener


def covering(spot: Spot, routes: Mapping[str, Stored]) -> Iterator[Key]:
    """Targets that cover a spot, the most specific first."""
    if (rule := rules_of(routes[spot.route])[spot.rule].get("name")) is not None:
        yield "HTTPRoute", spot.route, str(rule)
    yield "HTTPRoute", spot.route, None
    yield "Gateway", spot.gateway, spot.listener
    yield "Gateway", spot.gateway, None


def hostnames_at(spot: Spot, facts: GatewayFacts) -> tuple[str, ...]:
    """Those under which its listener has the route's requests."""
    listeners = facts.gateways[spot.gateway].listeners
    own = next(listener.hostname for listener in listeners if listener.name == spot.listener)
    return shared_hostnames(own, facts.routes[spot.route].spec.get("hostnames") or ())


def places_of(spots: Iterable[Spot], world: World) -> Iterator[tuple[Place, tuple[Spot, ...]]]:
    """What is matched and taken off under the same hostnames, and the spots behind it, in a stable order."""
    found: dict[tuple[str, str, tuple[str, ...]], set[Spot]] = {}
    for spot in spots:
        hosts = tuple(sorted(hostnames_at(spot, world.facts)))
        for match in matches_of(rules_of(world.routes[spot.route])[spot.rule]):
            found.setdefault((*prefix_and_base(match), hosts), set()).add(spot)
    for (prefix, base, hostnames), behind in sorted(found.items()):
        yield Place(hostnames=hostnames, prefix=prefix, base=base), tuple(sorted(behind))


def _gateways(route: Stored, facts: GatewayFacts) -> Iterator[Gateway]:
    home = route.metadata.namespace
    for ref in dict.fromkeys(
        f"{parent.namespace or home}/{parent.name}" for parent in parents_of(route) if parent.kind == "Gateway"
    ):
        if (found := facts.gateways.get(ref)) is not None:
            yield found


def _refused(route: Stored, gateway: Gateway, controller: str) -> bool:
    """Whether the Gateway's controller has said that it does not take the route."""
    said_of = [
        condition
        for parent in route.status.parents
        if parent.controller_name == controller and parent.parent_ref.names(gateway, route.metadata.namespace)
        if (condition := said(parent.conditions, "Accepted")) is not None
    ]
    return bool(said_of) and all(condition.status == "False" for condition in said_of)


def _ours(route: Stored) -> bool:
    return route.metadata.labels.get(MANAGED_BY) == OPERATOR
