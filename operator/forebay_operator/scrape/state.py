"""The pools' states as told to the data planes: collects samples and load reports, says what has changed.

What is told when. A change of readiness, saturation or staleness at the next tick. A change of a count at most once per
`telemetry.interval` and pool, because a count moves with every request. And without any change twice per `staleAfter`,
so that a reader that ages the state by itself, because the operator may be gone, does not age it while all is well.
Readers know `staleAfter` as the manifest has it, so that this holds while intervals are stretched, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from forebay_api.pool import PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_api.wire import LoadReport, PoolState
from forebay_operator.backends.endpoint import NOWHERE, Backends
from forebay_operator.scrape.demand import UNKNOWN_DEMAND, Demand, demand
from forebay_operator.scrape.sample import Sample
from forebay_operator.scrape.saturation import Causes
from forebay_operator.scrape.summary import NO_LOAD, NOTHING_KNOWN, Knowledge, Load, summarise
from forebay_operator.scrape.targets import endpoint_names

LOAD_REPORT_SECONDS: Final = 5.0
"""Age at which a replica's load report stops counting: the replica is gone, or cut off."""


class PoolStates:
    """One writer's view of all pools. Times are Unix seconds, passed in."""

    def __init__(self, *, load_report_seconds: float = LOAD_REPORT_SECONDS) -> None:
        self._load_report_seconds = load_report_seconds
        self._specs: dict[str, PoolSpec] = {}
        self._endpoints: dict[str, dict[str, Knowledge]] = {}
        self._causes: dict[str, Causes] = {}
        self._reports: dict[str, tuple[float, LoadReport]] = {}
        self._told: dict[str, tuple[float, PoolState]] = {}
        self._tried: frozenset[str] = frozenset()
        self._unready: dict[str, int] = {}
        self._began = -math.inf
        self._now = 0.0

    def configure(self, pools: Mapping[str, PoolSpec], backends: Backends) -> None:
        """The pools ``namespace/name`` that there are now. What is known of endpoints that stay is kept."""
        known = self._endpoints
        self._specs = dict(pools)
        self._endpoints = {
            name: {
                endpoint: known.get(name, {}).get(endpoint, NOTHING_KNOWN)
                for endpoint in endpoint_names(backends.get(name, NOWHERE))
            }
            for name in pools
        }
        self._unready = {
            name: sum(not (endpoint.ready or endpoint.draining) for endpoint in backends.get(name, NOWHERE).endpoints)
            for name in pools
        }
        self._causes = {name: causes for name, causes in self._causes.items() if name in pools}
        self._told = {name: told for name, told in self._told.items() if name in pools}

    def begin_anew(self, now: float) -> None:
        """Forget what was read: this operator has not looked for a while, and begins to look now."""
        self._began = self._now = now
        self._endpoints = {pool: dict.fromkeys(known, NOTHING_KNOWN) for pool, known in self._endpoints.items()}
        self._tried = frozenset()

    def observe(self, sample: Sample) -> None:
        """Take in one scrape; a sample of a pool or an endpoint that is gone is dropped."""
        endpoints = self._endpoints.get(sample.pool, {})
        if sample.endpoint in endpoints:
            endpoints[sample.endpoint] = endpoints[sample.endpoint].learn(sample)

    def load(self, report: LoadReport, now: float) -> None:
        """Take in a replica's load; it replaces that replica's previous report."""
        self._reports[report.replica] = (now, report)

    def forget(self, replica: str) -> None:
        """A replica that is known to be gone has nothing under way."""
        self._reports.pop(replica, None)

    def tick(self, now: float) -> dict[str, PoolState]:
        """The states that have to be told now, by pool. Call it after samples, and often enough for staleness."""
        self._now = now
        oldest = now - self._load_report_seconds
        self._reports = {name: entry for name, entry in self._reports.items() if entry[0] >= oldest}
        changed = {}
        for name, spec in self._specs.items():
            before = self._causes.get(name, ())
            state, self._causes[name] = summarise(
                *(name, spec, self._endpoints[name], self._load_of(name), before, now),
                unready=self._unready[name],
            )
            if _worth_telling(spec, self._told.get(name), state, now):
                self._told[name] = (now, state)
                changed[name] = state
        self._tried = frozenset(filter(self._is_tried, self._specs))
        return changed

    @property
    def told(self) -> Mapping[str, PoolState]:
        """What the data planes are to know: the state last told of each pool."""
        return {name: state for name, (_, state) in self._told.items()}

    def tried(self, pool: str) -> bool:
        """Whether there had been time to hear of the pool when its state was last looked at: until then silence means
        nothing. What came in since is in no state that was told.

        That is when every endpoint has been looked at. Where the engine tells nothing, it is when a data plane has
        reported its load, or none has for `staleAfter`.
        """
        return pool in self._tried or pool not in self._specs

    def _is_tried(self, pool: str) -> bool:
        spec = self._specs[pool]
        if spec.telemetry.engine == "None":
            if pool in self._tried or self._reports:
                return True
            return self._now - self._began > duration_seconds(spec.telemetry.stale_after)
        return all(knowledge.tried for knowledge in self._endpoints[pool].values())

    def demand(self, pool: str, now: float) -> Demand:
        """What the pool's fresh endpoints are asked for, in tokens a second."""
        spec = self._specs.get(pool)
        if spec is None:
            return UNKNOWN_DEMAND
        stale_after = duration_seconds(spec.telemetry.stale_after)
        return demand(
            known.flow for known in self._endpoints[pool].values() if known.fresh_reading(stale_after, now) is not None
        )

    def stretch(self, pool: str) -> float:
        """By how much longer than asked it takes from one look at the pool's endpoints to the next."""
        return max((knowledge.stretch for knowledge in self._endpoints.get(pool, {}).values()), default=1.0)

    def interval(self, pool: str) -> float | None:
        """Seconds from one look at an endpoint of the pool to the next; None where its engine tells nothing."""
        spec = self._specs.get(pool)
        if spec is None or spec.telemetry.engine == "None":
            return None
        return duration_seconds(spec.telemetry.interval) * self.stretch(pool)

    def _load_of(self, pool: str) -> Load:
        if not self._reports:
            return NO_LOAD
        in_flight = sum(max(0, report.in_flight.get(pool, 0)) for _, report in self._reports.values())
        return Load(in_flight, max(at for at, _ in self._reports.values()))


def _worth_telling(spec: PoolSpec, told: tuple[float, PoolState] | None, state: PoolState, now: float) -> bool:
    if told is None:
        return True
    at, before = told
    if _standing(before) != _standing(state):
        return True
    if _counts(before) != _counts(state):
        return now - at >= duration_seconds(spec.telemetry.interval)
    if state.stale or state.observed_at is None:
        return False
    return now - at >= duration_seconds(spec.telemetry.stale_after) / 2


def _standing(state: PoolState) -> tuple[int, int, bool, str, bool]:
    return (state.ready, state.total, state.saturated, state.saturation_reason, state.stale)


def _counts(state: PoolState) -> tuple[object, ...]:
    return (state.queued, state.running, state.kv_cache_utilization, state.in_flight, state.adapters)
