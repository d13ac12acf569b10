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
from forebay_operator.scrape.exposition import Reading
from forebay_operator.scrape.sample import Sample
from forebay_operator.scrape.saturation import Causes, Measures, saturation_causes

KV_STEPS = 100
"""KV use is told in hundredths: finer steps change with every scrape and mean nothing to a score."""


class Knowledge(msgspec.Struct, frozen=True):
    """What is known of one endpoint: its last reading, or since when it is known to be down (Unix seconds)."""

    reading: Reading | None = None
    read_at: float = 0.0
    down_at: float | None = None

    def learn(self, sample: Sample) -> Knowledge:
        if sample.outcome == "Read":
            return Knowledge(sample.reading, sample.at)
        if sample.outcome == "Down":
            return Knowledge(down_at=sample.at)
        return self


class Load(msgspec.Struct, frozen=True):
    """Requests that the data planes together have under way in a pool; `reported_at` None where none has reported."""

    in_flight: int = 0
    reported_at: float | None = None


NOTHING_KNOWN = Knowledge()
NO_LOAD = Load()


def summarise(
    name: str, spec: PoolSpec, endpoints: Mapping[str, Knowledge], load: Load, before: Causes, now: float
) -> tuple[PoolState, Causes]:
    """The state of pool `name` at `now`, and what holds it saturated. `endpoints` has an entry for each endpoint of the
    spec; `before` is what held it saturated the last time."""
    stale_after = duration_seconds(spec.telemetry.stale_after)
    if spec.telemetry.engine == "None":
        return _unread(name, spec, len(endpoints), load, before, now - stale_after)
    oldest = now - stale_after
    fresh = [(k.read_at, k.reading) for k in endpoints.values() if k.reading is not None and k.read_at >= oldest]
    down = [k.down_at for k in endpoints.values() if k.down_at is not None and k.down_at >= oldest]
    if not fresh and len(down) < len(endpoints):
        unknown = PoolState(
            name=name,
            ready=len(endpoints) - len(down),
            total=len(endpoints),
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
        total=len(endpoints),
        queued=queued,
        running=sum(reading.running for _, reading in fresh),
        kv_cache_utilization=round(kv * KV_STEPS) / KV_STEPS,
        in_flight=load.in_flight,
        saturated=bool(causes),
        saturation_reason=next(iter(causes), ""),
        # What any reading is too old to have counted, the counts lack: a newer horizon would forget requests.
        observed_at=min([at for at, _ in fresh] or down),
        stale=False,
    )
    return state, causes


def _unread(
    name: str, spec: PoolSpec, total: int, load: Load, before: Causes, oldest: float
) -> tuple[PoolState, Causes]:
    """A pool whose engine tells nothing. `observed_at` stays None, which sends scores to what each replica has under
    way; what all of them have under way together can still saturate the pool, while their reports are fresh."""
    fresh = load.reported_at is not None and load.reported_at >= oldest
    causes = saturation_causes(spec.saturation, Measures(in_flight=load.in_flight), before) if fresh else ()
    state = PoolState(
        name=name,
        ready=total,
        total=total,
        in_flight=load.in_flight,
        saturated=bool(causes),
        saturation_reason=next(iter(causes), ""),
        stale=not fresh,
    )
    return state, causes
