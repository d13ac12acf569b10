"""What was asked for on the command line; stands in the results, because figures depend on it."""

from __future__ import annotations

from typing import Final

import msgspec

OVERHEAD_SECONDS: Final = 0.5
"""A cell's time beside warm-up and measurement: starting the generator, reading /proc and /metrics, draining."""


class Pace(msgspec.Struct, frozen=True):
    """How long a cell is warmed up and measured, in seconds."""

    warm_up: float
    seconds: float

    @property
    def whole(self) -> float:
        return self.warm_up + self.seconds + OVERHEAD_SECONDS


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`workers` are the numbers of data-plane processes to measure with, least first; `starts` how often `forebay up` is
    timed."""

    variants: list[str]
    rounds: int
    workers: list[int]
    pace: Pace
    starts: int

    @property
    def first(self) -> int:
        """The number of workers that every variant is measured with."""
        return self.workers[0]
