"""What a policy's targetRefs name: targets that there are, or what is wrong with them and would mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from forebay_api.policy import RoutingPolicy, TargetRef
from forebay_api.status import AncestorRef
from forebay_decision.check import Finding
from forebay_operator.gateway.objects import Gateway, key_of, rules_of
from forebay_operator.gateway.permission import advice, permitted
from forebay_operator.gateway.spots import Key, World

MOST_ADVICE: Final = 4


class Target(msgspec.Struct, frozen=True):
    key: Key
    path: str
    ancestors: tuple[AncestorRef, ...]
    problem: Finding | None = None


def targets_of(name: str, policy: RoutingPolicy, world: World) -> Iterator[Target]:
    namespace = name.partition("/")[0]
    for index, ref in enumerate(policy.spec.target_refs):
        path = f"spec.targetRefs[{index}]"
        target = f"{ref.namespace or namespace}/{ref.name}"
        key = (ref.kind, target, ref.section_name)
        alone = (_ancestor(target, ref.kind, ref.section_name),)
        if not permitted(world.facts.grants.values(), namespace=namespace, kind=ref.kind, target=target):
            message = f"{ref.kind} {target} does not let policies of {namespace} name it: {advice(namespace, ref.kind, target)}"
            yield Target(key, path, alone, Finding(f"{path}.namespace", message, reason="RefNotPermitted"))
        elif ref.kind == "Gateway":
            yield _gateway_target(key, path, ref, alone, world)
        else:
            yield _route_target(key, path, ref, alone, world)


def _gateway_target(key: Key, path: str, ref: TargetRef, alone: tuple[AncestorRef, ...], world: World) -> Target:
    gateway = world.facts.gateways.get(key[1])
    problem = None
    if gateway is None:
        problem = _missing(path, f"there is no Gateway {key[1]}: create it, or correct the name")
    elif not world.supports(gateway):
        problem = unsupported(path, gateway, world)
    elif ref.section_name and ref.section_name not in {listener.name for listener in gateway.listeners}:
        has = ", ".join(listener.name for listener in gateway.listeners[:MOST_ADVICE]) or "none that speaks HTTP"
        problem = _missing(f"{path}.sectionName", f"Gateway {key[1]} has no such HTTP listener; it has {has}")
    return Target(key, path, alone, problem)


def _route_target(key: Key, path: str, ref: TargetRef, alone: tuple[AncestorRef, ...], world: World) -> Target:
    route = world.routes.get(key[1])
    if route is None:
        return Target(
            key, path, alone, _missing(path, f"there is no HTTPRoute {key[1]}: create it, or correct the name")
        )
    named = {rule.get("name") for rule in rules_of(route)} - {None}
    if ref.section_name and ref.section_name not in named:
        has = ", ".join(sorted(map(str, named))[:MOST_ADVICE]) or "no named rule"
        message = f"HTTPRoute {key[1]} has no such rule; it has {has}"
        return Target(key, path, alone, _missing(f"{path}.sectionName", message))
    parents = world.parents[key[1]]
    if not parents:
        message = f"no Gateway that HTTPRoute {key[1]} names in spec.parentRefs exists: create it, or correct the name"
        return Target(key, path, alone, _missing(path, message))
    above = tuple(_ancestor(key_of(gateway.metadata), "Gateway", None) for gateway in parents)
    if not any(map(world.supports, parents)):
        return Target(key, path, above, unsupported(path, parents[0], world))
    return Target(key, path, above)


def unsupported(path: str, gateway: Gateway, world: World) -> Finding:
    controller = world.facts.controller(gateway)
    whose = f"belongs to {controller}" if controller else "does not exist"
    message = (
        f"the class {gateway.spec.gateway_class_name} of Gateway {key_of(gateway.metadata)} {whose}, and Forebay writes for "
        f"{', '.join(sorted(world.controllers))} only"
    )
    return Finding(path, message)


def _ancestor(target: str, kind: str, section: str | None) -> AncestorRef:
    namespace, _, name = target.partition("/")
    return AncestorRef(kind=kind, namespace=namespace, name=name, section_name=section)


def _missing(path: str, message: str) -> Finding:
    return Finding(path, message, reason="TargetNotFound")
