"""The chart's dashboard asks for metrics that there are. Nobody has looked at it in Grafana here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from forebay_api.wire import PoolState
from forebay_extproc.telemetry.metrics import Metrics
from forebay_operator.scrape.demand import Demand
from forebay_operator.telemetry.metrics import OperatorMetrics
from forebay_operator.telemetry.pools import PoolView

BOARD = Path(__file__).parents[3] / "charts" / "forebay" / "dashboards" / "forebay.json"
PANELS: list[dict[str, Any]] = json.loads(BOARD.read_text())["panels"]


def published() -> set[str]:
    """The families of operator and data plane."""
    metrics = OperatorMetrics()
    metrics.watch_scraping(lambda: (1, 1.0))
    metrics.watch_clients(list)
    metrics.watch_pools(
        lambda: [PoolView(PoolState(name="ai/small", stale=False, observed_at=1.0), Demand(1.0, 1.0), 1.0)]
    )
    families = re.findall(r"^# TYPE (\S+) ", metrics.page()()[1].decode(), re.MULTILINE)
    return {*families, *_families(Metrics().registry)}


def _families(registry: CollectorRegistry) -> set[str]:
    return {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_metrics_that_are_published(panel: dict[str, Any]) -> None:
    asked = {name for target in panel["targets"] for name in re.findall(r"forebay_\w+", target["expr"])}
    assert asked
    assert {re.sub("_bucket$", "", name) for name in asked} <= published()


def test_panels_do_not_lie_on_each_other() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]
    assert len(places) == len(set(places))
