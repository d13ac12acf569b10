"""Envoy and data plane started while no operator runs, and the operator's return."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from aiohttp import web

from ..upstream import Seen, well
from .cluster import ENVOY, Cluster, Traffic

pytestmark = pytest.mark.envoy


def test_both_start_from_the_last_good_and_go_over_to_the_operator_without_losing_a_request(cluster: Cluster) -> None:
    made = cluster.inputs()
    cluster.keep(made)
    cluster.start_plane("--last-good-dir", str(cluster.last_good))
    cluster.start_envoy("--patience", "1")
    cluster.wait_until(cluster.answers, "a request is answered without an operator")

    answer = cluster.chat("/keyed/v1/chat/completions")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "credential_missing"
    assert "needs a credential that is not available yet" in answer.json()["error"]["message"]

    with Traffic(cluster) as traffic:
        operator = cluster.start_operator(0, leading=True)
        operator.publish(cluster.snapshot(made))
        cluster.wait_until(lambda: cluster.answers("/keyed/v1/chat/completions"), "the credential is back")
        cluster.wait_until(lambda: traffic.count > 5, "requests went on")
    assert traffic.failures == []
    sent = {name: count for (kind, name), count in operator.sent.items() if kind == "envoy" and count}
    assert sent == {"Secret": 1, "Cluster": 1, "ClusterLoadAssignment": 1, "RouteConfiguration": 1}
    assert not {name for (kind, name), count in operator.sent.items() if kind == "dataplane" and count}


def test_an_envoy_that_has_a_configuration_keeps_it_when_the_operator_goes(cluster: Cluster) -> None:
    operator = cluster.start_operator(0, leading=True)
    cluster.start_plane()
    cluster.start_envoy("--patience", "0.5")
    made = cluster.inputs()
    operator.publish(cluster.snapshot(made))
    cluster.wait_until(cluster.answers, "a request is answered")
    cluster.keep(made)
    operator.stop()
    with Traffic(cluster) as traffic:
        cluster.wait_until(lambda: traffic.count > 100, "requests go on")
        assert cluster.answers("/keyed/v1/chat/completions")
    assert traffic.failures == []


def test_a_stop_waits_for_the_request_under_way_and_the_launcher_ends_with_envoys_status(cluster: Cluster) -> None:
    operator = cluster.start_operator(0, leading=True)
    cluster.start_plane()
    cluster.start_envoy("--settle", "0.2")
    operator.publish(cluster.snapshot(cluster.inputs()))
    cluster.wait_until(cluster.answers, "a request is answered")
    before = len(cluster.upstream.seen)

    release = threading.Event()

    async def slowly(request: web.Request, seen: Seen) -> web.StreamResponse:
        cluster.upstream.handler = well  # for those that come after it
        await asyncio.to_thread(release.wait, 60)
        return await well(request, seen)

    cluster.upstream.handler = slowly
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(cluster.chat)
        cluster.wait_until(lambda: len(cluster.upstream.seen) > before, "the request is with the model")
        cluster.process("envoy").send_signal(signal.SIGTERM)
        cluster.wait_until(lambda: cluster.chat().headers.get("connection") == "close", "Envoy drains")
        release.set()
        assert answer.result().status_code == 200
        assert answer.result().headers["connection"] == "close", "and the client knows to go elsewhere"
    assert cluster.process("envoy").wait(60) == 0


def test_a_second_signal_waits_for_nothing(cluster: Cluster) -> None:
    operator = cluster.start_operator(0, leading=True)
    cluster.start_plane()
    cluster.start_envoy("--settle", "60", "--drain", "60")
    operator.publish(cluster.snapshot(cluster.inputs()))
    cluster.wait_until(cluster.answers, "a request is answered")
    cluster.process("envoy").send_signal(signal.SIGTERM)
    cluster.wait_until(lambda: "draining" in cluster.log("envoy"), "it drains")
    assert cluster.end("envoy") == 0


def test_an_envoy_that_fails_ends_the_launcher_with_its_status(cluster: Cluster) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", cluster.admin_port))
        taken.listen()
        cluster.start_envoy()
        assert cluster.process("envoy").wait(60) == 1


def test_others_may_read_readiness_and_metrics_and_nothing_else(cluster: Cluster) -> None:
    cluster.start_envoy()
    base = f"http://127.0.0.1:{cluster.stats_port}"

    def status(path: str, method: str = "GET") -> int | None:
        try:
            return httpx.request(method, f"{base}{path}", trust_env=False).status_code
        except httpx.TransportError:
            return None

    cluster.wait_until(lambda: cluster.stats("^server.live$"), "Envoy runs")
    assert status("/ready") != 200, "it is not ready before it has a configuration"
    operator = cluster.start_operator(0, leading=True)
    cluster.start_plane()
    operator.publish(cluster.snapshot(cluster.inputs()))
    cluster.wait_until(lambda: status("/ready") == 200, f"{ENVOY} is ready")
    assert status("/stats/prometheus") == status("/live") == 200
    for path, method in (
        ("/quitquitquit", "POST"),
        ("/config_dump", "GET"),
        ("/stats", "GET"),
        ("/ready", "POST"),
        ("/live", "POST"),
    ):
        assert status(path, method) == 404, path
