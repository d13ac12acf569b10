"""What the metrics say, in the format that Prometheus reads."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from forebay_api.wire import PoolState
from forebay_operator.resources import Resource
from forebay_operator.scrape.demand import UNKNOWN_DEMAND, Demand
from forebay_operator.telemetry.families import Count
from forebay_operator.telemetry.metrics import OperatorMetrics
from forebay_operator.telemetry.pools import PoolView
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.messages import Offer, Response
from forebay_operator.xds.type_urls import CLUSTER

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def metrics() -> OperatorMetrics:
    return OperatorMetrics()


def shown(metrics: OperatorMetrics) -> Series:
    kind, text = metrics.page()()
    assert kind.startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def one(series: Series, name: str, **labels: str) -> float | None:
    return series.get((name, frozenset(labels.items())))


def pool(name: str = "ai/small", demand: Demand = UNKNOWN_DEMAND, **members: Any) -> PoolView:
    known: dict[str, Any] = {"ready": 1, "total": 2, "queued": 4, "running": 8, "stale": False, "observed_at": 5.0}
    return PoolView(PoolState(name=name, **(known | members)), demand, 2.5)


OF_SMALL = {"pool": "ai/small", "pool_namespace": "ai", "pool_name": "small"}


def test_a_pools_load_demand_and_endpoints_are_shown(metrics: OperatorMetrics) -> None:
    metrics.watch_pools(lambda: [pool(demand=Demand(400.0, 600.0), kv_cache_utilization=0.5, saturated=True)])
    series = shown(metrics)
    assert one(series, "forebay_pool_queued", **OF_SMALL) == 4
    assert one(series, "forebay_pool_running", **OF_SMALL) == 8
    assert one(series, "forebay_pool_kv_cache_utilization", **OF_SMALL) == 0.5
    assert one(series, "forebay_pool_endpoints", **OF_SMALL, state="ready") == 1
    assert one(series, "forebay_pool_endpoints", **OF_SMALL, state="unready") == 1
    assert one(series, "forebay_pool_saturated", **OF_SMALL) == 1
    assert one(series, "forebay_pool_tokens_per_second", **OF_SMALL) == 400
    assert one(series, "forebay_pool_tokens_per_second_wanted", **OF_SMALL) == 600
    assert one(series, "forebay_pool_scrape_interval_seconds", **OF_SMALL) == 2.5


@pytest.mark.parametrize("members", [{"stale": True}, {"observed_at": None}])
def test_a_load_that_nobody_knows_is_no_number(metrics: OperatorMetrics, members: dict[str, object]) -> None:
    metrics.watch_pools(lambda: [pool(demand=Demand(400.0, 600.0), **members)])
    series = shown(metrics)
    assert one(series, "forebay_pool_queued", **OF_SMALL) is None
    assert one(series, "forebay_pool_tokens_per_second_wanted", **OF_SMALL) is None
    assert one(series, "forebay_pool_endpoints", **OF_SMALL, state="ready") == 1


def test_what_was_sent_is_counted_by_client_and_type(metrics: OperatorMetrics) -> None:
    offers = tuple(Offer(name, Resource(name, CLUSTER, b"12345")) for name in ("a", "b"))
    metrics.sent(Kind.ENVOY, Response(CLUSTER, "1", offers, ("gone",)))
    metrics.sent(Kind.ENVOY, Response("type.googleapis.com/of.a.stranger.Thing", "2"))
    series = shown(metrics)
    assert one(series, "forebay_xds_resources_sent_total", client="envoy", type="Cluster") == 2
    assert one(series, "forebay_xds_bytes_sent_total", client="envoy", type="Cluster") == 10
    assert one(series, "forebay_xds_resources_removed_total", client="envoy", type="Cluster") == 1
    assert one(series, "forebay_xds_responses_total", client="envoy", type="other") == 1


def test_scrapes_reconciles_writes_and_the_lead_are_counted(metrics: OperatorMetrics) -> None:
    metrics.scraped("Read", 0.004)
    metrics.reconciled(0.02)
    metrics.reconciled(0.02, failed=True)
    metrics.status_written("ModelPool", "written")
    metrics.gateway_written("httproutes", "refused")
    metrics.lead(True)
    series = shown(metrics)
    assert one(series, "forebay_scrapes_total", outcome="Read") == 1
    assert one(series, "forebay_scrape_seconds_bucket", le="0.005") == 1
    assert one(series, "forebay_scrape_seconds_count") == 1
    assert one(series, "forebay_reconciles_total", result="published") == 1
    assert one(series, "forebay_reconciles_total", result="failed") == 1
    assert one(series, "forebay_status_writes_total", kind="ModelPool", result="written") == 1
    assert one(series, "forebay_gateway_writes_total", kind="httproutes", result="refused") == 1
    assert one(series, "forebay_leader") == 1


def test_a_gauge_of_somebody_else_is_read_when_somebody_looks(metrics: OperatorMetrics) -> None:
    clients = {("envoy",): 1.0}
    metrics.watch("forebay_xds_clients", "Who is connected.", ("kind",), lambda: clients)
    clients[("dataplane",)] = 2.0
    assert one(shown(metrics), "forebay_xds_clients", kind="dataplane") == 2


def test_the_budgets_stretch_and_the_clients_are_shown(metrics: OperatorMetrics) -> None:
    metrics.watch_scraping(lambda: (200, 2.5))
    metrics.watch_clients(lambda: [Kind.ENVOY, Kind.ENVOY])
    series = shown(metrics)
    assert one(series, "forebay_scrape_endpoints") == 200
    assert one(series, "forebay_scrape_interval_stretch") == 2.5
    assert one(series, "forebay_xds_clients", client="envoy") == 2
    assert one(series, "forebay_xds_clients", client="dataplane") == 0


def test_what_is_frozen_does_not_move_while_it_is_rendered(metrics: OperatorMetrics) -> None:
    render = metrics.page()
    metrics.scraped("Read", 0.1)
    assert b'forebay_scrapes_total{outcome="Read"}' not in render()[1]


def test_the_operator_says_what_it_uses(metrics: OperatorMetrics) -> None:
    assert (one(shown(metrics), "process_resident_memory_bytes") or 0) > 0


def test_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_operator.telemetry.families.MAX_SERIES", 3)
    count = Count("x", "x", ("word",))
    for word in range(10):
        count.add((str(word),))
    assert len(list(count.freeze().samples)) == 3


def test_a_thousand_pools_are_frozen_in_little_time(metrics: OperatorMetrics) -> None:
    views = [pool(f"ai/pool-{n}") for n in range(1000)]
    metrics.watch_pools(lambda: views)
    began = time.thread_time()
    render = metrics.page()
    assert time.thread_time() - began < 0.25
    assert len(render()[1]) > 100_000
