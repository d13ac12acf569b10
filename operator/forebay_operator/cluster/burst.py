"""When changes that arrive are taken together: a burst makes one picture, and a single change hardly waits. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

QUIET_SECONDS: Final = 0.02
MOST_SECONDS: Final = 0.08


class Burst(msgspec.Struct, frozen=True):
    """Changes that are taken together: when the first and the last of them arrived (monotonic seconds)."""

    first: float
    last: float

    def joined(self, at: float) -> Burst:
        """With a change that arrived then."""
        return Burst(min(self.first, at), max(self.last, at))

    @property
    def due(self) -> float:
        """When they are taken: QUIET_SECONDS after the last one, and at the latest MOST_SECONDS after the first."""
        return min(self.last + QUIET_SECONDS, self.first + MOST_SECONDS)
