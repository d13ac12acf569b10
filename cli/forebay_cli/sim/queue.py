"""Slots with a bounded first-in first-out queue in front of them: the load that a simulated server can really have."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress


class QueueFull(Exception):
    """All slots run and all places in the queue are taken."""


class SlotQueue:
    """``slots`` holders at once, at most ``max_waiting`` more in line. One event loop's thread only.

    A freed slot passes straight to the longest-waiting request, so ``running`` never dips while somebody waits, and a
    newcomer cannot overtake.
    """

    def __init__(self, slots: int, max_waiting: int) -> None:
        self.slots = slots
        self.max_waiting = max_waiting
        self.running = 0
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._line)

    async def acquire(self) -> None:
        """Take a slot, waiting in line for it. Raises QueueFull at once; a cancelled wait leaves the line at once."""
        if self.running < self.slots:
            self.running += 1
            return
        if len(self._line) >= self.max_waiting:
            raise QueueFull
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()  # the slot arrived together with the cancellation: hand it on
            else:
                with suppress(ValueError):  # release() may have skipped this turn already
                    self._line.remove(turn)
            raise

    def release(self) -> None:
        """Give a slot back: to the head of the line, or to nobody."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():  # a cancelled turn stays in line until its own task runs
                turn.set_result(None)
                return
        self.running -= 1
