"""A pool's load on its way to the API server and to Prometheus: true, and written seldom."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from .installation import Installation, installed
from .kube import Kube
from .process import Process
from .waiting import free_port, wait_until

SEATS: Final = 2
POOL: Final = """
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {{name: small}}
spec:
  backend: {{addresses: [{{host: 127.0.0.1, port: {port}}}]}}
  models: [{{name: made-up}}]
  telemetry: {{engine: vLLM, interval: 200ms, staleAfter: 30s}}
  saturation: {{queueDepth: 3}}
"""


@pytest.fixture
def forebay(kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(kube, namespace, tmp_path) as made:
        yield made


@pytest.fixture
def server(binary: Callable[[str], Path], forebay: Installation) -> int:
    """Port of a simulated vLLM with two seats; it ends with the installation."""
    port = free_port()
    argv = [
        binary("llm-d-inference-sim"),
        *("--model", "made-up", "--port", str(port), "--max-num-seqs", str(SEATS)),
        *("--time-to-first-token", "100ms", "--inter-token-latency", "20ms"),
    ]
    forebay.servers["sim"] = Process(argv, forebay.folder / "sim.log")
    forebay.servers["sim"].start()
    return port


class Load:
    """So many callers at once, one request after the other, until it is left."""

    def __init__(self, port: int, callers: int) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/completions"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _call(self) -> None:
        body = {"model": "made-up", "prompt": "Go on.", "max_tokens": 30, "ignore_eos": True}
        while not self._over.is_set():
            httpx.post(self._url, json=body, timeout=30, trust_env=False).raise_for_status()


class Pool:
    """What is said of the one pool, in status and in metrics."""

    def __init__(self, forebay: Installation) -> None:
        self._forebay = forebay

    def status(self) -> dict[str, Any]:
        found = self._forebay.kube.get("ModelPool", self._forebay.namespace, "small")
        assert found is not None
        return dict(found.get("status", {}))

    def condition(self, kind: str) -> dict[str, str]:
        return next((c for c in self.status().get("conditions", []) if c["type"] == kind), {})

    def metric(self, name: str, **labels: str) -> float | None:
        for family in text_string_to_metric_families(self._forebay.metrics(0)):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    def writes(self) -> float:
        """Of its load alone: a transition is written at once, and told by one Event each."""
        written = self.metric("forebay_status_writes_total", kind="ModelPool", result="written") or 0.0
        return written - (self.metric("forebay_events_total", result="posted") or 0.0)

    def settled_writes(self) -> float:
        """Once what is already in the status is counted: a write is counted when its answer is back, its Event later."""

        def twice() -> tuple[float] | None:
            before = self.writes()
            time.sleep(1.0)
            return (before,) if self.writes() == before else None

        return wait_until(twice, "writes that have been counted")[0]

    def demand(self) -> tuple[float, float]:
        """Tokens a second: served, and wanted. As of one look."""
        told = dict.fromkeys(("forebay_pool_tokens_per_second", "forebay_pool_tokens_per_second_wanted"), 0.0)
        for family in text_string_to_metric_families(self._forebay.metrics(0)):
            told |= {sample.name: float(sample.value) for sample in family.samples if sample.name in told}
        served, wanted = told.values()
        return served, wanted


def test_load_reaches_status_and_metrics_and_is_written_seldom(forebay: Installation, server: int) -> None:
    forebay.kube.apply(POOL.format(port=server), namespace=forebay.namespace)
    forebay.add_operator()
    pool = Pool(forebay)
    wait_until(lambda: pool.status().get("load", {}).get("running") == 0, "a first load in the status", 60)
    assert pool.status()["endpoints"] == {"ready": 1, "total": 1}

    with Load(server, callers=SEATS + 8):
        wait_until(lambda: pool.metric("forebay_pool_running") == SEATS, "running requests in the metrics")
        wait_until(lambda: pool.condition("Saturated").get("reason") == "QueueDepth", "a saturated pool")
        wait_until(lambda: pool.status()["load"]["queued"] >= 3, "the queue in the status", 20)
        before, began = pool.settled_writes(), time.monotonic()

        def more_is_wanted() -> bool:
            served, wanted = pool.demand()
            return wanted > 1.5 * served > 0

        wait_until(more_is_wanted, "a demand for half as much again as is served")
        time.sleep(max(0.0, began + 16 - time.monotonic()))
        assert pool.writes() - before <= 1 + (time.monotonic() - began) / 15

    wait_until(lambda: pool.condition("Saturated").get("status") == "False", "a pool that takes work again")
    wait_until(lambda: pool.metric("forebay_pool_queued") == 0, "an empty queue in the metrics")
    wait_until(lambda: pool.status()["load"]["running"] == 0, "an idle pool in the status", 20)
    idle = pool.settled_writes()
    time.sleep(8)
    assert pool.writes() == idle
