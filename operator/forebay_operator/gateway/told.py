"""What a policy with targetRefs says beside the usual: how its gateways take it, and what it does not get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from forebay_api.reasons import Reason
from forebay_api.status import MAX_ANCESTORS, AncestorStatus
from forebay_operator.gateway.ancestors import Ancestor
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.implementation import Generated, Implementation, Judgement, Plan, Wanted
from forebay_operator.judgement.findings import cut, tell
from forebay_operator.judgement.verdict import Statement

CONTROLLER = "forebay.dev/operator"
MERGE_STRATEGY = "Atomic Defaults"
"""GEP-713's name for: the more specific target has it, whole."""
_SHOWN = 4


class GatewayTold(msgspec.Struct, frozen=True):
    """Of one policy. `failures` are writes that the API server has not taken."""

    ancestors: tuple[Ancestor, ...] = ()
    judgement: Judgement = Judgement()
    losses: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def told(
    attached: Mapping[str, Attached],
    plan: Plan,
    wanted: Wanted,
    adapter: Implementation,
    failures: Mapping[str, str],
    pending: frozenset[str] = frozenset(),
    leaving: frozenset[str] = frozenset(),
) -> dict[str, GatewayTold]:
    """What every policy has to say. `pending` are those whose newest version is not out yet, `leaving` those of them that
    are about to decide nothing any more. `failures` are by plural and key of the object, ``plural namespace/name``."""
    found = {}
    objects: dict[str, list[Generated]] = {}
    for made in plan.objects:
        for policy in made.policies:
            objects.setdefault(policy, []).append(made)
    for name, own in attached.items():
        mine = objects.get(name, [])
        failed = [(m.optional, failures[key]) for m in mine if (key := f"{m.plural} {m.key}") in failures]
        found[name] = GatewayTold(
            own.ancestors,
            _judgement(name, Plan(tuple(mine)), wanted, adapter, _waits(name, pending, leaving)),
            (*plan.losses.get(name, ()), *(why for optional, why in failed if optional)),
            tuple(why for optional, why in failed if not optional),
        )
    return found


def _waits(name: str, pending: frozenset[str], leaving: frozenset[str]) -> tuple[str, ...]:
    if name in leaving:
        return ("the newest version waits until the gateway shows no more requests to the former one",)
    return ("the newest version waits until the gateway has its routes",) if name in pending else ()


def _judgement(name: str, plan: Plan, wanted: Wanted, adapter: Implementation, waits: tuple[str, ...]) -> Judgement:
    found = adapter.judge(name, plan, wanted) if name in wanted.policies else Judgement()
    return Judgement((*waits, *found.waiting), found.refused)


def state_gateway(programmed: Statement, of: GatewayTold | None) -> Statement:
    """Programmed, once the gateway is asked, too."""
    if of is None or programmed.status != "True":
        return programmed
    if of.failures:
        return _programmed("Rejected", of.failures)
    if of.judgement.refused:
        return _programmed("Rejected", of.judgement.refused)
    if of.judgement.waiting:
        return _programmed("Pending", of.judgement.waiting)
    return programmed


def state_supported(of: GatewayTold) -> Statement:
    if of.losses:
        return Statement("FullySupported", "False", "FeaturesMissing", cut(_some(of.losses)))
    return Statement("FullySupported", "True", "FullySupported", "This gateway can do all that the policy asks for")


def ancestor_statements(of: Ancestor, programmed: Statement) -> tuple[Statement, ...]:
    """Conditions of one entry of status.ancestors."""
    if of.problem:
        return (Statement("Accepted", "False", of.problem[0].reason, tell(of.problem)),)
    return Statement("Accepted", "True", "Accepted", "Accepted"), _there(of, programmed)


def state_partly(programmed: Statement, of: GatewayTold | None) -> Statement:
    """Programmed, with what more specific policies have in its message."""
    taken = [what for ancestor in (of.ancestors if of is not None else ()) for what in _taken(ancestor)]
    if programmed.status != "True" or not taken:
        return programmed
    told = f"{programmed.message}; {MERGE_STRATEGY}: {_some(tuple(dict.fromkeys(taken)))}"
    return Statement("Programmed", "True", "PartiallyProgrammed", cut(told))


def _there(of: Ancestor, programmed: Statement) -> Statement:
    """Programmed as it is behind one Gateway."""
    told = cut(f"{MERGE_STRATEGY}: {_some(tuple(_taken(of)))}")
    if of.overridden:
        return Statement("Programmed", "False", "Overridden", told)
    if of.taken and programmed.status == "True":
        return Statement("Programmed", "True", "PartiallyProgrammed", told)
    return programmed


def _taken(of: Ancestor) -> Iterator[str]:
    for taken in of.taken:
        rules = ", ".join(map(str, taken.rules))
        part = f"rule {rules} of " if len(taken.rules) == 1 else f"rules {rules} of " if rules else ""
        yield f"{part}HTTPRoute {taken.route} is policy {taken.policy}'s"


def with_others(own: Sequence[AncestorStatus], before: Sequence[AncestorStatus]) -> list[AncestorStatus]:
    """Entries of other controllers as they are, then as many of ours as there is room for."""
    others = [entry for entry in before if entry.controller_name != CONTROLLER]
    return [*others, *own][:MAX_ANCESTORS] if len(others) < MAX_ANCESTORS else others


def _programmed(reason: Reason, why: Sequence[str]) -> Statement:
    return Statement("Programmed", "False", reason, cut(_some(why)))


def _some(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return "; ".join(parts[:_SHOWN]) + more
