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

_WORD: Final = re.compile(r"\S+")
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
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_OPTION: Final = re.compile(r"^\s*(?:[A-Ja-j1-9][.)]|\([a-jA-J]\))\s", re.MULTILINE)
_CODE: Final = re.compile(
    r"```|^\s*(?:def|class|import|return|for|if|public|const|var|SELECT)\b|[{};]\s*$|\w\(\w*\)", re.MULTILINE
)
_SECOND: Final = re.compile(r"\b(?:you|your|yourself|you're|you'll)\b", re.IGNORECASE)


def _log(count: float, most: float) -> float:
    return min(math.log1p(count) / math.log1p(most), 1.0)


def describe(text: str) -> NDArray[np.float32]:
    """[len(NAMES)], each in [0, 1]; all zeros for an empty text."""
    length = len(text)
    text = cut_middle(text, READ)
    if not text:
        return np.zeros(len(NAMES), np.float32)
    words = _WORD.findall(text)
    count = max(len(words), 1)
    size = len(text)
    ascii_size = len(text.encode("ascii", "ignore"))
    digits = sum(map(str.isdigit, text)) if any(map(text.__contains__, "0123456789")) else 0
    capitals = sum(map(str.isupper, text))
    letters = sum(map(str.isalpha, text))
    spaces = text.count(" ") + text.count("\n")
    return np.array(
        (
            _log(length, 16_384),
            _log(len(words), 2_048),
            min(size / count / 16, 1.0),
            digits / size,
            capitals / max(letters, 1),
            max(size - letters - digits - spaces, 0) / size,
            _log(text.count("\n"), 128),
            1 - ascii_size / size,
            _log(len(_INVISIBLE.findall(text)), 32),
            _log(len(_MIXED.findall(text)), 32),
            _log(sum(len(run) for run in _RUN.findall(text)), 512),
            _log(len(_MARKERS.findall(text)), 16),
            _log(len(_FORMULA.findall(text)), 64),
            _log(len(_NUMBER.findall(text)), 64),
            _log(text.count("?"), 16),
            _log(len(_OPTION.findall(text)), 16),
            _log(len(_CODE.findall(text)), 32),
            _log(len(_SECOND.findall(text)), 32),
        ),
        np.float32,
    )
