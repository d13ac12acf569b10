"""What GitOps tools make of a status: kstatus, which Flux and others use, and `kubectl wait`.

kstatus's rules, in order: an object that is being deleted is Terminating; one whose status.observedGeneration is not its
metadata.generation is InProgress; Reconciling=True is InProgress; Stalled=True is Failed; a Ready condition is Current if
True and InProgress otherwise; anything else is Current. e2e/test_kstatus.py asks kstatus itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from forebay_api.status import PolicyStatus, PoolStatus
from forebay_api.wire import PoolState
from forebay_decision.check import Finding
from forebay_operator.judgement.checks import judge
from forebay_operator.telling.progress import Rollout
from forebay_operator.telling.status import policy_status, pool_status
from forebay_operator.xds.acknowledgements import Acknowledgements, Kind

Build = Any
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXPECTED = {"dataplane/a": Kind.DATA_PLANE, "envoy/a": Kind.ENVOY}
GENERATION = 2


def kstatus(status: PolicyStatus | PoolStatus, generation: int, *, deleted: bool = False) -> str:
    """The verdict of kstatus on a custom resource."""
    if deleted:
        return "Terminating"
    if status.observed_generation != generation:
        return "InProgress"
    conditions = {condition.type: condition.status for condition in status.conditions}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"


def rollout(*missing: str, rejected: dict[str, str] | None = None, expected: dict[str, Kind] | None = None) -> Rollout:
    whom = EXPECTED if expected is None else expected
    return Rollout(Acknowledgements("r1", len(whom), len(whom) - len(missing), missing, rejected or {}), whom)


def policy(build: Build, told: Rollout | None = None, *, fault: str = "", **spec: Any) -> PolicyStatus:
    made = build.policy(**spec)
    made = msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, generation=GENERATION))
    faults = {"ai/assistant": Finding("spec", fault)} if fault else {}
    verdict = judge(build.inputs(build.pool(), made, faults=faults)).policies["ai/assistant"]
    return policy_status(verdict, told, None, NOW)


def conflicted(build: Build) -> PolicyStatus:
    """Of a policy whose attachment an older one has."""
    older = build.policy("older", created="2024-01-01T00:00:00Z")
    made = build.policy()
    made = msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, generation=GENERATION))
    return policy_status(judge(build.inputs(build.pool(), older, made)).policies["ai/assistant"], rollout(), None, NOW)


def pool(build: Build, told: Rollout | None = None, state: PoolState | None = None, **spec: Any) -> PoolStatus:
    made = build.pool(**spec)
    made = msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, generation=GENERATION))
    return pool_status(judge(build.inputs(made)).pools["ai/small"], told, state, None, NOW)


UNTYPED = [{"name": "m", "reasoning": {"parameter": "ReasoningEffort", "levels": {"High": 7}}}]
VLLM = {"telemetry": {"engine": "vLLM"}}
SATURATED = {**VLLM, "saturation": {"queueDepth": 4}}


def measured(ready: int, **more: Any) -> PoolState:
    return PoolState("ai/small", ready=ready, total=2, stale=False, observed_at=1.0, **more)


STATES: dict[str, tuple[Callable[[Build], PolicyStatus | PoolStatus], str]] = {
    "policy, never looked at": (lambda build: PolicyStatus(), "InProgress"),
    "pool, never looked at": (lambda build: PoolStatus(), "InProgress"),
    "policy, not yet published": (lambda build: policy(build), "InProgress"),
    "policy, one replica missing": (lambda build: policy(build, rollout("envoy/a")), "InProgress"),
    "policy, refused by Envoy": (lambda build: policy(build, rollout("envoy/a", rejected={"envoy/a": "no"})), "InProgress"),
    "policy, no data plane": (lambda build: policy(build, rollout(expected={"envoy/a": Kind.ENVOY})), "InProgress"),
    "policy, invalid": (lambda build: policy(build, rollout(), fault="odd"), "Failed"),
    "policy, invalid, its last good version in force": (lambda build: policy(build, rollout(), fault="odd"), "Failed"),
    "policy, its place is another's": (lambda build: conflicted(build), "Failed"),
    "policy, pool missing": (
        lambda build: policy(
            build, rollout(), strategies=[{"name": "plain", "direct": {"pools": [{"name": "away"}]}}]
        ),
        "InProgress",
    ),
    "policy, in force": (lambda build: policy(build, rollout()), "Current"),
    "pool, not yet published": (lambda build: pool(build), "InProgress"),
    "pool, invalid": (lambda build: pool(build, rollout(), models=UNTYPED), "Failed"),
    "pool, in force": (lambda build: pool(build, rollout()), "Current"),
    "pool, not yet measured": (lambda build: pool(build, rollout(), **VLLM), "InProgress"),
    "pool, no endpoint ready": (lambda build: pool(build, rollout(), measured(0), **VLLM), "InProgress"),
    "pool, readings stale": (
        lambda build: pool(build, rollout(), PoolState("ai/small", stale=True, observed_at=1.0), **VLLM),
        "InProgress",
    ),
    "pool, one of two endpoints ready": (lambda build: pool(build, rollout(), measured(1), **VLLM), "Current"),
    "pool, saturated": (
        lambda build: pool(
            build, rollout(), measured(2, saturated=True, saturation_reason="QueueDepth"), **SATURATED
        ),
        "Current",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_kstatus_says_of_every_state_what_it_is(build: Build, name: str) -> None:
    make, expected = STATES[name]

    assert kstatus(make(build), GENERATION) == expected


@pytest.mark.parametrize("name", [name for name, (_, verdict) in STATES.items() if verdict == "Current"])
def test_a_newer_generation_is_in_progress_until_it_was_looked_at(build: Build, name: str) -> None:
    assert kstatus(STATES[name][0](build), GENERATION + 1) == "InProgress"


def test_what_is_being_deleted_is_terminating(build: Build) -> None:
    assert kstatus(policy(build, rollout()), GENERATION, deleted=True) == "Terminating"


@pytest.mark.parametrize("name", STATES)
def test_kubectl_wait_for_ready_ends_where_kstatus_says_current(build: Build, name: str) -> None:
    """`kubectl wait --for=condition=Ready` looks at the one condition, and skips one about an older generation."""
    make, expected = STATES[name]
    made = make(build)

    (ready,) = [condition for condition in made.conditions if condition.type == "Ready"]

    assert (ready.status == "True" and ready.observed_generation == GENERATION) == (expected == "Current")


def test_stalled_repeats_accepted_and_is_gone_with_the_fault(build: Build) -> None:
    bad = policy(build, rollout(), fault="odd")
    stated = {condition.type: condition for condition in bad.conditions}

    assert stated["Stalled"].status == "True"
    assert (stated["Stalled"].reason, stated["Stalled"].message) == (
        stated["Accepted"].reason,
        stated["Accepted"].message,
    )
    assert "Stalled" not in {condition.type for condition in policy(build, rollout()).conditions}
