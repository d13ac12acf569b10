"""Status is true, says who is missing, and is written only when something has happened."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .control_plane import ControlPlane
from .installation import Installation, installed
from .kube import Kube, condition_of
from .manifests import policy, pool
from .waiting import wait_until

READY = {"small-0": ("192.0.2.1", {"ready": True})}
IDLE_SECONDS = 60.0
IDLE_POOLS = 100


@pytest.fixture(scope="module")
def kube(own_control_plane: ControlPlane) -> Kube:
    return own_control_plane.kube


@pytest.fixture
def forebay(kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(kube, namespace, tmp_path) as made:
        made.add_operator()
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        port = made.add_server("small-0", "small-model")
        made.service("small", [8000])
        made.slice("small", "small-0", port, READY)
        kube.apply(pool("small") + policy("first", "small"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        yield made


def test_a_replica_that_does_not_acknowledge_is_counted_and_named(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    absent = {"pod-of-nobody": ("192.0.2.77", {"ready": True})}
    forebay.slice("forebay-data-plane", "forebay-data-plane-more", 18001, absent)
    condition = kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed", status="False")
    assert condition["reason"] == "Pending"
    assert "1 of 2 data planes, 1 of 1 Envoy acknowledged" in condition["message"]
    assert "dataplane/pod-of-nobody" in condition["message"]
    ready = condition_of(kube.get("RoutingPolicy", namespace, "first") or {}, "Ready")
    assert ready["status"] == "False"
    # A replica that is being terminated is waited for no longer.
    gone = {"pod-of-nobody": ("192.0.2.77", {"ready": False, "serving": False, "terminating": True})}
    forebay.slice("forebay-data-plane", "forebay-data-plane-more", 18001, gone)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")


def test_nothing_is_programmed_while_there_is_no_envoy(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    forebay.envoys.pop("envoy-0").kill()
    forebay.tell_envoys()
    told = kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed", status="False", seconds=30.0)
    assert "waiting for envoy/(no pod of Service" in told["message"]
    forebay.add_envoy("envoy-1")
    kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed", seconds=30.0)


def test_a_new_replica_that_is_not_ready_yet_moves_no_status(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    before = kube.get("RoutingPolicy", namespace, "first") or {}
    coming = {"dp-1": ("192.0.2.77", {"ready": False, "serving": False})}
    forebay.slice("forebay-data-plane", "forebay-data-plane-more", 18001, coming)
    time.sleep(7.0)
    after = kube.get("RoutingPolicy", namespace, "first") or {}
    assert before["status"]["conditions"] == after["status"]["conditions"]


def test_a_change_moves_no_other_objects_status_and_transition_times_move_on_transitions_only(
    forebay: Installation,
) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(policy("second", "small", host="second.example.com"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "second", "Ready")
    first = kube.get("RoutingPolicy", namespace, "first") or {}
    accepted = condition_of(kube.get("RoutingPolicy", namespace, "second") or {}, "Accepted")
    time.sleep(1.1)
    kube.apply(policy("second", "small", host="other.example.com"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "second", "Programmed")
    assert (kube.get("RoutingPolicy", namespace, "first") or {})["metadata"]["resourceVersion"] == first["metadata"][
        "resourceVersion"
    ]
    later = condition_of(kube.get("RoutingPolicy", namespace, "second") or {}, "Accepted")
    assert later["lastTransitionTime"] == accepted["lastTransitionTime"]
    assert later["observedGeneration"] == accepted["observedGeneration"] + 1


def test_what_breaks_one_policy_shows_there_and_stops_no_other(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    broken = policy(
        "broken",
        "small",
        host="broken.example.com",
        extra="  rules: [{name: typo, when: signals.cod.matched, use: only}]\n",
    )
    kube.apply(broken + policy("second", "small", host="second.example.com"), namespace=namespace)
    condition = kube.wait_condition("RoutingPolicy", namespace, "broken", "Accepted", status="False")
    assert "spec.rules[0].when: 1:12" in condition["message"]
    kube.wait_condition("RoutingPolicy", namespace, "second", "Ready")


def test_two_policies_on_one_host_the_older_wins_and_the_other_names_it(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    time.sleep(1.1)  # creation times count in seconds
    kube.apply(policy("a-late-one", "small"), namespace=namespace)
    condition = kube.wait_condition("RoutingPolicy", namespace, "a-late-one", "Accepted", status="False")
    assert condition["reason"] == "Conflicted"
    assert f"{namespace}/first" in condition["message"]
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    kube.delete("RoutingPolicy", namespace, "first")
    kube.wait_condition("RoutingPolicy", namespace, "a-late-one", "Ready")


def test_kubectl_wait_judges_health_without_a_plug_in(forebay: Installation) -> None:
    names = ("routingpolicy/first", "modelpool/small")
    forebay.kube.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "-n", forebay.namespace, *names)
    shown = forebay.kube.kubectl("get", "routingpolicies,modelpools", "-n", forebay.namespace).stdout
    assert "True" in shown


def requests_of(kube: Kube) -> dict[str, float]:
    """Writes that the API server has counted, by verb and resource, but for Leases."""
    page = kube.http.get("/metrics").text
    found: dict[str, float] = {}
    for line in page.splitlines():
        if line.startswith("apiserver_request_total{"):
            labels, _, value = line.rpartition(" ")
            parts = dict(
                part.split("=", 1) for part in labels[len("apiserver_request_total{") : -1].split(",") if "=" in part
            )
            verb, resource = parts["verb"].strip('"'), parts["resource"].strip('"')
            if verb in ("POST", "PUT", "PATCH", "APPLY", "DELETE") and resource != "leases":
                found[f"{verb} {resource}"] = found.get(f"{verb} {resource}", 0.0) + float(value)
    return found


def test_a_hundred_idle_pools_cost_no_write_in_a_minute(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    port = forebay.servers["small-0"].argv[forebay.servers["small-0"].argv.index("--port") + 1]
    for number in range(IDLE_POOLS):
        forebay.service(f"pool-{number}", [8000])
        forebay.slice(f"pool-{number}", f"pool-{number}-0", int(port), READY)
    kube.apply("".join(pool(f"pool-{number}") for number in range(IDLE_POOLS)), namespace=namespace)
    for number in range(IDLE_POOLS):
        kube.wait_condition("ModelPool", namespace, f"pool-{number}", "Ready", seconds=60.0)
    # Settled: the last-good copy and the loads are written within half a minute.
    steady = requests_of(kube)

    def settled() -> bool:
        nonlocal steady
        time.sleep(5.0)
        before, steady = steady, requests_of(kube)
        return before == steady

    wait_until(settled, "nothing is left to write", 120.0)
    wait_until(settled, "nothing is left to write", 120.0)
    before = requests_of(kube)
    time.sleep(IDLE_SECONDS)
    after = requests_of(kube)
    assert before == after, {key: after[key] - before.get(key, 0.0) for key in after if after[key] != before.get(key)}
