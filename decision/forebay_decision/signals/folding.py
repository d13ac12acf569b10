"""Folding: one form for texts that a reader takes for the same, in time linear in the text.

NFKC (Unicode Standard Annex 15) joins accents with their letters and takes compatibility forms apart (full-width
letters, ligatures); case folding makes ``STRASSE`` and ``straße`` one word. Python sorts a run of combining marks in
time quadratic in its length: 40,000 of them take three seconds. So a run is cut after 30 marks, more than any language
needs (the annex's Stream-Safe Text Format).
"""

from __future__ import annotations

import unicodedata
from typing import Final

from forebay_decision.signals.regex import compile_linear

MOST_MARKS: Final = 30
_TOO_MANY: Final = compile_linear(rf"(\pM{{{MOST_MARKS}}})\pM+")


def fold(text: str) -> str:
    """`text` with case and compatibility forms folded; folding twice changes nothing more."""
    if text.isascii():
        return text.lower()
    # Case folding can take letters apart, and normalizing can make letters that have case (Unicode, D146).
    folded = _normal(_normal(text).casefold())
    return folded if folded.isascii() else _normal(folded.casefold())


def _normal(text: str) -> str:
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", _stream_safe(text))


def _stream_safe(text: str) -> str:
    encoded = text.encode("utf-8", "replace")
    if _TOO_MANY.search(encoded) is None:
        return text
    return _TOO_MANY.sub(rb"\1", encoded).decode()  # type: ignore[no-any-return]
