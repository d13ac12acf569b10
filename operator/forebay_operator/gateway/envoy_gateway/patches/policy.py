"""The EnvoyPatchPolicy of a Gateway, and what its policies do without where Envoy Gateway does not take it.

Envoy Gateway takes such policies only where its configuration says so, and leaves out each patch that does not apply, with
everything else as it is; so a Gateway serves the same without them, and its policies stay Programmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.envoy_gateway.patches.listeners import Known, envoy_listeners
from forebay_operator.gateway.envoy_gateway.patches.outcomes import outcome_patches
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import generated_name
from forebay_operator.gateway.objects import GROUP, VERSION, Said, Stored, said
from forebay_operator.gateway.permission import advice, permitted

PLURAL: Final = "envoypatchpolicies"
STAGE: Final = 1
DISABLED: Final = "Disabled"
NOT_FOUND: Final = "ResourceNotFound"


class Patched(msgspec.Struct, frozen=True):
    """`objects` have to be there; `losses` by RoutingPolicy what it does without."""

    objects: tuple[Generated, ...] = ()
    losses: dict[str, tuple[str, ...]] = {}


def patches(wanted: Wanted, extensions: Sequence[Generated], controllers: frozenset[str]) -> Patched:
    """One object for each Gateway that policies hold routes behind; `extensions` are their EnvoyExtensionPolicies."""
    behind: dict[str, dict[str, set[str]]] = {}
    for name, held in wanted.policies.items():
        for spot in held.attached.spots:
            behind.setdefault(spot.gateway, {}).setdefault(name, set()).add(spot.listener)
    made: list[Generated] = []
    lost: dict[str, list[str]] = {}
    for gateway, policies in sorted(behind.items()):
        speakers = [name for name in policies if _may(name, gateway, wanted)]
        if not speakers:
            for name in policies:
                lost.setdefault(name, []).append(_needs_grant(name, gateway))
            continue
        own = _generated(gateway, policies, wanted, extensions)
        made.append(own)
        for why in _standing(own, wanted, controllers):
            for name in policies:
                lost.setdefault(name, []).append(f"no outcomes come back from Gateway {gateway}: {why}")
    return Patched(tuple(made), {name: tuple(found) for name, found in lost.items()})


def _generated(
    gateway: str, policies: dict[str, set[str]], wanted: Wanted, extensions: Sequence[Generated]
) -> Generated:
    namespace, _, name = gateway.partition("/")
    stored = wanted.facts.gateways[gateway]
    own = generated_name(name, gateway)
    known = envoy_listeners(stored, {listener for listeners in policies.values() for listener in listeners})
    there = wanted.facts.stored(PLURAL, f"{namespace}/{own}")
    used = sorted((e for e in extensions if policies.keys() & set(e.policies)), key=lambda found: found.key)
    spec: dict[str, Any] = {
        "targetRef": {"group": GROUP, "kind": "Gateway", "name": name},
        "type": "JSONPatch",
        "jsonPatches": outcome_patches(wanted.installation, _names(known, there), used),
    }
    owner = reference(f"{GROUP}/{VERSION}", "Gateway", name, stored.metadata.uid or "")
    return Generated(
        PLURAL, namespace, own, spec, labels(wanted.installation), owner, STAGE, tuple(sorted(policies)), optional=True
    )


def _names(known: Sequence[Known], there: Stored | None) -> list[str]:
    """The usual names; those by port, too, once Envoy Gateway has said that it does not know the usual ones."""
    missing = _missing(there)
    names = [listener.name for listener in known]
    if any(f"/{name}" in missing for name in names):
        names += [listener.by_port for listener in known]
    return names


def _missing(there: Stored | None) -> str:
    """What Envoy Gateway says that it has not found, as it says it: ``TYPE/NAME,TYPE/NAME``, and a comma after it."""
    for conditions in () if there is None else (entry.conditions for entry in there.status.ancestors):
        found = said(conditions, "Programmed")
        if found is not None and found.reason == NOT_FOUND:
            return f"{found.message},"
    return ""


def _standing(made: Generated, wanted: Wanted, controllers: frozenset[str]) -> Iterator[str]:
    """Why the patches do nothing, in Envoy Gateway's words; nothing where they do all that they should."""
    stored = wanted.facts.stored(PLURAL, made.key)
    who = f"EnvoyPatchPolicy {made.key}"
    if stored is None:
        yield f"{who} is not written yet, or this cluster has no such kind"
        return
    entries = [entry.conditions for entry in stored.status.ancestors if entry.controller_name in controllers]
    if not entries:
        yield f"{who} is not taken yet"
    for conditions in entries:
        yield from _refusal(who, conditions, stored)


def _refusal(who: str, conditions: tuple[Said, ...], stored: Stored) -> Iterator[str]:
    for type_ in ("Accepted", "Programmed"):
        found = said(conditions, type_)
        if found is None or found.observed_generation < stored.metadata.generation:
            yield f"{who} is not taken yet"
        elif found.status == "True" or (found.reason == NOT_FOUND and _all_found(found.message, stored)):
            continue
        elif found.reason == DISABLED:
            yield (
                "Envoy Gateway takes no EnvoyPatchPolicies: set extensionApis.enableEnvoyPatchPolicy: true in its "
                "configuration"
            )
        else:
            yield f"{who}: {type_}: {found.reason}: {found.message}"
        return


def _all_found(message: str, stored: Stored) -> bool:
    """Whether each listener was found under one of its names, which are in order: the usual ones, then those by port."""
    names = [patch["name"] for patch in stored.spec.get("jsonPatches") or () if "jsonPath" in patch["operation"]]
    usual, by_port = names[: len(names) // 2], names[len(names) // 2 :]
    told = f"{message},"
    return by_port == [name for name in names if name.startswith("tcp-")] and all(
        f"/{one}," not in told or f"/{other}," not in told for one, other in zip(usual, by_port, strict=True)
    )


def _may(policy: str, gateway: str, wanted: Wanted) -> bool:
    grants = wanted.facts.grants.values()
    return permitted(grants, namespace=policy.partition("/")[0], kind="Gateway", target=gateway)


def _needs_grant(policy: str, gateway: str) -> str:
    return f"no outcomes come back from Gateway {gateway}: {advice(policy.partition('/')[0], 'Gateway', gateway)}"
