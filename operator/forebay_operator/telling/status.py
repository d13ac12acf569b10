"""Last step of a reconcile: from verdicts, acknowledgements and pool state to the status that people read.

A condition's message holds nothing that moves by itself (no counts of requests, no times), so that status is written
when something has happened and not each second. `lastTransitionTime` moves only when a condition's status does.

`Stalled` is there only while it is true: the object stays as it is until somebody mends its spec, which kstatus calls
Failed, and waiting is of no use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from forebay_api.pool import PoolSpec
from forebay_api.reasons import Reason
from forebay_api.status import AncestorStatus, Condition, EndpointCounts, PolicyStatus, PoolStatus
from forebay_api.wire import PoolState
from forebay_operator.gateway.told import (
    CONTROLLER,
    GatewayTold,
    ancestor_statements,
    state_gateway,
    state_partly,
    state_supported,
    with_others,
)
from forebay_operator.judgement.findings import cut
from forebay_operator.judgement.verdict import PolicyVerdict, PoolVerdict, Statement
from forebay_operator.scrape.budget import slowed
from forebay_operator.telling.progress import Rollout, state_programmed

_SATURATION_FIELDS: Final[Mapping[str, tuple[Reason, str]]] = {
    "QueueDepth": ("QueueDepth", "queueDepth"),
    "KVCache": ("KVCache", "kvCacheUtilization"),
    "InFlight": ("InFlight", "inFlight"),
}


def policy_status(
    verdict: PolicyVerdict,
    rollout: Rollout | None,
    before: PolicyStatus | None,
    now: datetime,
    gateway: GatewayTold | None = None,
) -> PolicyStatus:
    """The status of a policy. `rollout` is None until something has been published; `before` is its present status.

    `gateway` is what is to be said of a policy with targetRefs.
    """
    programmed = state_programmed(rollout)
    if verdict.spec is None:
        programmed = Statement("Programmed", "False", "Pending", "Not published: see Accepted and ResolvedRefs")
    elif verdict.is_last_good and programmed.status == "True":
        message = f"The last good version, not this one: {programmed.message}"
        programmed = Statement("Programmed", "False", "Pending", message)
    programmed = state_gateway(programmed, gateway)
    statements = (verdict.accepted, verdict.resolved, state_partly(programmed, gateway))
    beside = _stalled(verdict.accepted)
    if gateway is not None and verdict.spec is not None:
        beside = (*beside, state_supported(gateway))
    revision = before.revision if before else None
    if rollout is not None and rollout.acknowledgements.complete and verdict.spec is not None:
        revision = rollout.acknowledgements.revision
    return PolicyStatus(
        observed_generation=verdict.generation,
        conditions=_stamp(
            (_ready(statements), *statements, *beside),
            before.conditions if before else (),
            verdict.generation,
            now,
        ),
        revision=revision,
        ancestors=_ancestors(gateway, programmed, before.ancestors if before else (), verdict.generation, now),
    )


def _ancestors(
    of: GatewayTold | None,
    programmed: Statement,
    before: Sequence[AncestorStatus],
    generation: int,
    now: datetime,
) -> list[AncestorStatus]:
    former = {entry.ancestor_ref: entry.conditions for entry in before if entry.controller_name == CONTROLLER}
    own = [
        AncestorStatus(
            ancestor_ref=entry.ref,
            controller_name=CONTROLLER,
            conditions=_stamp(ancestor_statements(entry, programmed), former.get(entry.ref, ()), generation, now),
        )
        for entry in (of.ancestors if of is not None else ())
    ]
    return with_others(own, before)


def pool_status(
    verdict: PoolVerdict,
    rollout: Rollout | None,
    state: PoolState | None,
    before: PoolStatus | None,
    now: datetime,
    *,
    tried: bool = True,
    stretch: float = 1.0,
) -> PoolStatus:
    """The status of a pool. `state` is the one last told to the data planes, None before there is one.

    `tried` False: some endpoint has not been looked at yet. What `before` says of this generation's endpoints and
    saturation stands until then: that a new leader knows little is no news about the pool. `stretch` is how much longer
    than asked it takes from one scrape to the next.
    """
    spec = verdict.spec
    statements = (verdict.accepted, verdict.resolved, state_programmed(rollout))
    standing = () if tried or before is None or before.observed_generation != verdict.generation else before.conditions
    ready = _ready(statements)
    if ready.status == "True":
        ready = _stands(_endpoints_ready(spec, state, slowed(spec.telemetry.interval, stretch)), standing)
    stated = (ready, *statements, _stands(_saturated(spec, state), standing), *_stalled(verdict.accepted))
    return PoolStatus(
        observed_generation=verdict.generation,
        conditions=_stamp(stated, before.conditions if before else (), verdict.generation, now),
        endpoints=None if state is None else EndpointCounts(ready=state.ready, total=state.total),
    )


def _ready(statements: Sequence[Statement]) -> Statement:
    """True when all the others are; otherwise what stands in the way first."""
    for statement in statements:
        if statement.status != "True":
            reason: Reason = "Pending" if statement.reason == "Pending" else "NotReady"
            return Statement(
                "Ready", "False", reason, cut(f"{statement.type}: {statement.reason}: {statement.message}")
            )
    return Statement("Ready", "True", "Ready", statements[-1].message)


def _stalled(accepted: Statement) -> tuple[Statement, ...]:
    """Nothing that happens around the object will get it accepted, but for a conflict whose winner goes."""
    if accepted.status != "False" or accepted.reason == "TargetNotFound":
        return ()  # a target may come
    return (msgspec.structs.replace(accepted, type="Stalled", status="True"),)


def _stands(statement: Statement, before: Sequence[Condition]) -> Statement:
    """What was said before of the same, if that was about the endpoints; else `statement`."""
    for said in before:
        if said.type == statement.type and said.reason not in ("Pending", "NotReady"):
            return msgspec.structs.replace(statement, status=said.status, reason=said.reason, message=said.message)
    return statement


def _endpoints_ready(spec: PoolSpec, state: PoolState | None, slowed: str) -> Statement:
    if state is not None and state.total == 0 and not state.stale:
        return Statement("Ready", "False", "NoReadyEndpoints", "The backend has no endpoints")
    if spec.telemetry.engine == "None":
        return Statement("Ready", "True", "Ready", "Endpoints count as ready: spec.telemetry.engine is None")
    if state is None or (state.stale and state.observed_at is None):
        return Statement("Ready", "Unknown", "Pending", "No endpoint's metrics have been read yet")
    if state.stale:
        return Statement("Ready", "Unknown", "TelemetryStale", _stale(spec))
    counts = f"{state.ready} of {state.total} endpoints ready" + (f"; {slowed}" if slowed else "")
    if state.ready == 0:
        return Statement("Ready", "False", "NoReadyEndpoints", counts)
    return Statement("Ready", "True", "Ready", counts)


def _saturated(spec: PoolSpec, state: PoolState | None) -> Statement:
    if spec.saturation is None:
        return Statement("Saturated", "False", "BelowThreshold", "spec.saturation sets no threshold")
    if state is None:
        return Statement("Saturated", "Unknown", "Pending", "No load has been measured yet")
    if state.stale:
        return Statement("Saturated", "Unknown", "TelemetryStale", _stale(spec))
    if not state.saturated:
        return Statement("Saturated", "False", "BelowThreshold", "Below every threshold of spec.saturation")
    reason, field = _SATURATION_FIELDS[state.saturation_reason]
    limit = msgspec.to_builtins(spec.saturation)[field]
    message = (
        f"spec.saturation.{field} of {limit:g} was reached; it ends when every measure is below 80 % of its threshold"
    )
    return Statement("Saturated", "True", reason, message)


def _stale(spec: PoolSpec) -> str:
    source = "load has been reported" if spec.telemetry.engine == "None" else "endpoint's metrics have been read"
    return f"No {source} for {spec.telemetry.stale_after} (spec.telemetry.staleAfter): load counts in no decision"


def _stamp(
    statements: Iterable[Statement], before: Sequence[Condition], generation: int, now: datetime
) -> list[Condition]:
    known = {condition.type: condition for condition in before}
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stamped = []
    for statement in statements:
        old = known.get(statement.type)
        stamped.append(
            Condition(
                type=statement.type,
                status=statement.status,
                reason=statement.reason,
                message=statement.message,
                last_transition_time=old.last_transition_time if old and old.status == statement.status else time,
                observed_generation=generation,
            )
        )
    return stamped
