"""Reasons of conditions: the constants are what people find in the documentation, each under a condition that may have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from forebay_api.reasons import ConditionType, Reason

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()


def _table() -> dict[str, str]:
    """Condition -> what its row says of reasons."""
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (.*) \|$", PAGE.partition("| condition | reasons |")[2], re.MULTILINE)
    return {name: told for name, told in rows if name in get_args(ConditionType)}


def test_every_condition_has_a_row() -> None:
    assert _table().keys() == set(get_args(ConditionType))


def test_every_reason_stands_in_a_row_and_no_other_word_is_called_one() -> None:
    words = {word for told in _table().values() for word in re.findall(r"\b[A-Z]\w*[a-z]\w*", told)}
    assert words == set(get_args(Reason))
