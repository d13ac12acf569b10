"""The EnvoyPatchPolicy of a Gateway, and what its policies do without where Envoy Gateway does not take it.

Envoy Gateway takes such policies only where its configuration says so, and leaves out each patch that does not apply, with
everything else as it is; so a Gateway serves the same without them, and its policies stay Programmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.envoy_gateway.patches.behind import Behind, bypassing, policies_behind
from forebay_operator.gateway.envoy_gateway.patches.bypass import route_patch, script_patch
from forebay_operator.gateway.envoy_gateway.patches.listeners import Named, envoy_listeners, route_tables
from forebay_operator.gateway.envoy_gateway.patches.outcomes import outcome_patches
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch, processor
from forebay_operator.gateway.envoy_gateway.patches.standing import PLURAL, is_unknown, troubles
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import generated_name
from forebay_operator.gateway.objects import GROUP, VERSION
from forebay_operator.gateway.permission import advice, permitted

STAGE: Final = 1
MOST_BYPASSES: Final = 16
"""In one Gateway: Envoy Gateway reads and writes a whole route table anew for each patch of it."""


class Patched(msgspec.Struct, frozen=True):
    """`objects` have to be there; `losses` by RoutingPolicy what it does without."""

    objects: tuple[Generated, ...] = ()
    losses: dict[str, tuple[str, ...]] = {}


def patches(wanted: Wanted, extensions: Sequence[Generated], controllers: frozenset[str]) -> Patched:
    """One object for each Gateway that policies hold routes behind; `extensions` are their EnvoyExtensionPolicies."""
    made: list[Generated] = []
    lost: dict[str, list[str]] = {}
    reasons: dict[str, tuple[str, ...]]
    for gateway, policies in sorted(policies_behind(wanted, extensions).items()):
        if not any(may_speak(name, gateway, wanted) for name in policies):
            reasons = {name: (advice(name.partition("/")[0], "Gateway", gateway),) for name in policies}
        else:
            own, resources = _generated(gateway, policies, wanted)
            made.append(own)
            why = troubles(own.key, wanted.facts, controllers, resources)
            reasons = dict.fromkeys(policies, why)
        for name, found in reasons.items():
            lost.setdefault(name, []).extend(f"{_missed(gateway, policies[name])}: {one}" for one in found)
        for name in bypassing(policies)[MOST_BYPASSES:]:
            lost.setdefault(name, []).append(_crowded(gateway))
    return Patched(tuple(made), {name: tuple(found) for name, found in lost.items()})


def _generated(gateway: str, policies: Mapping[str, Behind], wanted: Wanted) -> tuple[Generated, tuple[Named, ...]]:
    """The object, and all that it changes."""
    namespace, _, name = gateway.partition("/")
    stored = wanted.facts.gateways[gateway]
    own = generated_name(name, gateway)
    listeners = envoy_listeners(stored, {listener for part in policies.values() for listener in part.listeners})
    both = is_unknown(wanted.facts.stored(PLURAL, f"{namespace}/{own}"), listeners)
    ways = sorted({key for part in policies.values() for keys in part.listeners.values() for key in keys})
    names = [one for listener in listeners for one in listener.names(both)]
    made = outcome_patches(wanted.installation, names, ways)
    resources = list(listeners)
    for change, found in _bypasses(gateway, policies, wanted, both):
        made.append(change)
        resources.append(found)
    spec: dict[str, Any] = {
        "targetRef": {"group": GROUP, "kind": "Gateway", "name": name},
        "type": "JSONPatch",
        "jsonPatches": made,
    }
    owner = reference(f"{GROUP}/{VERSION}", "Gateway", name, stored.metadata.uid or "")
    return Generated(
        PLURAL, namespace, own, spec, labels(wanted.installation), owner, STAGE, tuple(policies), optional=True
    ), tuple(dict.fromkeys(resources))


def _bypasses(
    gateway: str, policies: Mapping[str, Behind], wanted: Wanted, both: bool
) -> Iterator[tuple[Patch, Named]]:
    """The script on all listeners that need it, then each policy's own word to it; and what each patch changes."""
    stored = wanted.facts.gateways[gateway]
    chosen = {name: policies[name] for name in bypassing(policies)[:MOST_BYPASSES]}
    for found in envoy_listeners(stored, {listener for part in chosen.values() for listener in part.listeners}):
        for name in found.names(both):
            yield script_patch(wanted.installation, name), found
    for policy, part in chosen.items():
        if part.bypass is None:
            continue
        by_key: dict[str, set[str]] = {}
        for listener, keys in part.listeners.items():
            for key in keys:
                by_key.setdefault(key, set()).add(listener)
        for key, behind in sorted(by_key.items()):
            for found in route_tables(stored, behind):
                for name in found.names(both):
                    yield route_patch(wanted.installation, name, processor(key), policy, part.bypass), found


def _crowded(gateway: str) -> str:
    return (
        f"while no data plane answers, requests behind Gateway {gateway} go to the route's own backends with the model name as "
        f"it came: only its first {MOST_BYPASSES} policies with failOpen, by name, have a bypass"
    )


def _missed(gateway: str, part: Behind) -> str:
    missed = f"no outcomes come back from Gateway {gateway}"
    if part.bypass is None:
        return missed
    return (
        f"{missed}, and while no data plane answers, requests behind it go to the route's own backends with the model name as "
        f"it came and not to pool {part.bypass.pool}"
    )


def may_speak(policy: str, gateway: str, wanted: Wanted) -> bool:
    """Whether a policy has a say in what is written for a Gateway."""
    grants = wanted.facts.grants.values()
    return permitted(grants, namespace=policy.partition("/")[0], kind="Gateway", target=gateway)
