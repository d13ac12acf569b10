"""Regions with digits: cards, phones and national ids have six at least, so most of a text need not be read for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.pii.finding import Finder
from forebay_decision.signals.regex import compile_linear

_SIX_DIGITS: Final = compile_linear(r"[0-9](?:[^0-9\n]{0,3}[0-9]){5,}")
_BEFORE, _AFTER = 112, 48
"""Bytes around that finders may want to see: words before a number, an extension or a check letter after it."""
_AHEAD: Final = 12
"""Bytes before the first digit at which a finding may begin: a sign, a bracket, letters of an id."""


def find_in_regions(text: bytes, finder: Finder, regions: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, last in regions:
        offset = max(0, first - _BEFORE)
        for start, end in finder(text[offset : last + _AFTER]):
            if first - _AHEAD <= start + offset < last:
                yield start + offset, end + offset


def number_regions(text: bytes) -> list[tuple[int, int]]:
    """Byte ranges that hold all runs of six digits or more with up to three other letters between two digits."""
    regions: list[tuple[int, int]] = []
    for match in _SIX_DIGITS.finditer(text):
        first, last = match.span()
        if regions and first - regions[-1][1] < _BEFORE + _AFTER:
            regions[-1] = (regions[-1][0], last)
        else:
            regions.append((first, last))
    return regions
