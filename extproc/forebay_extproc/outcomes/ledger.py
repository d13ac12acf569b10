"""Ledger: this replica's requests under way, per pool and model.

A request is entered when its decision is sent to Envoy and struck out when its access-log entry comes. The entry of a
caller who left before Envoy had read the decision does not name it: there Envoy's own id of the request, which all its
entries carry, finds it. Entries that never come (Envoy died) expire, so a lost one costs accuracy for a while and no
memory.
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
DOUBTFUL_SECONDS: Final = 5.0
"""Time to live of a request that Envoy may never have been told of and that has no request id: nothing would ever end
it. Too few for a while is better than a pool that callers who leave can close for everyone."""
MAX_REQUEST_ID: Final = 128
"""Characters; a longer one is none of Envoy's making and counts as none."""


class Entry(msgspec.Struct, frozen=True):
    """`since` is Unix seconds; `request` is Envoy's id of the request, empty where there is none."""

    pool: str
    model: str
    since: float
    request: str = ""


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
        self._doubtful: dict[str, float] = {}
        # Callers may choose their request ids, and so choose one twice: an id names requests, oldest first.
        self._by_request: dict[str, list[str]] = {}
        self._by_pool: dict[str, dict[str, float]] = {}
        self._models: Counter[tuple[str, ...]] = Counter()
        self._horizons: dict[str, float] = {}
        self._uncounted: Counter[str] = Counter()

    def enter(self, decision: str, pool: str, model: str, request: str = "") -> None:
        """A request goes to `pool` now; `request` is Envoy's id of it."""
        if decision in self._entries:
            return
        if len(self._entries) >= self._max:
            self.strike(next(iter(self._entries)))
        now = self._clock()
        if len(request) > MAX_REQUEST_ID:
            request = ""
        self._entries[decision] = Entry(pool, model, now, request)
        if request:
            self._by_request.setdefault(request, []).append(decision)
        self._by_pool.setdefault(pool, {})[decision] = now
        self._models[pool, model] += 1
        self._uncounted[pool] += 1

    def strike(self, decision: str) -> bool:
        """The request has ended; False where it is not (or no longer) known."""
        entry = self._entries.pop(decision, None)
        if entry is None:
            return False
        self._doubtful.pop(decision, None)
        if entry.request:
            named = self._by_request[entry.request]
            named.remove(decision)
            if not named:
                del self._by_request[entry.request]
        del self._by_pool[entry.pool][decision]
        self._models[entry.pool, entry.model] -= 1
        if entry.since > self._horizons.get(entry.pool, 0.0):
            self._uncounted[entry.pool] -= 1
        return True

    def strike_request(self, request: str) -> bool:
        """A request of this id has ended, the oldest of them; False where none is known."""
        decisions = self._by_request.get(request)
        return decisions is not None and self.strike(decisions[0])

    def doubt(self, decision: str) -> None:
        """Envoy closed the stream before the decision was known to be written: it has it, or the caller left.

        Its access-log entry tells which, and may be long in coming where an answer streams: so this changes nothing,
        except where there is no request id to find it by. Then it lives for DOUBTFUL_SECONDS.
        """
        entry = self._entries.get(decision)
        if entry is not None and not entry.request:
            self._doubtful[decision] = self._clock()

    def expire(self) -> int:
        """Strike out what is older than its time to live; the number struck."""
        now = self._clock()
        oldest = now - self._ttl
        struck = 0
        while self._doubtful:
            decision, since = next(iter(self._doubtful.items()))
            if since > now - DOUBTFUL_SECONDS:
                break
            self.strike(decision)
            struck += 1
        while self._entries:
            decision, entry = next(iter(self._entries.items()))
            if entry.since > oldest:
                break
            self.strike(decision)
            struck += 1
        return struck

    def observe(self, states: Mapping[str, PoolState]) -> None:
        """New pool states, of all pools: requests that a scrape has seen running are in its counts and leave
        `since_scrape`; idle pools of which there is none are forgotten."""
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
        left = (self._horizons.keys() | self._by_pool.keys()) - states.keys()
        gone = {pool for pool in left if not self._by_pool.get(pool)}
        for pool in gone:
            self._by_pool.pop(pool, None)
            self._horizons.pop(pool, None)
            self._uncounted.pop(pool, None)
        if gone:
            # Pools come and go for as long as the process lives.
            self._models = Counter({key: count for key, count in self._models.items() if key[0] not in gone})

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
