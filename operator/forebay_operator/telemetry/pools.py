"""What the metrics say of pools: one series a pool and measure, for dashboards and autoscalers.

A pool whose state is stale has no load here: an autoscaler leaves alone what it has no number for, and would act on a
number that is wrong. `pool` is ``namespace/name``, as in the data plane's metrics; its parts are labels of their own,
because a label selector cannot hold the slash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from prometheus_client.core import Metric

from forebay_api.wire import PoolState
from forebay_operator.scrape.demand import Demand
from forebay_operator.telemetry.families import gauge

LABELS: Final = ("pool", "pool_namespace", "pool_name")


class PoolView(msgspec.Struct, frozen=True):
    """One pool as it is told: its state, its demand, and the seconds from one scrape of an endpoint to the next (None
    where nothing is scraped)."""

    state: PoolState
    demand: Demand
    interval: float | None


_STATE: Final[tuple[tuple[str, str, Callable[[PoolState], float]], ...]] = (
    ("forebay_pool_queued", "Requests that wait in the pool's servers.", lambda state: state.queued),
    ("forebay_pool_running", "Requests that the pool's servers work on.", lambda state: state.running),
    (
        "forebay_pool_kv_cache_utilization",
        "Mean KV-cache use over ready endpoints, in [0,1].",
        lambda state: state.kv_cache_utilization,
    ),
)


def pool_families(views: Iterable[PoolView]) -> list[Metric]:
    """The families of all pools."""
    known = [(_labels(view.state.name), view) for view in views]
    read = [(labels, view) for labels, view in known if not view.state.stale and view.state.observed_at is not None]
    endpoints = {}
    for labels, view in known:
        endpoints[(*labels, "ready")] = float(view.state.ready)
        endpoints[(*labels, "unready")] = float(view.state.total - view.state.ready)
    return [
        *(gauge(name, help_, LABELS, {key: of(view.state) for key, view in read}) for name, help_, of in _STATE),
        gauge("forebay_pool_endpoints", "Endpoints by whether they take traffic.", (*LABELS, "state"), endpoints),
        gauge(
            "forebay_pool_in_flight",
            "Requests of the pool that the data planes have under way.",
            *(LABELS, {key: float(view.state.in_flight) for key, view in known}),
        ),
        gauge(
            "forebay_pool_saturated",
            "1 while the pool takes no more work.",
            *(LABELS, {key: float(view.state.saturated) for key, view in known}),
        ),
        gauge(
            "forebay_pool_stale",
            "1 while the pool's load is unknown or too old to count.",
            *(LABELS, {key: float(view.state.stale) for key, view in known}),
        ),
        gauge(
            "forebay_pool_tokens_per_second",
            "Prompt and generated tokens that the pool's servers process, a mean of about a minute.",
            *(LABELS, {key: view.demand.served for key, view in read if view.demand.served is not None}),
        ),
        gauge(
            "forebay_pool_tokens_per_second_wanted",
            "What it would be if waiting requests were worked on at the speed of running ones.",
            *(LABELS, {key: view.demand.wanted for key, view in read if view.demand.wanted is not None}),
        ),
        gauge(
            "forebay_pool_scrape_interval_seconds",
            "Time from one scrape of an endpoint to the next, as stretched by the budget.",
            *(LABELS, {key: view.interval for key, view in known if view.interval is not None}),
        ),
    ]


def _labels(name: str) -> tuple[str, str, str]:
    namespace, _, own = name.partition("/")
    return name, namespace, own
