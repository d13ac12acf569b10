"""What a pool's status says of its load: written seldom, because load moves with every request and status is stored.

Conditions do not wait for this. A number is written when it has moved and 15 s have passed since the pool's last one,
or when the status is written anyway. What an earlier operator wrote stands until this one knows better, so that a
change of leader writes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from forebay_api.status import AdapterStatus, EndpointCounts, PoolLoad, PoolStatus
from forebay_api.wire import PoolState

EVERY_SECONDS: Final = 15.0


class _Shown(msgspec.Struct, frozen=True):
    """The parts of a pool's status that follow its load; None is what is not known."""

    endpoints: EndpointCounts | None = None
    load: PoolLoad | None = None
    adapters: list[AdapterStatus] | None = None


class LoadStatuses:
    """One writer's memory of what each pool's status shows, and since when. Times are Unix seconds, passed in."""

    def __init__(self, *, every: float = EVERY_SECONDS) -> None:
        self._every = every
        self._shown: dict[str, tuple[float, _Shown]] = {}

    def complete(
        self, pool: str, status: PoolStatus, state: PoolState | None, before: PoolStatus | None, now: float
    ) -> PoolStatus:
        """`status`, whose conditions are new, with the load that is to stand in it.

        `state` is the one last told to the data planes. `before` is the status as it stands in the API server: equal to
        the result where nothing is to be written.
        """
        at, shown = self._shown.get(pool) or self._found(_of_status(before), now)
        written_anyway = before is None or before.conditions != status.conditions
        if state is not None and (written_anyway or now - at >= self._every):
            known = _of_state(state, shown)
            if _numbers(known) != _numbers(shown):
                at, shown = now, known
        self._shown[pool] = (at, shown)
        return msgspec.structs.replace(status, endpoints=shown.endpoints, load=shown.load, adapters=shown.adapters)

    def _found(self, stands: _Shown, now: float) -> tuple[float, _Shown]:
        """Whoever wrote what stands there may have done so just now."""
        return (now if stands != _Shown() else now - self._every), stands

    def forget(self, pool: str) -> None:
        """The pool is gone."""
        self._shown.pop(pool, None)


def _of_status(status: PoolStatus | None) -> _Shown:
    return _Shown() if status is None else _Shown(status.endpoints, status.load, status.adapters)


def _of_state(state: PoolState, shown: _Shown) -> _Shown:
    if state.stale and state.observed_at is None and shown.endpoints is not None:
        # Nothing has been read yet, or the engine tells nothing: what stands is no worse.
        return _Shown(EndpointCounts(state.ready, state.total), shown.load, shown.adapters)
    endpoints = EndpointCounts(state.ready, state.total)
    if state.stale or state.observed_at is None:
        return _Shown(endpoints)
    load = PoolLoad(
        queued=round(state.queued),
        running=round(state.running),
        kv_cache_utilization=state.kv_cache_utilization,
        observed_at=datetime.fromtimestamp(state.observed_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    adapters = [AdapterStatus(name, counts.running, counts.waiting) for name, counts in state.adapters.items()]
    return _Shown(endpoints, load, adapters or None)


def _numbers(shown: _Shown) -> tuple[object, ...]:
    load = shown.load
    # When it was looked at is no news by itself.
    counts = None if load is None else (load.queued, load.running, load.kv_cache_utilization)
    return (shown.endpoints, counts, shown.adapters)
