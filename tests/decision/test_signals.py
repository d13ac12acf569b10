"""Signals: keyword, regex and similarity, each by its definition; one encoder pass a text; deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from builders import a_policy, a_pool, chat, compiled, decide, direct, head, surroundings
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.signal import Keyword, Regex
from forebay_decision.inspect import all_signals
from forebay_decision.route import Forward, route
from forebay_decision.signals.keyword import KeywordDetector
from forebay_decision.signals.regex import PatternError, RegexDetector
from forebay_decision.signals.similarity import SimilarityDetector
from forebay_decision.work import Ahead, Skipped, Work, run_inline

POOLS = {"default/small": a_pool()}


class Texts:
    def __init__(self, text: str) -> None:
        self.text = text

    def scoped(self, scope: str) -> bytes:
        return self.text.encode("utf-8", "replace")

    def seconds_left(self) -> float:
        return 1.0

    def shared(self) -> dict[Any, object]:
        return {}


def keyword(text: str, *phrases: str, **fields: Any) -> Any:
    return KeywordDetector("k", Keyword(any=list(phrases), **fields)).detect(Texts(text))


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("an urgent matter", "urgent", True),
        ("URGENT!", "urgent", True),
        ("insurgents", "urgent", False),
        ("urgent", "urgent", True),
        ("very\nurgent\nmatter", "urgent", True),
        ("we use c++ here", "c++", True),
        ("libc++abi", "c++", False),
        ("請問日本語で", "日本", True),
        ("ÄPFEL und Birnen", "äpfel", True),
        ("snake_urgent_case", "urgent", False),
        ("to be asap-ed", "asap", True),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
    ],
)
def test_keywords_are_whole_words_in_any_script(text: str, phrase: str, found: bool) -> None:
    value = keyword(text, "nothing", phrase)
    assert value.matched is found
    assert value.label == (phrase if found else None)


def test_case_matters_only_when_asked() -> None:
    assert not keyword("URGENT", "urgent", case_sensitive=True).matched


@given(st.text(max_size=300), st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=5))
def test_a_phrase_on_a_line_of_its_own_is_always_found(around: str, phrases: list[str]) -> None:
    text = f"{around} \n{phrases[0]}\n {around}"
    assert keyword(text, *phrases).matched


def test_a_pattern_that_is_not_re2_is_refused() -> None:
    with pytest.raises(PatternError):
        RegexDetector("r", Regex(pattern=r"(a)\1"))


def test_matching_takes_time_linear_in_the_text() -> None:
    detector = RegexDetector("r", Regex(pattern="(a+)+$"))
    assert not detector.detect(Texts("a" * 50_000 + "b")).matched


class CountingEncoder:
    """Maps known words to axes; counts its passes."""

    name = "Transformer"
    digest = "sha256:test"
    dimensions = 4
    max_tokens = 256
    words = ("code", "math", "poem")

    def __init__(self, name: str = "Transformer") -> None:
        self.name = name
        self.passes: list[str] = []

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> Any:
        self.passes += texts
        rows = np.array([[float(w in t) for w in self.words] + [0.1] for t in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def similarity(*labels: str, threshold: float = 0.5) -> dict[str, Any]:
    return {
        "encoder": "Transformer",
        "threshold": threshold,
        "labels": [{"name": label, "examples": [label, f"some {label}"]} for label in labels],
    }


def similar_policy(encoder: CountingEncoder, *rules: dict[str, Any], **fields: Any) -> Any:
    signals = [
        {"name": "work", "similarity": similarity("code", "math")},
        {"name": "art", "similarity": similarity("poem")},
        {"name": "word", "keyword": {"any": ["magic"]}},
    ]
    spec = a_policy(
        strategies=[direct("small"), direct("small", name="x")], signals=signals, rules=list(rules), **fields
    )
    return compiled(spec, POOLS, encoders=lambda _kind: encoder)


def test_the_best_label_wins_and_every_score_is_recorded() -> None:
    policy = similar_policy(CountingEncoder(), {"name": "a", "when": 'signals.work.label == "math"', "use": "x"})
    record = decide(policy, chat("a math question")).record
    signal = record.signals["work"]
    assert (record.rule, signal.label, signal.matched) == ("a", "math", True)
    assert signal.scores is not None
    assert signal.scores["math"] > 0.9 > signal.scores["code"]
    assert record.confidence == signal.score


def test_a_text_passes_the_encoder_once_however_many_signals_ask() -> None:
    encoder = CountingEncoder()
    policy = similar_policy(
        encoder,
        {"name": "a", "when": "signals.work.matched", "use": "x"},
        {"name": "b", "when": "signals.art.matched", "use": "x"},
    )
    encoder.passes.clear()
    assert decide(policy, chat("nothing in particular")).record.rule == "default"
    assert encoder.passes == ["nothing in particular"]


def test_cheap_signals_go_first() -> None:
    encoder = CountingEncoder()
    policy = similar_policy(encoder, {"name": "a", "when": "signals.work.matched || signals.word.matched", "use": "x"})
    encoder.passes.clear()
    assert decide(policy, chat("magic")).record.rule == "a"
    assert encoder.passes == []


def yielded(policy: Any, text: str, **fields: Any) -> list[Work]:
    """What the driver is asked for, all of it done."""
    steps = route(policy, head(), chat(text), surroundings(**fields))
    asked: list[Work] = []
    try:
        while True:
            asked.append(steps.send(asked[-1].run() if asked else None))
    except StopIteration:
        return asked


EITHER = {"name": "a", "when": "signals.word.matched || signals.work.matched", "use": "x"}


def test_the_encoders_pass_may_be_begun_before_cheaper_signals_are_computed() -> None:
    encoder = CountingEncoder()
    policy = similar_policy(encoder, EITHER)
    encoder.passes.clear()
    ahead, work = yielded(policy, "nothing in particular")
    assert isinstance(ahead, Ahead)
    assert ahead.group == policy.name
    assert getattr(ahead.work, "key", 1) == getattr(work, "key", 2)
    assert encoder.passes == ["nothing in particular"]


@pytest.mark.parametrize(("begun", "looks"), [(True, ["work"]), (None, [])])
def test_what_a_signal_wants_beside_the_pass_is_made_while_that_is_under_way(
    begun: bool | None, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(SimilarityDetector, "look", lambda self, _texts: looked.append(self.name), raising=False)
    steps = route(similar_policy(CountingEncoder(), EITHER), head(), chat("nothing"), surroundings())
    assert isinstance(next(steps), Ahead)
    assert not steps.send(begun).inline
    assert looked == looks


def test_a_pass_that_may_have_to_be_shortened_is_not_begun_before() -> None:
    policy = similar_policy(CountingEncoder(), EITHER)
    assert not any(isinstance(work, Ahead) for work in yielded(policy, "code " * 4000, deadline=0.010))


def test_what_is_asked_for_at_once_is_not_begun_before() -> None:
    policy = similar_policy(CountingEncoder(), {"name": "a", "when": "signals.work.matched", "use": "x"})
    assert not any(isinstance(work, Ahead) for work in yielded(policy, "code"))


def test_a_text_too_long_for_the_budget_is_shortened_and_then_skipped() -> None:
    encoder = CountingEncoder()
    policy = similar_policy(encoder, {"name": "a", "when": "signals.work.matched", "use": "x"})
    steps = route(policy, head(), chat("code " * 4000), surroundings(deadline=0.010))
    work = next(steps)
    assert not work.inline
    assert work.expected_seconds <= 0.010
    record = decide(policy, chat("code"), deadline=0.001).record
    assert record.signals["work"].unknown == "deadline"


def test_work_that_the_driver_skips_makes_its_signals_unknown() -> None:
    policy = similar_policy(
        CountingEncoder(),
        {"name": "a", "when": "signals.work.matched", "use": "x"},
        {"name": "b", "when": "signals.art.unknown", "use": "x"},
    )
    steps = route(policy, head(), chat("code"), surroundings())
    next(steps)
    with pytest.raises(StopIteration) as done:
        steps.send(Skipped("encoder busy"))
    record = done.value.value.record
    assert record.rule == "b"
    assert {name: signal.unknown for name, signal in record.signals.items()} == dict.fromkeys(
        ("work", "art"), "encoder busy"
    )


def test_a_broken_signal_takes_no_request_down() -> None:
    class Broken(CountingEncoder):
        def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> Any:
            if len(texts) == 1:
                return np.zeros((1, 3), dtype=np.float32)
            return super().encode(texts)

    policy = similar_policy(Broken(), {"name": "a", "when": "signals.work.matched", "use": "x"})
    routed = decide(policy, chat("code"))
    assert isinstance(routed, Forward)
    assert routed.record.signals["work"].unknown == "error: ValueError"


def test_all_declared_signals_can_be_computed_for_a_look() -> None:
    from forebay_decision.dialects.openai.view import read

    policy = similar_policy(CountingEncoder())
    view = read("ChatCompletions", chat("a poem about magic")).view
    records = run_inline(all_signals(policy, head(), view, surroundings()))
    assert {name: record.matched for name, record in records.items()} == {"work": False, "art": True, "word": True}


@given(st.text(max_size=200))
def test_no_text_makes_a_decision_fail(text: str) -> None:
    rules = [{"name": "a", "when": "signals.k.matched || signals.r.matched", "use": "all"}]
    signals = [{"name": "k", "keyword": {"any": ["x y"]}}, {"name": "r", "regex": {"pattern": r"\pL+@"}}]
    policy = compiled(a_policy(signals=signals, rules=rules), POOLS)
    assert (
        decide(policy, chat(text + "a")).status if not isinstance(decide(policy, chat(text + "a")), Forward) else True
    )


def test_what_was_cut_out_of_a_long_text_is_not_known_to_be_harmless() -> None:
    signals = [{"name": "card", "regex": {"pattern": "4111"}}]
    rules = [{"name": "stay", "when": "signals.card.matched", "constrain": {"boundary": "Private"}}]
    pools = {"default/small": a_pool({"name": "m", "contextTokens": 10_000_000})}
    policy = compiled(a_policy(signals=signals, rules=rules), pools)
    for text, matched in (("a" * 600_000 + " 4111 " + "a" * 600_000, None), ("4111" + "a" * 1_200_000, True)):
        record = decide(policy, chat(text)).record
        assert record.constraints == {"boundary": "Private"}
        assert record.signals["card"].matched is matched
    assert decide(policy, chat("a" * 600_000)).record.constraints == {}


def test_token_ids_are_not_known_to_be_harmless() -> None:
    signals = [{"name": "word", "keyword": {"any": ["magic"]}}]
    rules = [{"name": "stay", "when": "signals.word.matched", "constrain": {"boundary": "Private"}}]
    policy = compiled(a_policy(signals=signals, rules=rules), POOLS)
    body = b'{"model":"auto","prompt":[4111,22,33]}'
    record = decide(policy, body, head=head("/v1/completions")).record
    assert record.constraints == {"boundary": "Private"}
    assert record.signals["word"].unknown == "token ids cannot be read"
