"""When a pool takes no more work: thresholds with hysteresis, so that it does not flap around one of them."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from forebay_api.telemetry import Saturation

Cause = Literal["QueueDepth", "KVCache", "InFlight"]
"""Which measure reached its threshold."""
Causes = tuple[Cause, ...]
"""All that hold a pool saturated, in the order of `Cause`; empty where it is not."""
RELEASE: Final = 0.8
"""Share of a threshold below which a measure must fall before it stops counting."""


class Measures(msgspec.Struct, frozen=True):
    """`queue_depth` is the mean of waiting requests per ready endpoint, `kv_cache_utilization` a mean in [0,1],
    `in_flight` the requests that all data planes together have under way in this pool."""

    queue_depth: float = 0.0
    kv_cache_utilization: float = 0.0
    in_flight: int = 0


def saturation_causes(limits: Saturation | None, measures: Measures, before: Causes) -> Causes:
    """Why the pool is saturated now, given why it was `before`; the first is the one to tell.

    A measure becomes a cause when it reaches its threshold and stays one until it is below RELEASE of it. A measure
    that never reached its threshold holds nothing, however near it is.
    """
    if limits is None:
        return ()
    pairs: tuple[tuple[Cause, float, float | None], ...] = (
        ("QueueDepth", measures.queue_depth, limits.queue_depth),
        ("KVCache", measures.kv_cache_utilization, limits.kv_cache_utilization),
        ("InFlight", measures.in_flight, limits.in_flight),
    )
    return tuple(
        cause
        for cause, measure, limit in pairs
        if limit is not None and measure >= (RELEASE * limit if cause in before else limit)
    )
