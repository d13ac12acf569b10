"""A text in pieces of a sentence or a line: an order that hides in a page is a stranger among them, and a mean over all of the page
drowns it. The static table reads each piece in microseconds, so that the transformer's one pass stays the only one.
"""

import re
from typing import Final

from forebay_models.cut import cut_middle

READ: Final = 2_048
"""Letters: of a longer text the two ends."""
SPAN: Final = 16
"""Words. A longer sentence is read in runs of this many, each beginning in the middle of the one before."""
SLACK: Final = 4
"""Words by which a sentence may exceed `SPAN`, and under which a piece goes to the one before it."""
MOST: Final = 24
"""Pieces: of more the first and the last half."""
WORD: Final = 64
"""A longer run without a space is no word: of it the beginning counts."""

_END: Final = re.compile(r"(?<=[.!?:;])\s+|\n+")


def split(text: str) -> list[str]:
    """At least one piece, in the order of the text."""
    pieces: list[list[str]] = []
    for part in _END.split(cut_middle(text, READ)):
        words = [word[:WORD] for word in part.split()]
        if len(words) > SPAN + SLACK:
            half = SPAN // 2
            runs = [words[start : start + SPAN] for start in range(0, len(words) - half, half)]
        else:
            runs = [words] if words else []
        for run in runs:
            if pieces and len(pieces[-1]) < SLACK:
                pieces[-1] += run
            else:
                pieces.append(run)
    return cut_middle([" ".join(piece) for piece in pieces], MOST) or [text[:WORD]]
