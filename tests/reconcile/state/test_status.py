"""Status: truthful about every expected replica, quiet while nothing happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from forebay_api.status import Condition, PolicyStatus, PoolStatus
from forebay_api.wire import PoolState
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.verdict import PolicyVerdict, PoolVerdict
from forebay_operator.telling.progress import Rollout
from forebay_operator.telling.status import policy_status, pool_status
from forebay_operator.xds.acknowledgements import Acknowledgements, Kind

Build = Any
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
EXPECTED = {"dataplane/1": Kind.DATA_PLANE, "dataplane/2": Kind.DATA_PLANE, "envoy/1": Kind.ENVOY}
PROGRAMMED = "2 of 2 data planes, 1 of 1 Envoy acknowledged revision r1"


def rollout(*missing: str, rejected: dict[str, str] | None = None, expected: dict[str, Kind] | None = None) -> Rollout:
    whom = EXPECTED if expected is None else expected
    told = Acknowledgements("r1", len(whom), len(whom) - len(missing), missing, rejected or {})
    return Rollout(told, whom)


@pytest.fixture
def verdict(build: Build) -> PolicyVerdict:
    return judge(build.inputs(build.pool(), build.policy())).policies["ai/assistant"]


def pool_verdict(build: Build, **spec: Any) -> PoolVerdict:
    return judge(build.inputs(build.pool(**spec))).pools["ai/small"]


def condition(status: PolicyStatus | PoolStatus, kind: str) -> Condition:
    return next(c for c in status.conditions if c.type == kind)


def brief(status: PolicyStatus | PoolStatus, kind: str) -> tuple[str, str, str]:
    found = condition(status, kind)
    return found.status, found.reason, found.message


def test_a_policy_that_everybody_has_is_programmed_and_ready(verdict: PolicyVerdict) -> None:
    status = policy_status(verdict, rollout(), None, NOON)
    assert [c.type for c in status.conditions] == ["Ready", "Accepted", "ResolvedRefs", "Programmed"]
    assert brief(status, "Programmed") == ("True", "Programmed", PROGRAMMED)
    assert brief(status, "Ready") == ("True", "Ready", PROGRAMMED)
    assert status.revision == "r1"


def test_who_is_missing_is_named(verdict: PolicyVerdict) -> None:
    status = policy_status(verdict, rollout("dataplane/2"), None, NOON)
    message = "1 of 2 data planes, 1 of 1 Envoy acknowledged revision r1; waiting for dataplane/2"
    assert brief(status, "Programmed") == ("False", "Pending", message)
    assert brief(status, "Ready") == ("False", "Pending", f"Programmed: Pending: {message}")
    assert status.revision is None


def test_of_many_that_are_missing_a_few_are_named(verdict: PolicyVerdict) -> None:
    names = {f"dataplane/{n}": Kind.DATA_PLANE for n in range(9)}
    told = brief(policy_status(verdict, rollout(*names, expected=names), None, NOON), "Programmed")[2]
    assert told.startswith("0 of 9 data planes acknowledged")
    assert told.endswith("dataplane/4 and 4 more")


def test_the_text_of_a_refusal_is_the_message(verdict: PolicyVerdict) -> None:
    refused = rollout("envoy/1", rejected={"envoy/1": "Cluster pool/ai/small: no such filter"})
    status, reason, message = brief(policy_status(verdict, refused, None, NOON), "Programmed")
    assert (status, reason) == ("False", "Rejected")
    assert message.startswith("envoy/1 refused Cluster pool/ai/small: no such filter; ")


def test_a_very_long_refusal_is_shortened(verdict: PolicyVerdict) -> None:
    refused = rollout("envoy/1", rejected={"envoy/1": "x" * 100_000})
    assert len(brief(policy_status(verdict, refused, None, NOON), "Programmed")[2]) < 2000


def test_without_a_data_plane_nobody_decides(verdict: PolicyVerdict) -> None:
    only_envoy = rollout(expected={"envoy/1": Kind.ENVOY})
    assert brief(policy_status(verdict, only_envoy, None, NOON), "Programmed")[:2] == ("False", "NoDataPlane")


def test_before_anything_is_published_it_is_pending(verdict: PolicyVerdict) -> None:
    assert brief(policy_status(verdict, None, None, NOON), "Programmed")[:2] == ("False", "Pending")


def test_a_refused_policy_is_not_ready_and_ready_says_why(build: Build) -> None:
    bad = judge(build.inputs(build.pool(), build.policy(default={"use": "x"}))).policies["ai/assistant"]
    status = policy_status(bad, rollout(), None, NOON)
    assert brief(status, "Ready")[:2] == ("False", "NotReady")
    assert brief(status, "Ready")[2].startswith("Accepted: Invalid: spec.default.use")
    assert brief(status, "Programmed") == ("False", "Pending", "Not published: see Accepted and ResolvedRefs")


def test_a_last_good_version_is_never_called_programmed(build: Build) -> None:
    first = judge(build.inputs(build.pool(), build.policy()))
    bad = judge(build.inputs(build.pool(), build.policy(default={"use": "x"})), first).policies["ai/assistant"]
    status = policy_status(bad, rollout(), None, NOON)
    assert brief(status, "Programmed") == ("False", "Pending", f"The last good version, not this one: {PROGRAMMED}")
    assert status.revision == "r1"


def test_the_last_transition_moves_with_the_status_and_not_with_the_message(verdict: PolicyVerdict) -> None:
    waiting = policy_status(verdict, rollout("dataplane/1", "dataplane/2"), None, NOON)
    later = policy_status(verdict, rollout("dataplane/2"), waiting, NOON + timedelta(seconds=1))
    done = policy_status(verdict, rollout(), later, NOON + timedelta(seconds=2))
    times = [condition(status, "Programmed").last_transition_time for status in (waiting, later, done)]
    assert times == ["2024-06-01T12:00:00Z", "2024-06-01T12:00:00Z", "2024-06-01T12:00:02Z"]
    assert condition(done, "Accepted").last_transition_time == "2024-06-01T12:00:00Z"


def test_nothing_new_is_the_same_status(verdict: PolicyVerdict) -> None:
    first = policy_status(verdict, rollout(), None, NOON)
    assert policy_status(verdict, rollout(), first, NOON + timedelta(hours=1)) == first


def test_the_generation_looked_at_is_told(verdict: PolicyVerdict) -> None:
    status = policy_status(msgspec.structs.replace(verdict, generation=7), rollout(), None, NOON)
    assert status.observed_generation == 7
    assert {c.observed_generation for c in status.conditions} == {7}


VLLM = {"telemetry": {"engine": "vLLM"}, "saturation": {"queueDepth": 5, "kvCacheUtilization": 0.8, "inFlight": 64}}


def state(**changes: Any) -> PoolState:
    return PoolState(**({"name": "ai/small", "ready": 1, "total": 2, "observed_at": 1.0, "stale": False} | changes))


def pool_conditions(build: Build, told: PoolState | None, **spec: Any) -> PoolStatus:
    return pool_status(pool_verdict(build, **(spec or VLLM)), rollout(), told, None, NOON)


def test_a_pool_with_a_ready_endpoint_is_ready(build: Build) -> None:
    status = pool_conditions(build, state())
    assert brief(status, "Ready") == ("True", "Ready", "1 of 2 endpoints ready")
    assert status.endpoints is not None
    assert (status.endpoints.ready, status.endpoints.total) == (1, 2)


def test_a_pool_without_a_ready_endpoint_is_not(build: Build) -> None:
    assert brief(pool_conditions(build, state(ready=0)), "Ready")[:2] == ("False", "NoReadyEndpoints")


def test_a_pool_that_was_never_read_is_pending(build: Build) -> None:
    assert brief(pool_conditions(build, None), "Ready")[:2] == ("Unknown", "Pending")
    assert brief(pool_conditions(build, None), "Saturated")[:2] == ("Unknown", "Pending")


def test_a_stale_pool_is_neither_ready_nor_saturated_for_certain(build: Build) -> None:
    status = pool_conditions(build, state(stale=True))
    assert brief(status, "Ready")[:2] == ("Unknown", "TelemetryStale")
    assert brief(status, "Saturated")[:2] == ("Unknown", "TelemetryStale")


def test_a_pool_without_telemetry_counts_as_ready(build: Build) -> None:
    assert brief(pool_conditions(build, None, dialect="OpenAI"), "Ready")[0] == "True"


def test_a_pool_that_is_not_programmed_is_not_ready(build: Build) -> None:
    status = pool_status(pool_verdict(build, **VLLM), rollout("envoy/1"), state(), None, NOON)
    assert brief(status, "Ready")[:2] == ("False", "Pending")


@pytest.mark.parametrize(
    ("cause", "field"),
    [("QueueDepth", "queueDepth of 5"), ("KVCache", "kvCacheUtilization of 0.8"), ("InFlight", "inFlight of 64")],
)
def test_saturation_names_the_threshold_that_was_reached(build: Build, cause: str, field: str) -> None:
    status = pool_conditions(build, state(saturated=True, saturation_reason=cause))
    assert brief(status, "Saturated")[:2] == ("True", cause)
    assert field in brief(status, "Saturated")[2]


def test_below_every_threshold_a_pool_is_not_saturated(build: Build) -> None:
    assert brief(pool_conditions(build, state()), "Saturated")[:2] == ("False", "BelowThreshold")


def test_moving_counts_do_not_change_the_status(build: Build) -> None:
    assert pool_conditions(build, state(queued=1.0, running=7.0)) == pool_conditions(build, state(queued=3.0))


def test_a_new_leader_leaves_what_was_said_of_the_endpoints_until_it_has_looked(build: Build) -> None:
    verdict = pool_verdict(build, **VLLM)
    said = pool_status(verdict, rollout(), state(ready=2, saturated=True, saturation_reason="KVCache"), None, NOON)
    for known in (None, PoolState(name="ai/small", ready=2, total=2), state(ready=1)):
        status = pool_status(verdict, rollout(), known, said, NOON + timedelta(minutes=1), tried=False)
        assert status.conditions == said.conditions
    looked = pool_status(verdict, rollout(), state(ready=1), said, NOON + timedelta(minutes=1))
    assert brief(looked, "Ready") == ("True", "Ready", "1 of 2 endpoints ready")
    assert brief(looked, "Saturated")[0] == "False"


def test_what_stands_says_nothing_of_a_newer_generation_or_of_the_rollout(build: Build) -> None:
    verdict = pool_verdict(build, **VLLM)
    said = pool_status(verdict, rollout(), state(), None, NOON)
    newer = msgspec.structs.replace(verdict, generation=verdict.generation + 1)
    assert brief(pool_status(newer, rollout(), None, said, NOON, tried=False), "Ready")[:2] == ("Unknown", "Pending")
    behind = pool_status(verdict, rollout("envoy/1"), None, said, NOON, tried=False)
    assert brief(behind, "Ready")[:2] == ("False", "Pending")


def test_a_pool_that_is_read_more_seldom_than_asked_says_so(build: Build) -> None:
    status = pool_status(pool_verdict(build, **VLLM), rollout(), state(), None, NOON, stretch=2.5)
    assert brief(status, "Ready") == (
        "True",
        "Ready",
        "1 of 2 endpoints ready; metrics are read every 2.5s instead of every 1s (spec.telemetry.interval), because the "
        "operator's scrape budget is spent: raise intervals or --scrape-budget",
    )


def test_a_backend_without_endpoints_has_none_ready_whatever_the_engine(build: Build) -> None:
    empty = PoolState(name="ai/small", observed_at=1.0, stale=False)
    for spec in (VLLM, {"telemetry": {"engine": "None"}}):
        assert brief(pool_conditions(build, empty, **spec), "Ready")[:2] == ("False", "NoReadyEndpoints")
