"""The demo's expectations agree with what the decision core says offline, so that neither can drift unseen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_cli.demo.cases import CASES, Case
from forebay_cli.demo.manifests import Places, copy_example
from forebay_cli.explain.case import Explained, explain
from forebay_cli.validate.findings import load
from forebay_cli.validate.outcome import Loaded
from forebay_decision.compile import compile_config
from forebay_decision.compiled import CompiledConfig
from forebay_decision.native import NativeModel, native_models
from forebay_decision.request import RequestHead
from forebay_models import load_encoder


class Core(msgspec.Struct):
    """The example's policies, compiled as the data plane and Envoy have them."""

    config: CompiledConfig
    native: Mapping[str, tuple[NativeModel, ...]]

    def decide(self, case: Case) -> Explained:
        method = "GET" if case.request.kind == "models" else "POST"
        head = RequestHead(method, "localhost", case.request.path, {"content-type": "application/json"})
        body = msgspec.json.encode(case.request.body) if case.request.body else b""
        return explain(self.config, self.native, head, body, {}, identifier="test")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    directory = tmp_path_factory.mktemp("manifests")
    places = Places((1, 2, 3, 4), "localhost", 5)
    copy_example(directory, places, key="key", ca_file=directory / "ca.pem", workers=None)
    return load([directory])


@pytest.fixture(scope="module")
def core(loaded: Loaded) -> Core:
    policies: Mapping[str, PolicySpec] = loaded.policies
    pools: Mapping[str, PoolSpec] = loaded.pools
    config, errors = compile_config(policies, pools, revision="test", encoders=load_encoder)
    assert not errors
    native = {
        name: native_models(name, spec, pools, shadowed=False, saturated=frozenset()) for name, spec in policies.items()
    }
    return Core(config, native)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_core_decides_a_case_as_the_demo_expects(core: Core, case: Case) -> None:
    explained = core.decide(case)
    expected = case.expected
    assert explained.status == expected.status
    if expected.code:
        assert explained.error is not None
        assert explained.error["code"] == expected.code
    record = explained.record
    if record is None:
        assert expected.rule == ""
        assert expected.pools == ()
        return
    assert not expected.rule or record.rule == expected.rule
    assert not expected.strategy or record.strategy == expected.strategy
    assert not expected.pools or record.pool.removeprefix("default/") in expected.pools
    assert not expected.decided_by or record.decided_by == expected.decided_by
    assert not [name for name, signal in record.signals.items() if signal.unknown]


def test_at_least_fourteen_requests_are_sent_plain_and_streamed() -> None:
    assert len(CASES) >= 14
    assert sum(case.request.streamed for case in CASES) >= 3
    assert len({case.title for case in CASES}) == len(CASES)


def test_no_case_that_must_stay_inside_may_fall_back_to_the_outside(core: Core) -> None:
    for case in CASES:
        record = core.decide(case).record
        if record is not None and record.constraints.get("boundary") == "Private":
            assert "default/frontier" not in {record.pool, *(hop.pool for hop in record.fallbacks)}


def test_the_example_has_nothing_to_complain_of(loaded: Loaded) -> None:
    assert loaded.outcome.ok
    assert loaded.outcome.findings == ()


@pytest.mark.parametrize("case", [case for case in CASES if "document" in case.title], ids=lambda case: case.title)
def test_the_document_has_200_kilobytes(case: Case) -> None:
    assert len(msgspec.json.encode(case.request.body)) >= 200_000


def test_the_example_as_it_stands_is_accepted_where_its_secret_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRONTIER_API_KEY", raising=False)
    example = Path(__file__).parents[3] / "examples" / "assistant"
    outcome = load([example]).outcome
    assert outcome.ok
    assert [line.severity for line in outcome.findings] == ["Warning"]
