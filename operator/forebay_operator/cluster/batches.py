"""When many writes are due: together, once no more of them come.

Envoy Gateway translates all of its objects for every write that it hears of, and writes its verdicts one after the other.
A team that applies a hundred routes would have it do so a hundred times. A few writes never wait.
"""

from __future__ import annotations

from typing import Final

import msgspec

FEW: Final = 16
STILL_SECONDS: Final = 1.0
"""Without another write that is due, a batch is whole."""
MOST_SECONDS: Final = 8.0


class _Batch(msgspec.Struct):
    due: int
    since: float
    grown: float


class Batches:
    """One batch a stage. Times are passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._open: dict[int, _Batch] = {}

    def hold(self, stage: int, due: int, *, more: bool, now: float) -> float:
        """For how many seconds the `due` writes of a stage wait; 0 is now. A few never do, nor do any where no `more` may
        come."""
        batch = self._open.get(stage)
        if due <= FEW or not more:
            self._open.pop(stage, None)
            return 0.0
        if batch is None:
            batch = self._open[stage] = _Batch(due, now, now)
        elif due != batch.due:
            batch.due, batch.grown = due, now
        left = min(batch.grown + STILL_SECONDS, batch.since + MOST_SECONDS) - now
        if left <= 0:
            del self._open[stage]
            return 0.0
        return left
