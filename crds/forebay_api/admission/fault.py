"""What is wrong with one place of an object, and the words for it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from forebay_api.path import Path

_SHOWN: Final = 60
_LISTED: Final = 12


class Fault(msgspec.Struct, frozen=True):
    """`message` is what follows the path: what is wrong, and how to mend it."""

    path: Path
    message: str


def show_value(value: Any) -> str:
    """A value as it would stand in JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def suggest(word: str, known: Iterable[str]) -> str:
    """``: did you mean "when"?`` where something is close; otherwise what there is to choose from."""
    names = list(known)
    by_folded = {name.casefold(): name for name in names}
    # A longer word than any name is no typo, and difflib is quadratic.
    close = difflib.get_close_matches(word[:64].casefold(), by_folded, n=1)
    if close:
        return f': did you mean "{by_folded[close[0]]}"?'
    if not names:
        return ""
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return f": choose from {listed}"
