"""What the metrics say of pools: one series a pool and measure, for dashboards and autoscalers.

A pool whose state is stale has no load here: an autoscaler leaves alone what it has no number for, and would act on a
number that is wrong. `pool` is ``namespace/name``, as in the data plane's metrics; its parts are labels of their own,
because a label selector cannot hold the slash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from prometheus_client.core import Metric

from forebay_api.wire import PoolState
from forebay_operator.scrape.demand import Demand
from forebay_operator.scrape.state import PoolStates
from forebay_operator.telemetry.families import Labels, gauge

LABELS: Final = ("pool", "pool_namespace", "pool_name")


class PoolView(msgspec.Struct, frozen=True):
    """One pool as it is told: its state, its demand, and the seconds from one scrape of an endpoint to the next (None
    where nothing is scraped)."""

    state: PoolState
    demand: Demand
    interval: float | None


def pool_views(states: PoolStates, now: float) -> list[PoolView]:
    """Every pool that something was told of, at `now` (Unix seconds)."""
    return [PoolView(state, states.demand(name, now), states.interval(name)) for name, state in states.told.items()]


def pool_families(views: Iterable[PoolView]) -> list[Metric]:
    """The families of all pools."""
    known = [(_labels(view.state.name), view) for view in views]
    return [
        gauge(
            "forebay_pool_endpoints", "Endpoints by whether they take traffic.", (*LABELS, "state"), _endpoints(known)
        ),
        *(gauge(name, text, LABELS, _values(known, measure)) for name, text, measure in _FAMILIES),
    ]


_Known = Sequence[tuple[Labels, PoolView]]
_Measure = Callable[[PoolView], float | None]


def _while_known(measure: _Measure) -> _Measure:
    return lambda view: None if view.state.stale or view.state.observed_at is None else measure(view)


_FAMILIES: Final[tuple[tuple[str, str, _Measure], ...]] = (
    (
        "forebay_pool_queued",
        "Requests that wait in the pool's servers.",
        _while_known(lambda view: view.state.queued),
    ),
    (
        "forebay_pool_running",
        "Requests that the pool's servers work on.",
        _while_known(lambda view: view.state.running),
    ),
    (
        "forebay_pool_kv_cache_utilization",
        "Mean KV-cache use over ready endpoints, in [0,1].",
        _while_known(lambda view: view.state.kv_cache_utilization),
    ),
    (
        "forebay_pool_tokens_per_second",
        "Prompt and generated tokens that the pool's servers process, a mean of about a minute.",
        _while_known(lambda view: view.demand.served),
    ),
    (
        "forebay_pool_tokens_per_second_wanted",
        "What it would be if waiting requests were worked on at the speed of running ones.",
        _while_known(lambda view: view.demand.wanted),
    ),
    (
        "forebay_pool_in_flight",
        "Requests of the pool that the data planes have under way.",
        lambda view: view.state.in_flight,
    ),
    ("forebay_pool_saturated", "1 while the pool takes no more work.", lambda view: view.state.saturated),
    ("forebay_pool_stale", "1 while the pool's load is unknown or too old to count.", lambda view: view.state.stale),
    (
        "forebay_pool_scrape_interval_seconds",
        "Time from one scrape of an endpoint to the next, as stretched by the budget.",
        lambda view: view.interval,
    ),
)


def _values(known: _Known, measure: _Measure) -> dict[Labels, float]:
    return {labels: float(value) for labels, view in known if (value := measure(view)) is not None}


def _endpoints(known: _Known) -> dict[Labels, float]:
    found: dict[Labels, float] = {}
    for labels, view in known:
        found[(*labels, "ready")] = float(view.state.ready)
        found[(*labels, "unready")] = float(view.state.total - view.state.ready)
    return found


def _labels(name: str) -> Labels:
    namespace, _, own = name.partition("/")
    return name, namespace, own
