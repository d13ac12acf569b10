"""What Envoy Gateway says of what was written for it, and of the listeners behind which it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from forebay_decision.names import CLUSTER_HEADER
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.comparison import Written, stored_of
from forebay_operator.gateway.envoy_gateway.routes import beside
from forebay_operator.gateway.envoy_gateway.routes import shown as shown_for
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Judgement, Plan, Wanted
from forebay_operator.gateway.naming import INSTALLATION, ROUTE, SHOWN
from forebay_operator.gateway.objects import AncestorStatus, ParentStatus, Said, Stored, said
from forebay_operator.gateway.spots import Spot

KINDS: Final = {
    "envoyextensionpolicies": "EnvoyExtensionPolicy",
    "clienttrafficpolicies": "ClientTrafficPolicy",
    "backends": "Backend",
    "httproutes": "HTTPRoute",
    "httproutefilters": "HTTPRouteFilter",
    "referencegrants": "ReferenceGrant",
}
_SILENT: Final = frozenset({"httproutefilters", "referencegrants"})
"""Kinds without a status."""


def judge(policy: str, plan: Plan, wanted: Wanted, controllers: frozenset[str], written: Written) -> Judgement:
    """How the objects of a policy and its listeners stand."""
    waiting: list[str] = []
    refused: list[str] = []
    for made in plan.objects:
        if policy in made.policies and not made.optional:
            for told, bad in _object(made, wanted, controllers, written):
                (refused if bad else waiting).append(told)
    held = wanted.policies.get(policy)
    if held is not None:
        waiting += _listeners(held.attached.spots, wanted)
    return Judgement(tuple(waiting), tuple(refused))


def routed(
    attached: Mapping[str, Attached], facts: GatewayFacts, controllers: frozenset[str]
) -> dict[str, frozenset[str]]:
    """By policy, the routing header's values that every route of the user's has an accepted route of ours for."""
    values: dict[str, set[str]] = {}
    for stored in facts.routes.values():
        label = stored.metadata.labels.get(ROUTE)
        if label is not None and taken(stored, controllers):
            values.setdefault(label, set()).update(_values(stored))
    found = {}
    for name, own in attached.items():
        each = [values.get(beside(name, route), set()) for route in dict.fromkeys(spot.route for spot in own.spots)]
        found[name] = frozenset(set.intersection(*each)) if each else frozenset()
    return found


def shown(policies: Iterable[str], facts: GatewayFacts) -> frozenset[str]:
    """Policies of which an EnvoyExtensionPolicy is there that has a target of a user's."""
    labels = {
        stored.metadata.labels.get(SHOWN)
        for stored in facts.kinds.get("envoyextensionpolicies", {}).values()
        if stored.spec.get("targetRefs")
    }
    return frozenset(name for name in policies if labels and shown_for(name) in labels)


def taken(stored: Stored, controllers: frozenset[str]) -> bool:
    """Whether an HTTPRoute is accepted as it is now, at every parent that Envoy Gateway speaks of."""
    groups = list(_said(stored, controllers))
    return bool(groups) and all(
        found is not None and found.status == "True" and found.observed_generation >= stored.metadata.generation
        for found in (said(conditions, "Accepted") for conditions in groups)
    )


def heard(stored: Stored, controllers: frozenset[str]) -> bool:
    """Whether Envoy Gateway has said anything of an object as it is now: from then on it reckons with it."""
    return any(
        found.observed_generation >= stored.metadata.generation
        for conditions in _said(stored, controllers)
        for found in conditions
    )


def _values(stored: Stored) -> Iterator[str]:
    for rule in stored.spec.get("rules") or ():
        for match in rule.get("matches") or ():
            for header in match.get("headers") or ():
                if header.get("name", "").lower() == CLUSTER_HEADER and header.get("type", "Exact") == "Exact":
                    yield str(header.get("value", ""))


def _object(
    made: Generated, wanted: Wanted, controllers: frozenset[str], written: Written
) -> Iterator[tuple[str, bool]]:
    who = f"{KINDS[made.plural]} {made.key}"
    stored = stored_of(wanted.facts, made)
    if stored is None:
        yield f"{who} is not written yet", False
        return
    if not written(made, stored):
        yield f"{who} is not written yet", False
        return
    if made.plural in _SILENT:
        return
    groups = list(_said(stored, controllers))
    if not groups:
        yield f"{who} is not accepted yet", False
    for conditions in groups:
        for type_ in ("Accepted", "ResolvedRefs"):
            found = said(conditions, type_)
            if found is None and type_ == "ResolvedRefs":
                continue
            if found is None or found.observed_generation < stored.metadata.generation:
                yield f"{who} is not accepted yet", False
            elif found.status != "True":
                passes = found.reason == "Conflicted" and _is_in_its_place(made, wanted)
                yield f"{who}: {type_}: {found.reason}: {found.message}", found.status == "False" and not passes


def _is_in_its_place(made: Generated, wanted: Wanted) -> bool:
    """Whether another object of ours still has a target of this one: it is about to let go of it (showing.py)."""
    targets = made.spec.get("targetRefs") or ()
    return any(
        stored.metadata.labels.get(INSTALLATION) == wanted.installation
        and key != made.key
        and stored.metadata.namespace == made.namespace
        and any(ref in targets for ref in stored.spec.get("targetRefs") or ())
        for key, stored in wanted.facts.kinds.get(made.plural, {}).items()
    )


def _said(stored: Stored, controllers: frozenset[str]) -> Iterator[tuple[Said, ...]]:
    entries: tuple[ParentStatus | AncestorStatus, ...] = (*stored.status.parents, *stored.status.ancestors)
    for entry in entries:
        if entry.controller_name in controllers:
            yield entry.conditions
    if stored.status.conditions:
        yield stored.status.conditions


def _listeners(spots: tuple[Spot, ...], wanted: Wanted) -> Iterator[str]:
    for gateway, listener in dict.fromkeys((spot.gateway, spot.listener) for spot in spots):
        stored = wanted.facts.gateways[gateway]
        found = next((entry for entry in stored.status.listeners if entry.name == listener), None)
        programmed = None if found is None else said(found.conditions, "Programmed")
        if programmed is not None and programmed.observed_generation < stored.metadata.generation:
            programmed = None
        if programmed is None or programmed.status != "True":
            why = f": {programmed.reason}: {programmed.message}" if programmed is not None else " yet"
            yield f"listener {listener} of Gateway {gateway} is not programmed{why}"
