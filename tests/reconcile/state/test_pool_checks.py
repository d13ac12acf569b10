"""Verdicts on pools: they always go out, and say what is odd or missing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from forebay_decision.check import Finding
from forebay_operator.judgement.checks import judge
from forebay_operator.judgement.pool_checks import check_pool, judge_pool
from forebay_operator.references.secrets import Credentials

Build = Any


def test_a_missing_secret_is_an_unresolved_reference_and_the_pool_goes_out(build: Build) -> None:
    missing = Finding("spec.credentials[0].secretRef", "map it", reason="SecretNotFound")
    inputs = msgspec.structs.replace(
        build.inputs(build.pool(), build.policy()), credentials=Credentials({}, {"ai/small": (missing,)})
    )
    verdicts = judge(inputs)
    resolved = verdicts.pools["ai/small"].resolved
    assert (resolved.status, resolved.reason) == ("False", "SecretNotFound")
    assert resolved.message.startswith("spec.credentials[0].secretRef: map it")
    assert list(verdicts.accepted_pools()) == ["ai/small"]
    assert list(verdicts.accepted_policies()) == ["ai/assistant"]


def test_a_pool_whose_newest_text_cannot_be_read_says_that_the_last_good_version_is_served(build: Build) -> None:
    verdict = judge_pool("ai/small", build.pool(), faults=(Finding("spec.models", "is required"),))
    assert verdict.accepted.message == "spec.models: is required; the last good version is served"
    assert verdict.is_last_good


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"saturation": {"queueDepth": 5}}, "spec.saturation.queueDepth"),
        ({"saturation": {"kvCacheUtilization": 0.8}}, "spec.saturation.kvCacheUtilization"),
        ({"telemetry": {"engine": "vLLM", "interval": "5s", "staleAfter": "5s"}}, "spec.telemetry.staleAfter"),
        (
            {"telemetry": {"engine": "vLLM"}, "saturation": {"kvCacheUtilization": 0}},
            "spec.saturation.kvCacheUtilization",
        ),
    ],
)
def test_settings_that_cannot_mean_what_they_say_are_warned_of(build: Build, spec: dict[str, Any], path: str) -> None:
    (finding,) = check_pool(build.pool(**spec).spec)
    assert (finding.path, finding.severity) == (path, "Warning")
    assert judge_pool("ai/small", build.pool(**spec)).accepted.status == "True"


def test_in_flight_saturation_needs_no_telemetry(build: Build) -> None:
    assert check_pool(build.pool(saturation={"inFlight": 64}).spec) == ()
