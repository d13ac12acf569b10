"""From what is known of a pool's endpoints to its PoolState. No clock: the time comes with the call.

What counts as known. A reading counts for `staleAfter`. That nobody listens on an endpoint's serving port is news too,
and counts as long. Anything else (a time-out, a page without metrics) is no news: the last reading stands until it ages
out, and then the endpoint is unknown. A pool is stale when no reading is fresh, unless every endpoint is freshly known
to be down. What is unknown is assumed ready: missing telemetry must never take a pool out.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.pool import PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_api.wire import PoolState
from forebay_operator.scrape.adapters import count_adapters
from forebay_operator.scrape.demand import NOTHING_FLOWS, Flow, moved
from forebay_operator.scrape.reading import Reading
from forebay_operator.scrape.sample import Sample
from forebay_operator.scrape.saturation import Causes, Measures, saturation_causes

KV_STEPS = 100
"""KV use is told in hundredths: finer steps change with every scrape and mean nothing to a score."""


class Knowledge(msgspec.Struct, frozen=True):
    """What is known of one endpoint: its last reading, or since when it is known to be down (Unix seconds).

    `flow` is what went through it between readings. `tried` says that one attempt to read it has ended. `stretch` is
    how much longer than asked it takes from one attempt to the next, and news counts for as much longer.
    """

    reading: Reading | None = None
    read_at: float = 0.0
    down_at: float | None = None
    flow: Flow = NOTHING_FLOWS
    tried: bool = False
    stretch: float = 1.0

    def learn(self, sample: Sample) -> Knowledge:
        if sample.outcome == "Read" and sample.reading is not None:
            return Knowledge(
                *(sample.reading, sample.at),
                flow=self._flow(sample.reading, sample.at),
                tried=True,
                stretch=sample.stretch,
            )
        if sample.outcome == "Down":
            return Knowledge(down_at=sample.at, tried=True, stretch=sample.stretch)
        return msgspec.structs.replace(self, tried=True, stretch=sample.stretch)

    def fresh_reading(self, stale_after: float, now: float) -> Reading | None:
        """The last reading, where it still counts at `now`."""
        return self.reading if self.read_at >= now - stale_after * self.stretch else None

    def is_down(self, stale_after: float, now: float) -> bool:
        """Whether nobody listened the last time that anything was learnt, and not too long ago."""
        return self.down_at is not None and self.down_at >= now - stale_after * self.stretch

    def _flow(self, reading: Reading, at: float) -> Flow:
        before = self.reading
        if before is None or before.tokens is None or reading.tokens is None:
            return self.flow
        # Between two looks a count is taken to have been their mean.
        running, queued = (before.running + reading.running) / 2, (before.queued + reading.queued) / 2
        return self.flow.after(at - self.read_at, moved(before.tokens, reading.tokens), running, queued)


class Load(msgspec.Struct, frozen=True):
    """Requests that the data planes together have under way in a pool; `reported_at` None where none has reported."""

    in_flight: int = 0
    reported_at: float | None = None


NOTHING_KNOWN = Knowledge()
NO_LOAD = Load()


def summarise(
    name: str,
    spec: PoolSpec,
    endpoints: Mapping[str, Knowledge],
    load: Load,
    before: Causes,
    now: float,
    *,
    unready: int = 0,
) -> tuple[PoolState, Causes]:
    """The state of pool `name` at `now`, and what holds it saturated. `endpoints` has an entry for each endpoint that
    takes requests, `unready` counts those that do not; `before` is what held the pool saturated the last time."""
    stale_after = duration_seconds(spec.telemetry.stale_after)
    total = len(endpoints) + unready
    if not endpoints:
        # Known, and not for lack of news: nobody is there.
        return PoolState(name=name, total=total, in_flight=load.in_flight, observed_at=now, stale=False), ()
    if spec.telemetry.engine == "None":
        return _unread(name, spec, len(endpoints), total, load, before, now - stale_after)
    known = endpoints.values()
    fresh = [(k.read_at, read) for k in known if (read := k.fresh_reading(stale_after, now)) is not None]
    down = [k.down_at for k in known if k.down_at is not None and k.is_down(stale_after, now)]
    if not fresh and len(down) < len(endpoints):
        unknown = PoolState(
            name=name,
            ready=len(endpoints) - len(down),
            total=total,
            in_flight=load.in_flight,
            observed_at=max((k.read_at for k in endpoints.values() if k.reading is not None), default=None),
            stale=True,
        )
        return unknown, ()
    queued = sum(reading.queued for _, reading in fresh)
    kv = sum(reading.kv_cache_utilization for _, reading in fresh) / max(1, len(fresh))
    causes = saturation_causes(spec.saturation, Measures(queued / max(1, len(fresh)), kv, load.in_flight), before)
    state = PoolState(
        name=name,
        ready=len(fresh),
        total=total,
        queued=queued,
        running=sum(reading.running for _, reading in fresh),
        kv_cache_utilization=round(kv * KV_STEPS) / KV_STEPS,
        in_flight=load.in_flight,
        saturated=bool(causes),
        saturation_reason=next(iter(causes), ""),
        # What any reading is too old to have counted, the counts lack: a newer horizon would forget requests.
        observed_at=min([at for at, _ in fresh] or down),
        stale=False,
        adapters=count_adapters(reading for _, reading in fresh),
    )
    return state, causes


def _unread(
    name: str, spec: PoolSpec, ready: int, total: int, load: Load, before: Causes, oldest: float
) -> tuple[PoolState, Causes]:
    """A pool whose engine tells nothing. `observed_at` stays None, which sends scores to what each replica has under
    way; what all of them have under way together can still saturate the pool, while their reports are fresh."""
    fresh = load.reported_at is not None and load.reported_at >= oldest
    causes = saturation_causes(spec.saturation, Measures(in_flight=load.in_flight), before) if fresh else ()
    state = PoolState(
        name=name,
        ready=ready,
        total=total,
        in_flight=load.in_flight,
        saturated=bool(causes),
        saturation_reason=next(iter(causes), ""),
        stale=not fresh,
    )
    return state, causes
