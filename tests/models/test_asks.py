"""What a request asks for: where in a text it stands, what trains the head that tells, and how its marks become levels."""

import pytest

from forebay_models.build.corpora.asked import MARKS, read_judged
from forebay_models.build.corpora.synthetic.asks.english import FAMILIES, SLOTS
from forebay_models.build.corpora.synthetic.asks.foreign import TONGUES
from forebay_models.build.corpora.synthetic.grammar import SLOT
from forebay_models.heads.marks import level_of, weigh_risk
from forebay_models.heads.wording import READ, find_ask, read_wording

CALM = dict.fromkeys(("money", "health", "law", "minors", "danger", "irreversible"), 0.1)
PASSAGE = "The council met on Monday and agreed to nothing, since half of its members were away."


@pytest.mark.parametrize(
    ("text", "opening", "closing"),
    [
        ("Book a table", "Book a table", "Book a table"),
        (f"Summarise this: {PASSAGE}", "Summarise this", f"Summarise this: {PASSAGE}"),
        (f"{PASSAGE}\n{PASSAGE}\n\nIn one line, please", PASSAGE, "In one line, please"),
        ("Note: short", "Note: short", "Note: short"),
    ],
)
def test_a_request_is_found_before_and_behind_the_text_that_it_brings_along(text, opening, closing):
    assert find_ask(text) == (opening, closing)


@pytest.mark.parametrize(
    "text", ["", " ", "🙂", "a" * 1_000_000, "a\0b", "\u202eabc", "x:\n" * 99_999, "\ud800 lone"], ids=ascii
)
def test_every_text_has_a_wording_of_one_width(text, static):
    row = read_wording(text, static)
    assert row.shape == (4 * static.dimensions,)
    assert abs(row).max() <= 1


def test_the_middle_of_a_long_text_is_not_read(static):
    ends = ("Summarise the minutes below. " * READ)[:READ], ("Thanks in advance. " * READ)[:READ]
    left, right = (read_wording(middle.join(ends), static) for middle in ("apples " * 99, "pears " * 999))
    assert (left == right).all()


def test_risk_rises_with_a_field_and_is_high_with_two_or_with_danger():
    assert level_of(*weigh_risk(CALM)) == "low"
    assert level_of(*weigh_risk(CALM | {"law": 0.8})) == "medium"
    assert level_of(*weigh_risk(CALM | {"law": 0.8, "minors": 0.6})) == "high"
    assert level_of(*weigh_risk(CALM | {"danger": 0.6})) == "high"
    assert level_of(*weigh_risk(CALM | {"irreversible": 0.6})) == "high"


def test_every_family_names_marks_that_there_are_and_slots_that_are_filled():
    for slots, families in ((SLOTS, FAMILIES), *TONGUES.values()):
        for marks, count, templates in families:
            assert {mark.removeprefix("?") for mark in marks.split()} <= MARKS
            assert count > 0
            for text in (*templates, *(choice for choices in slots.values() for choice in choices)):
                assert set(SLOT.findall(text)) <= set(slots), text


def test_the_hand_written_prompts_are_labelled_whole():
    rows = read_judged()
    assert len(rows) >= 250
    assert len({row["text"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row["task"].split("|")) <= {"chat", "code", "summarize", "search", "tooling", "unknown"}
        assert row["risk"] in ("low", "medium", "high")
        assert row["uncertainty"] in ("clear", "ambiguous")
        assert row["factuality"] in ("free", "checkable")
        assert row["needsRetrieval"] in ("selfContained", "needsRetrieval")
        assert row["needsTools"] in ("textOnly", "needsTools")
        assert row["reasoning"] in ("direct", "profits")
