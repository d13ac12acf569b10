"""What Envoy Gateway says of the patches of a Gateway: in its own words where they do nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from forebay_operator.gateway.envoy_gateway.patches.listeners import Named
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.objects import Said, Stored, said

PLURAL: Final = "envoypatchpolicies"
DISABLED: Final = "Disabled"
NOT_FOUND: Final = "ResourceNotFound"


def is_unknown(there: Stored | None, resources: Sequence[Named]) -> bool:
    """Whether Envoy Gateway has said that it does not know one of these by its usual name."""
    told = _missing(there)
    return any(f"/{resource.usual}," in told for resource in resources)


def troubles(key: str, facts: GatewayFacts, controllers: frozenset[str], resources: Sequence[Named]) -> tuple[str, ...]:
    """Why the patches of `key` (namespace/name) do not do all that they should; `resources` are what they change."""
    stored = facts.stored(PLURAL, key)
    if stored is None:
        return (f"EnvoyPatchPolicy {key} is not written yet, or this cluster has no such kind",)
    entries = [entry.conditions for entry in stored.status.ancestors if entry.controller_name in controllers]
    if not entries:
        return (_waits(key),)
    return tuple(why for conditions in entries for why in _refusal(key, conditions, stored, resources))


def _refusal(key: str, conditions: tuple[Said, ...], stored: Stored, resources: Sequence[Named]) -> Iterator[str]:
    for type_ in ("Accepted", "Programmed"):
        found = said(conditions, type_)
        if found is None or found.observed_generation < stored.metadata.generation:
            yield _waits(key)
        elif found.status == "True" or (found.reason == NOT_FOUND and _all_found(stored, resources)):
            continue
        elif found.reason == DISABLED:
            yield (
                "Envoy Gateway takes no EnvoyPatchPolicies: set extensionApis.enableEnvoyPatchPolicy: true in its "
                "configuration"
            )
        else:
            yield f"EnvoyPatchPolicy {key}: {type_}: {found.reason}: {found.message}"
        return


def _all_found(stored: Stored, resources: Sequence[Named]) -> bool:
    """Whether each of them was found under one of the names that were tried."""
    told = _missing(stored)
    tried = {patch.get("name") for patch in stored.spec.get("jsonPatches") or ()}
    return all(
        any(name in tried and f"/{name}," not in told for name in resource.names(True)) for resource in resources
    )


def _missing(there: Stored | None) -> str:
    """What it has not found, as it says it: ``TYPE/NAME,TYPE/NAME``, and a comma after it."""
    for entry in () if there is None else there.status.ancestors:
        found = said(entry.conditions, "Programmed")
        if found is not None and found.reason == NOT_FOUND:
            return f"{found.message},"
    return ""


def _waits(key: str) -> str:
    return f"EnvoyPatchPolicy {key} is not taken yet"
