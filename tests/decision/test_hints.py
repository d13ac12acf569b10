"""What a complaint about an expression adds: how CEL spells what was meant, or the name that is near."""

from __future__ import annotations

import pytest

from forebay_api.signal import Keyword, Signal
from forebay_decision.errors import PolicyError
from forebay_decision.policy.expression import Vocabulary, compile_expressions
from forebay_decision.policy.variables import declare


def complaints(text: str) -> list[PolicyError]:
    vocabulary = Vocabulary(declare([Signal(name="urgent", keyword=Keyword(any=["urgent"]))]), frozenset(), {})
    return compile_expressions([("spec.rules[0].when", text)], vocabulary)[2]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("request.stream and true", "CEL writes && for and"),
        ("request.stream or true", "CEL writes || for or"),
        ("request.stream & true", "CEL writes && for and"),
        ("request.stream = true", "CEL writes == for is equal to"),
        ("request.stream is true", "CEL writes == for is equal to"),
        ("request.turns => 1", "CEL writes >= for at least"),
        ("request.turns <> 1", "CEL writes != for is not equal to"),
        ("request.text like 'x'", 'CEL writes .contains("...") or .matches("...")'),
        ("request.text == \u201cx\u201d", 'CEL writes straight quotes, "x"'),
        ("request.stream &&", "it ends too early"),
        ("signals.urgent", "it is no value by itself: signals.urgent has label, matched, unknown"),
        ("signals['urgent'].matched", "signals has urgent.label, urgent.matched, urgent.unknown"),
        ("signals.urgent.match", "did you mean 'signals.urgent.matched'?"),
    ],
)
def test_a_mistake_from_another_language_is_told_in_cels(text: str, end: str) -> None:
    assert str(complaints(text)[0]).endswith(end)


@pytest.mark.parametrize("text", ["request.text %% 'x'", "request.text == 'x' ?", "(((", "x ; y", "\x00", "'", "and"])
def test_what_no_hint_is_known_for_is_told_as_it_is(text: str) -> None:
    assert complaints(text)
