"""How long to wait before the next attempt: growing, bounded, and jittered so that replicas do not return in step."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait: `base` doubling up to `most`, each time a random half to whole of it."""

    def __init__(self, base: float = 0.1, most: float = 5.0, source: random.Random | None = None) -> None:
        self._base = base
        self._most = most
        self._random = source or random.Random()
        self._failures = 0

    def reset(self) -> None:
        """The last attempt worked."""
        self._failures = 0

    def next(self) -> float:
        """Count a failure; return seconds to wait."""
        bound = min(self._most, self._base * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return bound * self._random.uniform(0.5, 1.0)
