"""When to write: only what is new, and not more often than somebody would read it. Pure: time is passed in."""

from __future__ import annotations

from typing import Final

import msgspec

EVERY_SECONDS: Final = 30.0
"""Endpoints come and go; a copy that is this much older serves as well."""


class Written(msgspec.Struct, frozen=True):
    """What was written last: its hash, and when (monotonic seconds). Nothing yet: no hash."""

    hash: str = ""
    at: float = float("-inf")


def due(written: Written, now_hash: str, now: float, every: float = EVERY_SECONDS) -> bool:
    """Whether to write what has `now_hash`."""
    return now_hash != written.hash and now - written.at >= every


def waits(written: Written, now: float, every: float = EVERY_SECONDS) -> float:
    """Seconds until something new may be written."""
    return max(0.0, written.at + every - now)
