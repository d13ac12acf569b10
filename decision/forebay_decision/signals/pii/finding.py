"""Finding: a piece of text that is an entity. It exists while a text is read; a record keeps only how many there were."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from forebay_api.signal import Entity


class Finding(msgspec.Struct, frozen=True):
    """Half-open byte range of the text that was read."""

    entity: Entity
    start: int
    end: int


Finder = Callable[[bytes], Iterator[tuple[int, int]]]
"""Text -> half-open byte ranges, in order. Linear in the text, and never raises."""


def touches_word(text: bytes, start: int, end: int) -> bool:
    """Whether an ASCII letter, digit or underscore stands right before or after: then this is a part of something."""
    return (start > 0 and _is_word(text[start - 1])) or (end < len(text) and _is_word(text[end]))


def _is_word(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95
