"""Where a head knows nothing: a text without words, or in a script that its training texts were not in."""

import unicodedata
from typing import Final

from forebay_models.cut import cut_middle

SAMPLE: Final = 2_048
LEAST_SHARE: Final = 0.5


def latin_share(text: str) -> float | None:
    """The share of Latin letters among the letters of a text's two ends; None where it has no letter."""
    text = cut_middle(text, SAMPLE)
    if text.isascii():
        return 1.0 if any(map(str.isalpha, text)) else None
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return None
    latin = sum(
        letter.isascii() or unicodedata.name(letter, "").startswith(("LATIN", "FULLWIDTH LATIN")) for letter in letters
    )
    return latin / len(letters)


def out_of_reach(text: str, *, latin_only: bool) -> str | None:
    """Why a head has no opinion on this text, or None."""
    share = latin_share(text)
    if share is None:
        return "no words in the text"
    if latin_only and share < LEAST_SHARE:
        return "a script the model was not trained on"
    return None
