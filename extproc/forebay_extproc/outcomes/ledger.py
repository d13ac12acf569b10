"""Ledger: this replica's requests under way, per pool and model.

A request is entered when its decision is sent to Envoy and struck out when its access-log entry comes. Entries that
never come (Envoy died, the caller left in between) expire, so a lost entry costs accuracy for a while and no memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from forebay_api.wire import PoolState

TTL_SECONDS: Final = 900.0
"""A little more than the longest request that a pool allows by default (10 minutes)."""
MAX_ENTRIES: Final = 200_000


class Entry(msgspec.Struct, frozen=True):
    """`since` is Unix seconds."""

    pool: str
    model: str
    since: float


class Ledger:
    """Not for threads: it lives on the event loop. `clock` gives Unix seconds, because scrapes are dated so."""

    def __init__(
        self, clock: Callable[[], float], *, ttl_seconds: float = TTL_SECONDS, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._clock = clock
        self._ttl = ttl_seconds
        self._max = max_entries
        # Insertion order is order of time, in both: the oldest stand first.
        self._entries: dict[str, Entry] = {}
        self._by_pool: dict[str, dict[str, float]] = {}
        self._models: Counter[tuple[str, ...]] = Counter()
        self._horizons: dict[str, float] = {}
        self._uncounted: Counter[str] = Counter()

    def enter(self, decision: str, pool: str, model: str) -> None:
        """A request goes to `pool` now."""
        if decision in self._entries:
            return
        if len(self._entries) >= self._max:
            self.strike(next(iter(self._entries)))
        now = self._clock()
        self._entries[decision] = Entry(pool, model, now)
        self._by_pool.setdefault(pool, {})[decision] = now
        self._models[pool, model] += 1
        self._uncounted[pool] += 1

    def strike(self, decision: str) -> bool:
        """The request has ended; False where it is not (or no longer) known."""
        entry = self._entries.pop(decision, None)
        if entry is None:
            return False
        del self._by_pool[entry.pool][decision]
        self._models[entry.pool, entry.model] -= 1
        if entry.since > self._horizons.get(entry.pool, 0.0):
            self._uncounted[entry.pool] -= 1
        return True

    def expire(self) -> int:
        """Strike out what is older than the time to live; the number struck."""
        oldest = self._clock() - self._ttl
        struck = 0
        while self._entries:
            decision, entry = next(iter(self._entries.items()))
            if entry.since > oldest:
                break
            self.strike(decision)
            struck += 1
        return struck

    def observe(self, states: Mapping[str, PoolState]) -> None:
        """New pool states: requests that a scrape has seen running are in its counts and leave `since_scrape`."""
        for pool, state in states.items():
            horizon = state.observed_at if state.observed_at is not None and not state.stale else 0.0
            if horizon == self._horizons.get(pool, 0.0):
                continue
            self._horizons[pool] = horizon
            newer = 0
            for since in reversed(self._by_pool.get(pool, {}).values()):
                if since <= horizon:
                    break
                newer += 1
            self._uncounted[pool] = newer

    def since_scrape(self, pool: str) -> int:
        """Requests under way in `pool` that its newest state cannot have counted; all of them while there is none."""
        return self._uncounted.get(pool, 0)

    def by_pool(self) -> dict[str, int]:
        """Requests under way per pool; also the pools that are idle again."""
        return {pool: len(entries) for pool, entries in self._by_pool.items()}

    def by_model(self) -> dict[tuple[str, ...], float]:
        """Requests under way per (pool, model)."""
        return dict(self._models)

    def __len__(self) -> int:
        return len(self._entries)
