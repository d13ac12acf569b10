"""Whose requests are whose: from policies with targetRefs and all Gateways and routes to what each policy holds.

Precedence is GEP-713's. Each rule of each route behind each listener is a *spot*; it belongs, whole, to the policy with
the most specific target that covers it: the rule, the route, the listener, the Gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from forebay_api.policy import RoutingPolicy, TargetRef
from forebay_api.status import AncestorRef
from forebay_api.wire import Place
from forebay_decision.check import Finding
from forebay_operator.claims import seniority
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.hostnames import shared_hostnames
from forebay_operator.gateway.naming import MANAGED_BY, OPERATOR
from forebay_operator.gateway.objects import Gateway, Listener, Stored, key_of, matches_of, parents_of, rules_of, said
from forebay_operator.gateway.paths import prefix_and_base
from forebay_operator.gateway.permission import advice, permitted

Key = tuple[str, str, str | None]
"""A target: kind, ``namespace/name``, section."""
MOST_ADVICE: Final = 4


class Spot(msgspec.Struct, frozen=True, order=True):
    """Rule number `rule` of a route, behind one listener of one Gateway; routes and Gateways by ``namespace/name``."""

    route: str
    rule: int
    gateway: str
    listener: str


class Taken(msgspec.Struct, frozen=True, order=True):
    """A route of which a more specific policy has `rules`; all of them where there are none."""

    route: str
    policy: str
    rules: tuple[int, ...] = ()


class Ancestor(msgspec.Struct, frozen=True):
    """One entry of status.ancestors: `problem` is empty where the policy is accepted there. `taken` is what more specific
    policies have of what its targets cover, and `overridden` says that nothing is left."""

    ref: AncestorRef
    problem: tuple[Finding, ...] = ()
    taken: tuple[Taken, ...] = ()
    overridden: bool = False

    @property
    def gateway(self) -> str:
        return f"{self.ref.namespace}/{self.ref.name}"


class Attached(msgspec.Struct, frozen=True):
    """What one policy's targets come to. `targets` are those that it has; `spots` what of routes is its own, and `at` which
    of them are behind each of `places`."""

    targets: tuple[Key, ...] = ()
    spots: tuple[Spot, ...] = ()
    places: tuple[Place, ...] = ()
    at: Mapping[Place, tuple[Spot, ...]] = {}
    ancestors: tuple[Ancestor, ...] = ()
    findings: tuple[Finding, ...] = ()


def attach(
    policies: Mapping[str, RoutingPolicy], facts: GatewayFacts, controllers: frozenset[str]
) -> dict[str, Attached]:
    """What every policy with targetRefs holds. `controllers` are those whose Gateways we have an adapter for."""
    asking = {name: policy for name, policy in policies.items() if policy.spec.target_refs}
    routes = {key: route for key, route in sorted(facts.routes.items()) if not _ours(route)}
    world = _World(facts, routes, controllers)
    wanted = {name: list(_targets(name, policy, world)) for name, policy in asking.items()}
    holders = _holders(asking, wanted)
    owned = _owners(world.spots, holders, routes)
    return {
        name: _attached(name, policy.spec.mode == "Shadow", wanted[name], holders, owned, world)
        for name, policy in asking.items()
    }


class _World:
    """The facts, with every spot found once."""

    def __init__(self, facts: GatewayFacts, routes: Mapping[str, Stored], controllers: frozenset[str]) -> None:
        self.facts = facts
        self.routes = routes
        self.controllers = controllers
        self.parents = {key: tuple(_gateways(route, facts)) for key, route in routes.items()}
        self.spots = tuple(
            Spot(key, index, key_of(gateway.metadata), listener.name)
            for key, route in routes.items()
            for gateway, listener in self.behind(key)
            for index in range(len(rules_of(route)))
        )
        self.under: dict[Key, list[Spot]] = {}
        for spot in self.spots:
            for key in _covering(spot, routes):
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


class _Target(msgspec.Struct, frozen=True):
    key: Key
    path: str
    ancestors: tuple[AncestorRef, ...]
    problem: Finding | None = None


def _targets(name: str, policy: RoutingPolicy, world: _World) -> Iterator[_Target]:
    namespace = name.partition("/")[0]
    for index, ref in enumerate(policy.spec.target_refs):
        path = f"spec.targetRefs[{index}]"
        target = f"{ref.namespace or namespace}/{ref.name}"
        key = (ref.kind, target, ref.section_name)
        alone = (_ancestor(target, ref.kind, ref.section_name),)
        if not permitted(world.facts.grants.values(), namespace=namespace, kind=ref.kind, target=target):
            message = f"{ref.kind} {target} does not let policies of {namespace} name it: {advice(namespace, ref.kind, target)}"
            yield _Target(key, path, alone, Finding(f"{path}.namespace", message, reason="RefNotPermitted"))
        elif ref.kind == "Gateway":
            yield _gateway_target(key, path, ref, alone, world)
        else:
            yield _route_target(key, path, ref, alone, world)


def _gateway_target(key: Key, path: str, ref: TargetRef, alone: tuple[AncestorRef, ...], world: _World) -> _Target:
    gateway = world.facts.gateways.get(key[1])
    problem = None
    if gateway is None:
        problem = _missing(path, f"there is no Gateway {key[1]}: create it, or correct the name")
    elif not world.supports(gateway):
        problem = _unsupported(path, gateway, world)
    elif ref.section_name and ref.section_name not in {listener.name for listener in gateway.listeners}:
        has = ", ".join(listener.name for listener in gateway.listeners[:MOST_ADVICE]) or "none that speaks HTTP"
        problem = _missing(f"{path}.sectionName", f"Gateway {key[1]} has no such HTTP listener; it has {has}")
    return _Target(key, path, alone, problem)


def _route_target(key: Key, path: str, ref: TargetRef, alone: tuple[AncestorRef, ...], world: _World) -> _Target:
    route = world.routes.get(key[1])
    if route is None:
        return _Target(
            key, path, alone, _missing(path, f"there is no HTTPRoute {key[1]}: create it, or correct the name")
        )
    named = {rule.get("name") for rule in rules_of(route)} - {None}
    if ref.section_name and ref.section_name not in named:
        has = ", ".join(sorted(map(str, named))[:MOST_ADVICE]) or "no named rule"
        message = f"HTTPRoute {key[1]} has no such rule; it has {has}"
        return _Target(key, path, alone, _missing(f"{path}.sectionName", message))
    parents = world.parents[key[1]]
    if not parents:
        message = f"no Gateway that HTTPRoute {key[1]} names in spec.parentRefs exists: create it, or correct the name"
        return _Target(key, path, alone, _missing(path, message))
    above = tuple(_ancestor(key_of(gateway.metadata), "Gateway", None) for gateway in parents)
    if not any(map(world.supports, parents)):
        return _Target(key, path, above, _unsupported(path, parents[0], world))
    return _Target(key, path, above)


def _holders(asking: Mapping[str, RoutingPolicy], wanted: Mapping[str, Iterable[_Target]]) -> dict[Key, str]:
    """Which Enforce policy has each target: the oldest one, then the first by ``namespace/name``."""
    holders: dict[Key, str] = {}
    for name in sorted(asking, key=lambda name: (seniority(asking[name].metadata), name)):
        if asking[name].spec.mode == "Enforce":
            for target in wanted[name]:
                if target.problem is None:
                    holders.setdefault(target.key, name)
    return holders


def _covering(spot: Spot, routes: Mapping[str, Stored]) -> Iterator[Key]:
    """Targets that cover a spot, the most specific first."""
    if (rule := rules_of(routes[spot.route])[spot.rule].get("name")) is not None:
        yield "HTTPRoute", spot.route, str(rule)
    yield "HTTPRoute", spot.route, None
    yield "Gateway", spot.gateway, spot.listener
    yield "Gateway", spot.gateway, None


def _owners(spots: Iterable[Spot], holders: Mapping[Key, str], routes: Mapping[str, Stored]) -> dict[Spot, Key]:
    """The target by which each spot is held, for those that are."""
    found = {}
    for spot in spots:
        held = next((key for key in _covering(spot, routes) if key in holders), None)
        if held is not None:
            found[spot] = held
    return found


def _attached(
    name: str, shadow: bool, wanted: list[_Target], holders: Mapping[Key, str], owned: Mapping[Spot, Key], world: _World
) -> Attached:
    settled = [target if shadow else _contended(name, target, holders) for target in wanted]
    keys = tuple(dict.fromkeys(target.key for target in settled if target.problem is None))
    covered = list(world.covered(keys))
    spots = covered if shadow else [spot for spot in covered if holders[owned[spot]] == name]
    others = [(spot, holders[owned[spot]]) for spot in covered if not shadow and holders[owned[spot]] != name]
    places = dict(_places(spots, world))
    return Attached(
        keys,
        tuple(sorted(spots)),
        tuple(places),
        places,
        tuple(_beaten(ancestor, spots, others) for ancestor in _ancestors(settled, world)),
        tuple(dict.fromkeys(target.problem for target in settled if target.problem is not None)),
    )


def _beaten(ancestor: Ancestor, own: Iterable[Spot], others: Iterable[tuple[Spot, str]]) -> Ancestor:
    if ancestor.problem or ancestor.ref.kind != "Gateway":
        return ancestor
    left = {(spot.route, spot.rule) for spot in own if spot.gateway == ancestor.gateway}
    found: dict[tuple[str, str], set[int]] = {}
    for spot, policy in others:
        if spot.gateway == ancestor.gateway:
            found.setdefault((spot.route, policy), set()).add(spot.rule)
    routes = {route for route, _ in left}
    split = {route for route, _ in found if sum(route == other for other, _ in found) > 1}
    taken = tuple(
        Taken(route, policy, tuple(sorted(rules)) if route in routes or route in split else ())
        for (route, policy), rules in sorted(found.items())
    )
    return msgspec.structs.replace(ancestor, taken=taken, overridden=bool(taken) and not left)


def _contended(name: str, target: _Target, holders: Mapping[Key, str]) -> _Target:
    winner = holders.get(target.key, name)
    if target.problem is not None or winner == name:
        return target
    kind, where, section = target.key
    part = f", section {section}," if section else ""
    message = (
        f"policy {winner} has {kind} {where}{part} and is the older one: change one of the two, or set mode: Shadow"
    )
    return msgspec.structs.replace(target, problem=Finding(target.path, message, reason="Conflicted"))


def hostnames_at(spot: Spot, facts: GatewayFacts) -> tuple[str, ...]:
    """Those under which its listener has the route's requests."""
    listeners = facts.gateways[spot.gateway].listeners
    own = next(listener.hostname for listener in listeners if listener.name == spot.listener)
    return shared_hostnames(own, facts.routes[spot.route].spec.get("hostnames") or ())


def _places(spots: Iterable[Spot], world: _World) -> Iterator[tuple[Place, tuple[Spot, ...]]]:
    """What is matched and taken off under the same hostnames, and the spots behind it, in a stable order."""
    found: dict[tuple[str, str, tuple[str, ...]], set[Spot]] = {}
    for spot in spots:
        hosts = tuple(sorted(hostnames_at(spot, world.facts)))
        for match in matches_of(rules_of(world.routes[spot.route])[spot.rule]):
            found.setdefault((*prefix_and_base(match), hosts), set()).add(spot)
    for (prefix, base, hostnames), behind in sorted(found.items()):
        yield Place(hostnames=hostnames, prefix=prefix, base=base), tuple(sorted(behind))


def _ancestors(targets: Iterable[_Target], world: _World) -> Iterator[Ancestor]:
    """One entry a Gateway; it is accepted there if one of its targets is."""
    found: dict[AncestorRef, list[Finding]] = {}
    accepted: set[AncestorRef] = set()
    for target in targets:
        for ref in target.ancestors:
            problems = found.setdefault(ref, [])
            gateway = world.facts.gateways.get(f"{ref.namespace}/{ref.name}") if ref.kind == "Gateway" else None
            if target.problem is not None:
                problems.append(target.problem)
            elif gateway is not None and not world.supports(gateway):
                problems.append(_unsupported(target.path, gateway, world))
            else:
                accepted.add(ref)
    for ref, problems in found.items():
        yield Ancestor(ref, () if ref in accepted else tuple(dict.fromkeys(problems)))


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


def _ancestor(target: str, kind: str, section: str | None) -> AncestorRef:
    namespace, _, name = target.partition("/")
    return AncestorRef(kind=kind, namespace=namespace, name=name, section_name=section)


def _missing(path: str, message: str) -> Finding:
    return Finding(path, message, reason="TargetNotFound")


def _unsupported(path: str, gateway: Gateway, world: _World) -> Finding:
    controller = world.facts.controller(gateway)
    whose = f"belongs to {controller}" if controller else "does not exist"
    message = (
        f"the class {gateway.spec.gateway_class_name} of Gateway {key_of(gateway.metadata)} {whose}, and Forebay writes for "
        f"{', '.join(sorted(world.controllers))} only"
    )
    return Finding(path, message)
