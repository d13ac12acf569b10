"""What a request asks for stands in a few of its words, mostly the first: the static table's vectors of those, side by side.

Beside the transformer's vector, which is mostly about the matter: a mean of token vectors says what a text is about, and four
means (the first words, the opening, the end, and everything) say where in it that stands, which is most of what word order
tells about a request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from forebay_models.cut import cut_middle

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder
    from forebay_models.heads.head import Row

READ: Final = 4_096
"""Letters: of a longer text the two ends."""
FIRST: Final = 3
OPENING: Final = 12
BROUGHT: Final = 60
"""Letters behind a colon or a line break from which on a text has been brought along."""
WORD: Final = 64
"""A longer run without a space is no word: of it the beginning counts."""


_BREAK: Final = re.compile(r"\n+|[?:：]\s")


def read_wording(text: str, table: Encoder) -> Row:
    """Float32 [4 * the table's dimensions]: what `Reading.static` holds for heads with `wording` in their manifest."""
    text = cut_middle(text, READ)
    opening, closing = find_ask(text)
    words = [word[:WORD] for word in opening.split()[:OPENING]]
    last = [word[:WORD] for word in closing.split()[-OPENING:]]
    whole = [word[:WORD] for word in text.split()]
    parts = [" ".join(part) for part in (whole, words, last, words[:FIRST])]
    # Of a short text three are the same.
    places = {part: place for place, part in enumerate(dict.fromkeys(parts))}
    rows = table.encode(list(places))
    result: Row = rows[[places[part] for part in parts]].reshape(-1)
    return result


def find_ask(text: str) -> tuple[str, str]:
    """Where a request stands in a text that brings another along: before the first colon or line break, and in the last
    line. A text in one piece is both."""
    text = text.strip()
    found = _BREAK.search(text)
    if found is None or len(text) - found.end() < BROUGHT:
        return text, text
    tail = text[text.rfind("\n") + 1 :] if "\n" in text else text
    return text[: found.start()], tail
