"""Numbers that a text shows on its face: what a mean of token vectors loses, such as length, script and symbols.

Linear in at most `READ` characters, of a longer text the two ends; each number is bounded, so no text can push a head
far out of what it was trained on.
"""

import math
import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forebay_models.cut import cut_middle

READ: Final = 8_192
VERSION: Final = "surface-1"
NAMES: Final = (
    "letters", "words", "mean_word", "digits", "capitals", "symbols", "lines", "non_ascii", "invisible", "mixed_words",
    "long_run", "markers", "formulas", "numbers", "questions", "options", "code", "second_person",
)  # fmt: skip

_INVISIBLE: Final = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_MIXED: Final = re.compile(
    r"[A-Za-z][\u0370-\u052f\uff01-\uff5e0-9@$]+[A-Za-z]|[\u0370-\u052f][A-Za-z]|[A-Za-z][\u0370-\u052f]"
)
_RUN: Final = re.compile(r"[A-Za-z0-9+/=]{24,}|(?:\S[ .\-_]){12,}")
_MARKERS: Final = re.compile(
    r"<\|?/?\w+\|?>|\[/?[A-Z]{3,}[^\]]{0,20}\]|^#{2,}|^\s*(?:system|user|assistant|human|ai)\s*:|-{3,}|={3,}|<!--|%{3}",
    re.IGNORECASE | re.MULTILINE,
)
_FORMULA: Final = re.compile(r"\\[a-z]+|[=^_<>≤≥∫∑√±×÷]|\$[^$]{1,80}\$")
_MARKS: Final = ("<", "[", ":", "##", "---", "===", "%%%")
"""Without any of these there is no marker."""
_SIGNS: Final = ("\\", "$", "=", "^", "_", "<", ">")
"""Without any of these there is no formula in ASCII."""
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION: Final = re.compile(r"^\s*(?:[A-Ja-j1-9][.)]|\([a-jA-J]\))\s", re.MULTILINE)
_CODE: Final = re.compile(
    r"```|^\s*(?:def|class|import|return|for|if|public|const|var|SELECT)\b|[{};]\s*$|\w\(\w*\)", re.MULTILINE
)
_SECOND: Final = re.compile(r"\b(?:you|your|yourself|you're|you'll)\b", re.IGNORECASE)


_DIGITS: Final = b"0123456789"
_CAPITALS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SMALL: Final = b"abcdefghijklmnopqrstuvwxyz"


def _log(count: float, most: float) -> float:
    return min(math.log1p(count) / math.log1p(most), 1.0)


def _count_letters(text: str) -> tuple[int, int, int]:
    """Digits, capitals and letters; for ASCII by tables, ten times as fast."""
    if text.isascii():
        raw = text.encode()
        digits = len(raw) - len(raw.translate(None, _DIGITS))
        capitals = len(raw) - len(raw.translate(None, _CAPITALS))
        return digits, capitals, capitals + len(raw) - len(raw.translate(None, _SMALL))
    return sum(map(str.isdigit, text)), sum(map(str.isupper, text)), sum(map(str.isalpha, text))


def describe(text: str) -> NDArray[np.float32]:
    """[len(NAMES)], each in [0, 1]; all zeros for an empty text."""
    length = len(text)
    text = cut_middle(text, READ)
    if not text:
        return np.zeros(len(NAMES), np.float32)
    words = text.split()
    count = max(len(words), 1)
    size = len(text)
    ascii_size = size if text.isascii() else len(text.encode("ascii", "ignore"))
    digits, capitals, letters = _count_letters(text)
    spaces = text.count(" ") + text.count("\n")
    lines = text.count("\n")
    symbols = max(size - letters - digits - spaces, 0)
    # What has no digit, no symbol and no line break has no number, no marker and no list either; and a pattern that cannot be
    # found is not looked for, as after an encoder's pass its code is in no cache.
    odd = bool(symbols)
    foreign = ascii_size < size
    marked = odd and any(sign in text for sign in _MARKS)
    formal = odd and (foreign or any(sign in text for sign in _SIGNS))

    def found(pattern: re.Pattern[str], possible: bool) -> int:
        return len(pattern.findall(text)) if possible else 0

    run = sum(len(run) for run in _RUN.findall(text))
    values = (
        _log(length, 16_384),
        _log(len(words), 2_048),
        min(size / count / 16, 1.0),
        digits / size,
        capitals / max(letters, 1),
        symbols / size,
        _log(lines, 128),
        1 - ascii_size / size,
        _log(found(_INVISIBLE, foreign), 32),
        _log(found(_MIXED, foreign or digits > 0 or "@" in text or "$" in text), 32),
        _log(run, 512),
        _log(found(_MARKERS, marked), 16),
        _log(found(_FORMULA, formal), 64),
        _log(found(_NUMBER, digits > 0), 64),
        _log(text.count("?"), 16),
        _log(found(_OPTION, odd), 16),
        _log(found(_CODE, True), 32),
        _log(found(_SECOND, True), 32),
    )
    return np.array(values, np.float32)
