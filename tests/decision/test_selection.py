"""Selection: filters with reasons, pickers with their definitions, failures that tell a caller what to do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from builders import a_model, a_policy, a_pool, a_state, chat, compiled, decide, direct
from hypothesis import given
from hypothesis import strategies as st

from forebay_decision.route import Answer, Forward

THREE = {f"default/{name}": a_pool(a_model(f"m-{name}")) for name in ("a", "b", "c")}


def strategy(*pools: str, **fields: Any) -> Any:
    return compiled(a_policy(strategies=[direct(*pools, **fields)]), THREE)


def picks(policy: Any, times: int, **options: Any) -> Counter[str]:
    return Counter(decide(policy, chat(), **options).record.pool.removeprefix("default/") for _ in range(times))


def code_of(answer: Forward | Answer) -> tuple[int, str]:
    assert isinstance(answer, Answer)
    return answer.status, msgspec.json.decode(answer.body)["error"]["code"]


def test_round_robin_gives_equal_turns() -> None:
    assert picks(strategy("a", "b", "c", select={"algorithm": "RoundRobin"}), 9) == {"a": 3, "b": 3, "c": 3}


@given(st.lists(st.integers(0, 9), min_size=2, max_size=3).filter(any))
def test_weighted_gives_each_exactly_its_share_over_a_full_turn(weights: list[int]) -> None:
    pools = [{"name": name, "weight": weight} for name, weight in zip("abc", weights, strict=False)]
    spec = a_policy(strategies=[{"name": "all", "direct": {"pools": pools, "select": {"algorithm": "Weighted"}}}])
    counted = picks(compiled(spec, THREE), sum(weights))
    assert counted == {name: weight for name, weight in zip("abc", weights, strict=False) if weight}


def test_weighted_turns_are_smooth() -> None:
    pools = [{"name": "a", "weight": 5}, {"name": "b", "weight": 1}, {"name": "c", "weight": 1}]
    spec = a_policy(strategies=[{"name": "all", "direct": {"pools": pools, "select": {"algorithm": "Weighted"}}}])
    policy = compiled(spec, THREE)
    order = "".join(decide(policy, chat()).record.pool[-1] for _ in range(7))
    assert order == "aabacaa"


def test_least_busy_divides_load_by_capacity() -> None:
    pools = {
        "default/a": a_pool(capacity={"maxConcurrency": 10}),
        "default/b": a_pool(capacity={"maxConcurrency": 100}),
    }
    policy = compiled(a_policy(strategies=[direct("a", "b")]), pools)
    states = {"default/a": a_state("default/a", running=5.0), "default/b": a_state("default/b", running=20.0)}
    assert decide(policy, chat(), states=states).record.pool == "default/b"


def test_least_busy_counts_requests_that_the_last_scrape_cannot_have_seen() -> None:
    states = {"default/a": a_state("default/a"), "default/b": a_state("default/b", running=1.0)}
    own = {"default/a": 3, "default/b": 0, "default/c": 9}
    policy = strategy("a", "b")
    assert decide(policy, chat(), states=states, in_flight=own.__getitem__).record.pool == "default/b"


def test_least_busy_spreads_ties() -> None:
    policy = strategy("a", "b", "c")
    counted = Counter(decide(policy, chat(), seed=seed).record.pool for seed in range(90))
    assert min(counted.values()) > 10


def test_stale_state_filters_nobody_and_counts_in_no_score() -> None:
    states = {"default/a": a_state("default/a", ready=0, saturated=True, running=99.0, stale=True)}
    assert decide(strategy("a"), chat(), states=states).record.pool == "default/a"


def test_a_saturated_pool_is_left_out_and_says_so() -> None:
    states = {"default/a": a_state("default/a", saturated=True, saturation_reason="QueueDepth")}
    record = decide(strategy("a", "b"), chat(), states=states).record
    assert record.pool == "default/b"
    assert record.candidates[0].reason == "saturated: QueueDepth"


def test_all_saturated_is_429_with_retry_after() -> None:
    states = {name: a_state(name, saturated=True) for name in THREE}
    answer = decide(strategy("a", "b"), chat(), states=states)
    assert code_of(answer) == (429, "pools_saturated")
    assert ("retry-after", "1") in answer.headers


def test_nobody_ready_is_503() -> None:
    states = {name: a_state(name, ready=0) for name in THREE}
    assert code_of(decide(strategy("a", "b"), chat(), states=states)) == (503, "no_ready_endpoints")


def test_a_request_longer_than_every_context_is_400() -> None:
    pools = {"default/a": a_pool(a_model(contextTokens=100))}
    answer = decide(compiled(a_policy(strategies=[direct("a")]), pools), chat("word " * 500))
    assert code_of(answer) == (400, "context_length_exceeded")


def test_reserved_output_counts_towards_the_context() -> None:
    pools = {"default/a": a_pool(a_model(contextTokens=1000)), "default/b": a_pool(a_model(contextTokens=4000))}
    policy = compiled(a_policy(strategies=[direct("a", "b")]), pools)
    assert decide(policy, chat(max_tokens=2000)).record.pool == "default/b"


def test_the_first_model_of_a_pool_that_can_serve_is_taken() -> None:
    pools = {"default/a": a_pool(a_model("short", contextTokens=100), a_model("long", contextTokens=100000))}
    policy = compiled(a_policy(strategies=[direct("a", select={"algorithm": "RoundRobin"})]), pools)
    assert [decide(policy, chat()).record.model for _ in range(3)] == ["short"] * 3
    assert decide(policy, chat("word " * 200)).record.model == "long"


def test_fallbacks_stand_in_order_and_only_if_eligible() -> None:
    states = {"default/b": a_state("default/b", ready=0)}
    routed = decide(strategy("a", fallback=[{"name": "b"}, {"name": "c"}]), chat(), states=states)
    assert [hop.pool for hop in routed.record.fallbacks] == ["default/c"]
    assert routed.cluster == "chain/default/p/all/default/a"
    assert routed.hops.startswith("|default/a=m-a@|default/c=m-c@")


def test_a_fallback_serves_when_no_candidate_is_eligible() -> None:
    states = {"default/a": a_state("default/a", ready=0)}
    record = decide(strategy("a", fallback=[{"name": "b"}, {"name": "c"}]), chat(), states=states).record
    assert (record.pool, [hop.pool for hop in record.fallbacks]) == ("default/b", ["default/c"])


def test_without_fallbacks_the_pool_is_reached_directly() -> None:
    routed = decide(strategy("a"), chat())
    assert (routed.cluster, routed.hops) == ("pool/default/a", "")


def test_expected_cost_is_prompt_and_reserved_output_at_their_prices() -> None:
    pools = {"default/a": a_pool(a_model(price={"inputPerMTok": "1", "outputPerMTok": "10"}))}
    record = decide(compiled(a_policy(strategies=[direct("a")]), pools), chat("x", max_tokens=100)).record
    prompt = float(record.expected_cost_usd) - 100 * 10 / 1e6
    assert 0 < prompt < 100e-6


@pytest.mark.parametrize("state", [None, {"ready": 2}])
def test_every_candidate_stands_in_the_record(state: dict[str, int] | None) -> None:
    states = {name: a_state(name, **state) for name in THREE} if state else {}
    record = decide(strategy("a", "b", fallback=[{"name": "c"}]), chat(), states=states).record
    assert [(c.pool, c.eligible) for c in record.candidates] == [(name, True) for name in THREE]


def test_a_cap_on_the_answer_counts_before_the_context_does() -> None:
    pools = {"default/a": a_pool(a_model(contextTokens=4000))}
    capped = compiled(a_policy(strategies=[direct("a")], limits={"outputTokens": 512}), pools)
    assert decide(capped, chat(max_tokens=100_000)).record.pool == "default/a"
    free = compiled(a_policy(strategies=[direct("a")]), pools)
    assert code_of(decide(free, chat(max_tokens=100_000)))[1] == "context_length_exceeded"


def test_the_reason_counts_references_and_never_says_that_the_chosen_pool_was_left_out() -> None:
    pools = {"default/a": a_pool(a_model("embed", endpoints=["Embeddings"]), a_model("chat"))}
    record = decide(compiled(a_policy(strategies=[direct("a")]), pools), chat()).record
    assert record.reason == "default -> all: the only one eligible"
