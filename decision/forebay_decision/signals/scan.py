"""Scan: reading a text of any length without holding up the event loop or missing the deadline.

A short text is read where it is asked for. A long one becomes a Work, which the driver runs elsewhere, or refuses when
it could not be done in time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from forebay_decision.record import SignalRecord
from forebay_decision.work import Skipped

INLINE_SECONDS: Final = 1e-3
"""A scan expected to take longer leaves the event loop to others."""
SHORT_BYTES: Final = 1 << 13
"""No detector needs that long for so little text, so nothing has to be planned."""


class Scan:
    """One pass of `read` over a text; `expected_seconds` is planned with, on the slow side of what was measured."""

    inline = False

    def __init__(self, kind: str, expected_seconds: float, read: Callable[[], SignalRecord | Skipped]) -> None:
        self.label = f"scan {kind}"
        self.expected_seconds = expected_seconds
        self._read = read

    def run(self) -> SignalRecord | Skipped:
        return self._read()


class Looked(Scan):
    """A pass that turned out to be quick enough to be made while it was planned, and came to `found`."""

    inline = True

    def __init__(self, kind: str, found: SignalRecord) -> None:
        super().__init__(kind, 0.0, lambda: found)


def plan_scan(
    kind: str, seconds: float, left: float, read: Callable[[], SignalRecord | Skipped]
) -> Scan | Skipped | None:
    """None where `read` is quick enough to be called on the spot; Skipped where `left` seconds are too few for it."""
    if seconds <= INLINE_SECONDS:
        return None
    return Skipped("deadline") if seconds > left else Scan(kind, seconds, read)


def scanned(result: object) -> SignalRecord | Skipped:
    """What a Scan came to; the driver hands on results without knowing their kind."""
    if isinstance(result, SignalRecord | Skipped):
        return result
    raise TypeError(f"a scan cannot come to {type(result).__name__}")
