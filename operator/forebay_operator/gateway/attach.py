"""Whose requests are whose: from policies with targetRefs and all Gateways and routes to what each policy holds.

Precedence is GEP-713's. Each rule of each route behind each listener is a *spot*; it belongs, whole, to the policy with
the most specific target that covers it: the rule, the route, the listener, the Gateway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from forebay_api.policy import RoutingPolicy
from forebay_api.wire import Place
from forebay_decision.check import Finding
from forebay_operator.gateway.ancestors import Ancestor, ancestors_of, beaten
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.spots import Key, Spot, World, covering, places_of
from forebay_operator.gateway.targets import Target, targets_of
from forebay_operator.judgement.claims import seniority


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
    world = World(facts, controllers)
    wanted = {name: list(targets_of(name, policy, world)) for name, policy in asking.items()}
    holders = _holders(asking, wanted)
    owned = _owners(world, holders)
    return {
        name: _attached(name, policy.spec.mode == "Shadow", wanted[name], holders, owned, world)
        for name, policy in asking.items()
    }


def _holders(asking: Mapping[str, RoutingPolicy], wanted: Mapping[str, Iterable[Target]]) -> dict[Key, str]:
    """Which Enforce policy has each target: the oldest one, then the first by ``namespace/name``."""
    holders: dict[Key, str] = {}
    for name in sorted(asking, key=lambda name: (seniority(asking[name].metadata), name)):
        if asking[name].spec.mode == "Enforce":
            for target in wanted[name]:
                if target.problem is None:
                    holders.setdefault(target.key, name)
    return holders


def _owners(world: World, holders: Mapping[Key, str]) -> dict[Spot, Key]:
    """The target by which each spot is held, for those that are."""
    found = {}
    for spot in world.spots:
        held = next((key for key in covering(spot, world.routes) if key in holders), None)
        if held is not None:
            found[spot] = held
    return found


def _attached(
    name: str, shadow: bool, wanted: list[Target], holders: Mapping[Key, str], owned: Mapping[Spot, Key], world: World
) -> Attached:
    settled = [target if shadow else _contended(name, target, holders) for target in wanted]
    keys = tuple(dict.fromkeys(target.key for target in settled if target.problem is None))
    covered = list(world.covered(keys))
    spots = covered if shadow else [spot for spot in covered if holders[owned[spot]] == name]
    others = [(spot, holders[owned[spot]]) for spot in covered if not shadow and holders[owned[spot]] != name]
    places = dict(places_of(spots, world))
    return Attached(
        keys,
        tuple(sorted(spots)),
        tuple(places),
        places,
        tuple(beaten(ancestor, spots, others) for ancestor in ancestors_of(settled, world)),
        tuple(dict.fromkeys(target.problem for target in settled if target.problem is not None)),
    )


def _contended(name: str, target: Target, holders: Mapping[Key, str]) -> Target:
    winner = holders.get(target.key, name)
    if target.problem is not None or winner == name:
        return target
    kind, where, section = target.key
    part = f", section {section}," if section else ""
    message = (
        f"policy {winner} has {kind} {where}{part} and is the older one: change one of the two, or set mode: Shadow"
    )
    return msgspec.structs.replace(target, problem=Finding(target.path, message, reason="Conflicted"))
