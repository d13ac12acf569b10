"""Driver: runs the decision core's generator, giving each unit of work a place and a deadline."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, TypeVar

from forebay_decision.work import Ahead, Skipped, Work
from forebay_extproc.crew import DEADLINE
from forebay_extproc.lane import Lane

T = TypeVar("T")
LIKELY: Final = 0.8
"""Share of a group's decisions that asked for the work, from which on it is begun ahead: of five passes one is for nothing,
while nobody else wants the encoder."""
HABIT_WEIGHT: Final = 0.05
MAX_GROUPS: Final = 4096


class Driver:
    """Cheap work runs on the spot, the rest on the lane. `skipped` is told the reason for each unit that was not done."""

    def __init__(
        self, lane: Lane, clock: Callable[[], float], skipped: Callable[[str], None], *, ahead: bool = False
    ) -> None:
        """`ahead`: there is a core for work to be begun on ahead. On two cores that others use it gains nothing."""
        self._lane = lane
        self._clock = clock
        self._skipped = skipped
        self._ahead = ahead
        self._habits: dict[str, float] = {}
        """Group -> share of its decisions that asked for what they might, smoothed."""

    async def drive(self, steps: Generator[Work, object, T], deadline: float) -> T:
        """What the generator returns. Cancelled, it closes the generator and withdraws its work."""
        result: object = None
        ahead: Ahead | None = None
        asked = False
        try:
            while True:
                work = steps.send(result)
                if isinstance(work, Ahead):
                    ahead, likely = work, self._habits.get(work.group, LIKELY) >= LIKELY
                    result = self._ahead and likely and self._lane.begin(work.work, deadline)
                    continue
                if not work.inline:
                    asked = asked or (ahead is not None and work.label == ahead.work.label)
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
            if ahead is not None:
                self._learn(ahead.group, asked)

    def _learn(self, group: str, asked: bool) -> None:
        if group not in self._habits and len(self._habits) >= MAX_GROUPS:
            self._habits.clear()
        habit = self._habits.get(group, LIKELY)
        self._habits[group] = habit + HABIT_WEIGHT * (asked - habit)
