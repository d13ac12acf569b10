"""What a policy's status says by Gateway (GEP-713's ancestors): whether it is accepted there, and what of it others have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from forebay_api.status import AncestorRef
from forebay_decision.check import Finding
from forebay_operator.gateway.spots import Spot, World
from forebay_operator.gateway.targets import Target, unsupported


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


def ancestors_of(targets: Iterable[Target], world: World) -> Iterator[Ancestor]:
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
                problems.append(unsupported(target.path, gateway, world))
            else:
                accepted.add(ref)
    for ref, problems in found.items():
        yield Ancestor(ref, () if ref in accepted else tuple(dict.fromkeys(problems)))


def beaten(ancestor: Ancestor, own: Iterable[Spot], others: Iterable[tuple[Spot, str]]) -> Ancestor:
    if ancestor.problem or ancestor.ref.kind != "Gateway":
        return ancestor
    left = {(spot.route, spot.rule) for spot in own if spot.gateway == ancestor.gateway}
    found: dict[tuple[str, str], set[int]] = {}
    for spot, policy in others:
        if spot.gateway == ancestor.gateway:
            found.setdefault((spot.route, policy), set()).add(spot.rule)
    routes = {route for route, _ in left}
    sharers = Counter(route for route, _ in found)
    taken = tuple(
        Taken(route, policy, tuple(sorted(rules)) if route in routes or sharers[route] > 1 else ())
        for (route, policy), rules in sorted(found.items())
    )
    return msgspec.structs.replace(ancestor, taken=taken, overridden=bool(taken) and not left)
