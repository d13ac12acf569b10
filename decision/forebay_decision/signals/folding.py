"""Folding: one form for texts that a reader takes for the same, in time linear in the text.

NFKC (Unicode Standard Annex 15) joins accents with their letters and takes compatibility forms apart (full-width
letters, ligatures); case folding makes ``STRASSE`` and ``straße`` one word. Python sorts a run of combining marks in
time quadratic in its length: 40,000 of them take three seconds. So a run is cut after 30 marks, more than any language
needs (the annex's Stream-Safe Text Format).

A long text is folded piece by piece, because each call holds the interpreter, whichever thread makes it. And a few letters
are a sentence: U+FDFA stands for eighteen others, so that a megabyte of it takes half a second. What comes after so many of
them that no phrase is missed is a space.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.regex import compile_linear

MOST_MARKS: Final = 30
MOST_SENTENCES: Final = 64
"""Of each of SENTENCES in a text."""
SENTENCES: Final = ("\ufdfa", "\ufdfb")
PIECE: Final = 2048
"""Letters, a millisecond of the slowest."""
LONGEST_PIECE: Final = 8192
"""Where none begins anew: more than any language joins to one."""
_JAMO: Final = "HANGUL J"
_TOO_MANY: Final = compile_linear(rf"(\pM{{{MOST_MARKS}}})\pM+")


def fold(text: str) -> str:
    """`text` with case and compatibility forms folded; folding twice changes nothing more."""
    return "".join(fold_pieces(text))


def fold_pieces(text: str) -> Iterator[str]:
    """What `fold` makes of `text`, piece by piece, so that whoever has a deadline can look at it between them."""
    if text.isascii():
        yield text.lower()
        return
    for sentence in SENTENCES:
        parts = text.split(sentence, MOST_SENTENCES)
        if len(parts) > MOST_SENTENCES:
            text = sentence.join([*parts[:-1], parts[-1].replace(sentence, " ")])
    yield from map(_folded, _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """Parts that fold alone as they do together."""
    start = 0
    while start < len(text):
        end = start + PIECE
        while end < min(start + LONGEST_PIECE, len(text)) and not _begins(text[end]):
            end += 1
        yield text[start:end]
        start = end


def _begins(letter: str) -> bool:
    """Whether nothing before a letter can join with it: it is no mark, and no part of a Hangul syllable."""
    if letter.isascii():
        return True
    first = unicodedata.normalize("NFKC", letter)[0]
    return not unicodedata.category(first).startswith("M") and not unicodedata.name(first, "").startswith(_JAMO)


def _folded(text: str) -> str:
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
