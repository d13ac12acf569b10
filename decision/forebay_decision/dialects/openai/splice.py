"""Edits of a body as values: applied, carried over to a body that was edited already, and written into a header."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote_from_bytes

from forebay_decision.request import Edit


def splice(body: bytes, edits: Sequence[Edit]) -> bytes:
    """`body` with each edit's range replaced. The edits are sorted by start and do not overlap."""
    if not edits:
        return body
    pieces: list[bytes] = []
    position = 0
    for edit in edits:
        pieces += (body[position : edit.start], edit.text)
        position = edit.start + edit.length
    pieces.append(body[position:])
    return b"".join(pieces)


def rebase(primary: Sequence[Edit], other: Sequence[Edit], body: bytes) -> tuple[Edit, ...]:
    """The edits that turn ``splice(body, primary)`` into ``splice(body, other)``.

    A fallback's room in Envoy sees the body as it went to the first choice, so its offsets have to count in that.
    Both sides' ranges that overlap or touch are taken together: what either writes there is compared whole, and only
    a difference becomes an edit.
    """
    rebased: list[Edit] = []
    shift = 0
    for start, end, first, second in _regions(primary, other):
        was, becomes = _within(body, start, end, first), _within(body, start, end, second)
        if was != becomes:
            rebased.append(Edit(start + shift, len(was), becomes))
        shift += len(was) - (end - start)
    return tuple(rebased)


def encode_edits(edits: Sequence[Edit]) -> str:
    """``start:length:text`` joined by commas; text is percent-encoded but for RFC 3986's unreserved characters."""
    return ",".join([f"{edit.start}:{edit.length}:{quote_from_bytes(edit.text, safe='')}" for edit in edits])


def _regions(primary: Sequence[Edit], other: Sequence[Edit]) -> list[tuple[int, int, list[Edit], list[Edit]]]:
    """Disjoint ranges of the original body that cover all edits, in order, each with the edits of either side in it."""
    regions: list[tuple[int, int, list[Edit], list[Edit]]] = []
    for start, end, side, edit in sorted(
        [(edit.start, edit.start + edit.length, 0, edit) for edit in primary]
        + [(edit.start, edit.start + edit.length, 1, edit) for edit in other],
        key=lambda entry: entry[:2],
    ):
        sides: tuple[list[Edit], list[Edit]] = ([], [])
        if regions and start <= regions[-1][1]:
            first, last, *both = regions.pop()
            start, end, sides = first, max(end, last), (both[0], both[1])
        sides[side].append(edit)
        regions.append((start, end, *sides))
    return regions


def _within(body: bytes, start: int, end: int, edits: Sequence[Edit]) -> bytes:
    return splice(body[start:end], [Edit(edit.start - start, edit.length, edit.text) for edit in edits])
