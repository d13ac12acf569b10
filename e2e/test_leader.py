"""Two operators: one leads, the other is ready to. Whatever becomes of them, requests are served."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from .installation import Installation, installed
from .kube import Kube, condition_of
from .load import under_load
from .manifests import policy, pool
from .waiting import wait_until

TAKEOVER_SECONDS = 15.0


@pytest.fixture
def forebay(kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(kube, namespace, tmp_path) as made:
        made.add_operator()
        made.wait_leader()
        made.add_operator()
        made.add_data_plane("dp-0", port=made.data_plane_port)
        made.add_envoy("envoy-0")
        port = made.add_server("small-0", "small-model")
        made.service("small", [8000])
        made.slice("small", "small-0", port, {"small-0": ("192.0.2.1", {"ready": True})})
        kube.apply(pool("small") + policy("first", "small"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        kube.wait_condition("ModelPool", namespace, "small", "Ready")
        made.wait_served("hello")
        wait_until(lambda: made.revision(1) == made.revision(0), "the standby has judged the same")
        yield made


def statuses(forebay: Installation) -> list[Any]:
    kube, namespace = forebay.kube, forebay.namespace
    policy_ = kube.get("RoutingPolicy", namespace, "first") or {}
    pool_ = kube.get("ModelPool", namespace, "small") or {}
    return [policy_["status"], pool_["status"]["conditions"]]


def sent(forebay: Installation, number: int) -> dict[str, float]:
    page = forebay.metrics(number)
    lines = [line for line in page.splitlines() if line.startswith("forebay_xds_resources_sent_total")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if "PoolState" not in line}


def writes(forebay: Installation, number: int) -> float:
    """Statuses that an operator has written."""
    lines = [line for line in forebay.metrics(number).splitlines() if line.startswith("forebay_status_writes_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if 'result="written"' in line)


def health(forebay: Installation, number: int) -> str:
    """What an operator says of itself on gRPC health, for xDS."""
    with grpc.insecure_channel(f"127.0.0.1:{forebay.operator_ports[number]}") as channel:
        asked = health_pb2.HealthCheckRequest(service="envoy.service.discovery.v3.AggregatedDiscoveryService")
        answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=10.0)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def test_the_leader_says_that_it_serves_and_the_standby_that_it_does_not(forebay: Installation) -> None:
    first = forebay.wait_leader()
    assert health(forebay, first) == "SERVING"
    assert health(forebay, 1 - first) == "NOT_SERVING"
    ready = httpx.get(f"http://127.0.0.1:{forebay.metrics_ports[1 - first]}/readyz", timeout=30.0, trust_env=False)
    assert ready.status_code == 200, "its picture is warm"
    forebay.operators[first].stop()
    wait_until(lambda: health(forebay, 1 - first) == "SERVING", "it serves")


def test_the_standby_takes_over_within_15_s_and_nobody_notices(forebay: Installation) -> None:
    first = forebay.wait_leader()
    second = 1 - first
    before = statuses(forebay)
    with under_load(lambda: forebay.ask("hello")) as load:
        started = time.monotonic()
        forebay.operators[first].kill()
        wait_until(lambda: forebay.leader() == second, "the standby leads", TAKEOVER_SECONDS, pause=0.02)
        took = time.monotonic() - started
        wait_until(lambda: "forebay_leader 1" in forebay.metrics(second), "it says so")
        # The planes find the new leader, and have all that it has.
        time.sleep(12.0)
    assert took < TAKEOVER_SECONDS
    assert not load.failed, f"{load.failed}: {load.last}"
    assert statuses(forebay) == before, "no status has flapped"
    assert sent(forebay, second) == {}, "nothing was sent again"
    # And it does lead: an edit is served and told.
    forebay.kube.apply(policy("first", "small", extra="  maxRequestBytes: 1Mi\n"), namespace=forebay.namespace)
    forebay.kube.wait_condition("RoutingPolicy", forebay.namespace, "first", "Programmed")


def test_a_leader_that_is_told_to_stop_hands_over_at_once(forebay: Installation) -> None:
    first = forebay.wait_leader()
    assert forebay.operators[first].stop() == 0
    assert forebay.leader() != first, "it has given up the Lease, which nobody has to wait for any more"
    wait_until(lambda: forebay.leader() == 1 - first, "the standby leads", pause=0.02)


def test_an_operator_that_cannot_reach_the_api_server_stops_leading(
    forebay: Installation,
) -> None:
    """Suspended, it cannot renew; woken up, it finds another leader and stands by."""
    import signal

    kube, namespace, first = forebay.kube, forebay.namespace, forebay.wait_leader()
    written = writes(forebay, first)
    forebay.operators[first].signal(signal.SIGSTOP)
    kube.apply(policy("first", "small", extra="  maxRequestBytes: 2Mi\n"), namespace=namespace)
    wait_until(lambda: forebay.leader() == 1 - first, "the standby leads")
    # A data plane notices by keepalive, within 15 s, that nobody answers any more; it serves what it had meanwhile.
    kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed", seconds=40)
    forebay.operators[first].signal(signal.SIGCONT)
    wait_until(lambda: "forebay_leader 0" in forebay.metrics(first), "the former leader stands by")
    wait_until(lambda: forebay.revision(first) == forebay.revision(1 - first), "it has judged the edit as well")
    assert writes(forebay, first) == written, "whoever does not lead writes nothing"
    assert forebay.leader() == 1 - first
    assert (
        condition_of(forebay.kube.get("RoutingPolicy", forebay.namespace, "first") or {}, "Ready")["status"] == "True"
    )


def test_planes_start_from_the_last_good_while_no_operator_runs(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    mounted = forebay.mount_last_good()
    wait_until(lambda: f"{namespace}/first".encode() in forebay.last_good(), "the last good is kept", pause=0.5)
    for operator in forebay.operators:
        operator.kill()
    for process, _ in forebay.data_planes.values():
        process.kill()
    for envoy in forebay.envoys.values():
        envoy.kill()
    forebay.data_planes.clear()
    forebay.envoys.clear()
    forebay.add_data_plane("dp-1", "--last-good-dir", mounted, port=forebay.data_plane_port, tell=False)
    forebay.launch_envoy("envoy-1", mounted)
    answer = forebay.wait_served("hello", seconds=60.0)
    assert answer.headers["x-forebay-pool"] == f"{namespace}/small"
    # The operator comes back, and the planes follow it again.
    kube.delete("EndpointSlice", namespace, "forebay-data-plane-dp-0")
    forebay.operators[0].start()
    wait_until(lambda: forebay.leader() == 0, "it leads")
    forebay.tell_data_planes()
    forebay.tell_envoys()
    kube.apply(policy("second", "small", host="second.example.com"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "second", "Programmed", seconds=60.0)
