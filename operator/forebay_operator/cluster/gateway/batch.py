"""When many writes are due and more may come: together, once no more of them come.

Envoy Gateway translates all of its objects for every write that it hears of, and says nothing of any while it is busy with
that: a trickle of writes keeps it from accepting what was written long ago. So what a team's hundred routes with policies
need is not written one by one as they come. A few writes never wait.
"""

from __future__ import annotations

from typing import Final

FEW: Final = 16
STILL_SECONDS: Final = 1.0
"""Without another write that is due, a batch is whole."""
MOST_SECONDS: Final = 10.0


class Batch:
    """Times are passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._due = 0
        self._since = 0.0
        self._grown = 0.0

    def hold(self, due: int, *, more: bool, now: float) -> float:
        """For how many seconds the `due` writes wait; 0 is now. None of a few does, nor any where no `more` may come."""
        if due <= FEW or not more:
            self._due = 0
            return 0.0
        if self._due == 0:
            self._since = now
        if due != self._due:
            self._due, self._grown = due, now
        left = min(self._grown + STILL_SECONDS, self._since + MOST_SECONDS) - now
        if left > 0:
            return left
        self._due = 0
        return 0.0
