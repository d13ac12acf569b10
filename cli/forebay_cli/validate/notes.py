"""What is no fault of a policy and yet hardly meant: parts that do nothing, and models that Envoy decides alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.native import NativeModel, native_report, shadowed_policies
from forebay_decision.policy.compiler import compile_rules

UNWATCHED: Final = (
    "no Enforce policy here has this Shadow policy's hostnames and pathPrefix: until one does it decides nothing"
)
UNASKED: Final = "no rule asks for this signal, so it is never computed"
ALWAYS: Final = "true"


class Note(NamedTuple):
    """`policy` is ``namespace/name``, `path` the place inside it."""

    severity: Literal["Note", "Warning"]
    message: str
    policy: str
    path: str


def notes(policies: Mapping[str, PolicySpec]) -> Iterator[Note]:
    """Of policies that are accepted."""
    yield from _unwatched(policies)
    for name, spec in policies.items():
        yield from _unasked(name, spec)
        yield from _unreached(name, spec)


def natives(policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec]) -> dict[str, dict[str, str]]:
    """Policy -> explicit model -> who decides on it: Envoy, or the data plane and why."""
    shadowed = shadowed_policies(policies)
    return {
        name: {
            model: f"Envoy: {', '.join(entry.endpoints)}" if isinstance(entry, NativeModel) else f"DataPlane: {entry}"
            for model, entry in native_report(
                name, spec, pools, shadowed=name in shadowed, saturated=frozenset()
            ).items()
        }
        for name, spec in policies.items()
    }


def _unwatched(policies: Mapping[str, PolicySpec]) -> Iterator[Note]:
    """Shadow policies beside nobody."""
    attached = {
        name: (spec.mode, {(host, spec.attach.prefix) for host in spec.attach.hostnames})
        for name, spec in policies.items()
        if not spec.target_refs
    }
    enforced = set[tuple[str, str]]().union(*(places for mode, places in attached.values() if mode == "Enforce"))
    for name, (mode, places) in attached.items():
        if mode == "Shadow" and not places & enforced:
            yield Note("Note", UNWATCHED, name, "spec.mode")


def _unasked(name: str, spec: PolicySpec) -> Iterator[Note]:
    """Signals that no rule names."""
    asked = {signal for rule in compile_rules(name, spec).rules for signal in rule.when.references.signals}
    for at, signal in enumerate(spec.signals):
        if signal.name not in asked:
            yield Note("Note", UNASKED, name, f"spec.signals[{at}]")


def _unreached(name: str, spec: PolicySpec) -> Iterator[Note]:
    """Rules below one that always decides. `constrain` rules count wherever they stand."""
    above: str | None = None
    for at, rule in enumerate(spec.rules):
        if rule.constrain is not None:
            continue
        if above is not None:
            severity: Literal["Note", "Warning"] = "Note" if rule.reject is None else "Warning"
            message = (
                f"the rule {above!r} above decides every request for a virtual model, so this one is not asked of those"
            )
            yield Note(severity, message, name, f"spec.rules[{at}]")
        elif rule.when.strip() == ALWAYS and rule.respond is None:
            above = rule.name
