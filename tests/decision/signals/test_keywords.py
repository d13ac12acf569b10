"""Keywords: thousands of phrases, folded as Unicode folds, in time linear in the text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from builders import Seen, seen
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.signal import Keyword
from forebay_decision.record import SignalRecord
from forebay_decision.signals import folding
from forebay_decision.signals.folding import fold
from forebay_decision.signals.keyword import KeywordDetector
from forebay_decision.signals.scan import Scan
from forebay_decision.work import Skipped


def looked(view: Seen, *phrases: str, **fields: Any) -> SignalRecord | Skipped:
    detector = KeywordDetector("k", Keyword(any=list(phrases), **fields))
    prepared = detector.prepare(view)
    return detector.detect(view, prepared.run() if isinstance(prepared, Scan) else prepared)


def label(text: str, *phrases: str, **fields: Any) -> str | None:
    record = looked(seen(text), *phrases, **fields)
    assert isinstance(record, SignalRecord)
    assert record.matched is (record.label is not None)
    return record.label


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("HAUPTSTRASSE 5", "hauptstraße"),
        ("ｕｒｇｅｎｔ", "urgent"),
        ("the ﬁle", "file"),
        ("cafe\u0301 au lait", "café"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("iPhoneを買う", "iphone"),
        ("Dİyarbakır", "di\u0307yarbakır"),
        ("한국어", "한국어"),
    ],
)
def test_forms_that_a_reader_takes_for_the_same_are_the_same(text: str, phrase: str) -> None:
    assert label(text, phrase) == phrase


def test_case_sensitive_phrases_are_compared_letter_by_letter() -> None:
    assert label("Apple pie", "apple", case_sensitive=True) is None
    assert label("ｕｒｇｅｎｔ", "urgent", case_sensitive=True) is None
    assert label("apple pie", "apple", case_sensitive=True) == "apple"


def test_the_phrase_that_begins_first_is_told_and_of_several_the_one_named_first() -> None:
    assert label("we fly to new york city", "city", "york", "new york") == "new york"
    assert label("new york city", "new york", "new york city") == "new york"
    assert label("new york city", "new york city", "new york") == "new york city"


def test_ten_thousand_phrases_are_one_automaton() -> None:
    phrases = [f"phrase number {index}" for index in range(10_000)]
    assert label("here is phrase number 9876, ok", *phrases) == "phrase number 9876"
    assert label("here is phrase number 98765, ok", *phrases) is None


@pytest.mark.parametrize("offset", [16_384 - 6, 16_384, 16_384 + 1, 65_536 - 3])
def test_a_phrase_across_the_edge_of_a_chunk_is_found(offset: int) -> None:
    text = ("x " * 40_000)[:offset] + " needle" + " x" * 20_000
    assert label(text, "needle") == "needle"
    assert label(text.replace(" needle", "-needles"), "needle") is None


def test_a_scan_past_the_deadline_says_so() -> None:
    view = seen("a" * 100_000)
    detector = KeywordDetector("k", Keyword(any=["a"]))
    prepared = detector.prepare(view)
    assert isinstance(prepared, Scan)
    view.seconds = 0.0
    assert prepared.run() == Skipped("deadline")


@given(st.text(max_size=100))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=60), st.text(min_size=1, max_size=8))
def test_whatever_stands_on_a_line_of_its_own_is_found_in_any_case(around: str, phrase: str) -> None:
    for spelled in (phrase, phrase.casefold()):
        assert label(f".{around}\n{spelled}\n{around}.", phrase) == phrase


@given(
    st.text(
        st.characters() | st.sampled_from("a\u0301\u0316\uff9e\u1100\u1161\u11a8\ufdfa\u0345\u09be\uffa1 "), max_size=40
    )
)
def test_pieces_of_a_text_fold_as_all_of_it(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = fold(text)
        patch.setattr(folding, "PIECE", 1)
        assert fold(text) == whole


@pytest.mark.parametrize("letter", ["\ufdfa", "\ufdfb", "\u3316", "\uff11", "\uff9e", "\u1161", "\u0345"])
def test_letters_that_stand_for_many_are_folded_in_the_time_of_others(letter: str) -> None:
    text = letter * (2**20 // 3)
    pieces = 0
    for piece in folding._pieces(text):
        began = time.thread_time()
        fold(piece)
        assert time.thread_time() - began < 0.1, "some milliseconds: the interpreter is nobody else's meanwhile"
        pieces += 1
    assert pieces > 40
    began = time.thread_time()
    fold(text)
    assert time.thread_time() - began < 1.0
    assert looked(seen(letter * 1000 + " magic"), "magic") == SignalRecord(matched=True, label="magic")


def test_the_deadline_ends_the_folding_of_a_text_that_grows() -> None:
    view = seen("\u3316" * 300_000)
    detector = KeywordDetector("k", Keyword(any=["magic"]))
    planned = detector.prepare(view)
    assert isinstance(planned, Scan)
    view.seconds = 0.0
    began = time.thread_time()
    assert planned.run() == Skipped("deadline")
    assert time.thread_time() - began < 0.1


def test_a_phrase_within_a_letter_that_stands_for_a_sentence_is_found() -> None:
    assert label("\ufdfa " * 200, "صلى الله عليه وسلم") is not None


def test_runs_of_combining_marks_are_folded_in_linear_time() -> None:
    started = time.thread_time()
    fold("a" + "\u0316" * 200_000 + "\u0301" * 200_000)
    assert time.thread_time() - started < 2.0
