"""What a request asks for stands in a few of its words, mostly the first: the static table's vectors of those, side by side.

No transformer: a mean of token vectors says what a text is about, and four means (the first words, the opening, the end, and
everything) say where in it that stands, which is most of what word order tells about a request. Frequent German, French
and Spanish words are looked up in English before (`glossary`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from forebay_models.cut import cut_middle
from forebay_models.heads.glossary import gloss

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder
    from forebay_models.heads.head import Row

VERSION: Final = "wording-1"
READ: Final = 4_096
"""Letters: of a longer text the two ends."""
FIRST: Final = 3
OPENING: Final = 12
WORD: Final = 64
"""A longer run without a space is no word: of it the beginning counts."""
SCALE: Final = 0.5


def read_wording(text: str, table: Encoder) -> Row:
    """Float32 [4 * the table's dimensions]: what `Reading.row` holds of a head with this `surface` version's wording."""
    words = [word[:WORD] for word in gloss(cut_middle(text, READ).split())]
    parts = (words, words[:OPENING], words[-OPENING:], words[:FIRST])
    rows = table.encode([" ".join(part) for part in parts])
    result: Row = rows.reshape(-1) * SCALE
    return result
