"""Driver: runs the decision core's generator, giving each unit of work a place and a deadline."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from forebay_decision.work import Skipped, Work
from forebay_extproc.crew import DEADLINE
from forebay_extproc.lane import Lane

T = TypeVar("T")


class Driver:
    """Cheap work runs on the spot, the rest on the lane. `skipped` is told the reason for each unit that was not done."""

    def __init__(self, lane: Lane, clock: Callable[[], float], skipped: Callable[[str], None]) -> None:
        self._lane = lane
        self._clock = clock
        self._skipped = skipped

    async def drive(self, steps: Generator[Work, object, T], deadline: float) -> T:
        """What the generator returns. Cancelled, it closes the generator and withdraws its work."""
        result: object = None
        try:
            while True:
                work = steps.send(result)
                if not work.inline:
                    result = await self._lane.run(work, deadline)
                elif self._clock() + work.expected_seconds > deadline:
                    result = DEADLINE
                else:
                    result = work.run()
                if type(result) is Skipped:
                    self._skipped(result.reason)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            steps.close()
