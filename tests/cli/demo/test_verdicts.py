"""What counts as wrong, what as broken, and that a promise that is not kept is found."""

from __future__ import annotations

from typing import Any

from forebay_cli.demo.ask import Answer
from forebay_cli.demo.cases import Case, Expected, chat
from forebay_cli.demo.load import Sample, count, fate_of
from forebay_cli.demo.results import judge

REQUEST = chat("Hello!")


def answer(**fields: Any) -> Answer:
    decided = {
        "rule": "default",
        "strategy": "everyday",
        "pool": "default/small",
        "model": "m",
        "decision": "DataPlane",
    }
    given = {"started": 1.0, "ended": 2.0, "status": 200, "complete": True, "decided": decided, "server": "small-0"}
    return Answer(**{**given, **fields})


def case(**fields: Any) -> Case:
    given = {"rule": "default", "strategy": "everyday", "pools": ("small",), "decided_by": "DataPlane"}
    return Case("a case", REQUEST, Expected(**{**given, **fields}), "")


def test_a_case_that_goes_where_it_should_has_no_mismatch() -> None:
    assert judge(case(), answer(), 1.0).mismatches == ()


def test_every_difference_is_a_mismatch_that_names_both_sides() -> None:
    found = judge(case(rule="coding", strategy="deep", pools=("large", "frontier"), decided_by="Envoy"), answer(), None)
    assert found.mismatches == (
        "rule is default, not coding",
        "strategy is everyday, not deep",
        "decided by is DataPlane, not Envoy",
        "pool is small, not large or frontier",
    )


def test_an_answer_that_no_server_gave_is_a_mismatch() -> None:
    assert judge(case(), answer(server=""), None).mismatches == ("no simulated server says that it answered",)


def test_a_server_that_was_sent_something_else_is_a_mismatch() -> None:
    assert judge(case(said="reasoning_effort=high"), answer(said="none"), None).mismatches == (
        "the answer does not say 'reasoning_effort=high'",
    )


def test_a_refusal_is_compared_by_status_and_code() -> None:
    refused = answer(status=403, code="rejected_by_policy", decided={}, server="")
    assert (
        judge(Case("a", REQUEST, Expected(status=403, code="rejected_by_policy"), ""), refused, None).mismatches == ()
    )
    assert judge(Case("a", REQUEST, Expected(status=404, code="x"), ""), refused, None).mismatches == (
        "status is 403, not 404",
        "error code is rejected_by_policy, not x",
    )


def test_a_stream_that_breaks_is_told_from_one_that_ends_short_in_silence() -> None:
    assert fate_of(answer()) == "ok"
    assert fate_of(answer(complete=False, told=True)) == "broken"
    assert fate_of(answer(complete=False, told=False)) == "silent"
    assert fate_of(answer(status=503)) == "failed"
    assert fate_of(answer(status=0, complete=False)) == "failed"


def test_only_requests_of_the_steady_load_count_as_rerouted() -> None:
    other = chat("Another question")
    elsewhere = answer(decided={"pool": "default/large"})
    samples = [Sample(REQUEST, answer(), "ok"), Sample(REQUEST, elsewhere, "ok"), Sample(other, elsewhere, "ok")]
    counted = count(samples, [REQUEST], "small")
    assert (counted.sent, counted.ok, counted.rerouted, counted.failed) == (3, 3, 1, 0)
