"""What goes wrong around the operator leaves nothing wrong behind: after each fault it publishes what a fresh start would,
has written nothing else, and requests went on being served."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from .aftermath import same_as_fresh, statuses_written, writes
from .control_plane import ControlPlane
from .installation import Installation, installed
from .kube import Kube
from .load import under_load
from .manifests import policy, pool
from .scale.world import write as write_all
from .waiting import wait_until

BURST = 200
BREAKABLE = """
from pathlib import Path
from forebay_operator import core
from forebay_operator.__main__ import main

prepare = core.Core.prepare

def breakable(*given):
    if Path({!r}).exists():
        raise RuntimeError("no room")
    return prepare(*given)

core.Core.prepare = breakable
main()
"""
"""An operator that can be broken."""
READY = {"small-0": ("192.0.2.1", {"ready": True})}


@pytest.fixture
def forebay(own_control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(own_control_plane.kube, namespace, tmp_path) as made:
        made.add_operator()
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        port = made.add_server("small-0", "small-model")
        for name in ("small", "other"):
            made.service(name, [8000])
            made.slice(name, f"{name}-0", port, READY)
        made.kube.apply(pool("small") + policy("first", "small"), namespace=namespace)
        made.kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        made.kube.wait_condition("ModelPool", namespace, "small", "Ready")
        made.wait_served("hello")
        yield made


@pytest.fixture(scope="module")
def kube(own_control_plane: ControlPlane) -> Kube:
    return own_control_plane.kube


def test_the_api_server_is_killed_and_comes_back(own_control_plane: ControlPlane, forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    before, since = forebay.revision(0), len(own_control_plane.audit())
    with under_load(lambda: forebay.ask("hello")) as load:
        own_control_plane.restart_apiserver(down_seconds=12.0)
        wait_until(
            lambda: forebay.leader() is not None and "forebay_leader 1" in forebay.metrics(0), "it leads again", 60.0
        )
        time.sleep(3.0)
    assert not load.failed, f"{load.failed}: {load.last}"
    assert forebay.revision(0) == before
    assert writes(own_control_plane, since) == []
    kube.apply(pool("other") + policy("second", "other", host="second.example.com"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "second", "Programmed")
    same_as_fresh(forebay)


@pytest.mark.parametrize("seconds", [5.0, 9.0])
def test_etcd_restarts(own_control_plane: ControlPlane, forebay: Installation, seconds: float) -> None:
    """Away for 5 s the Lease may be renewed in time or not, away for 9 s it is lost: either moves no status."""
    before, since = forebay.revision(0), len(own_control_plane.audit())
    with under_load(lambda: forebay.ask("hello")) as load:
        own_control_plane.restart_etcd(down_seconds=seconds)
        wait_until(lambda: "forebay_leader 1" in forebay.metrics(0), "it leads", 60.0)
        time.sleep(3.0)
    assert not load.failed, f"{load.failed}: {load.last}"
    assert forebay.revision(0) == before
    assert writes(own_control_plane, since) == []
    same_as_fresh(forebay)


def test_a_watch_expires_and_what_happened_meanwhile_is_seen(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    """410 Gone; one object was deleted, one changed and one made while nobody watched."""
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(pool("other") + policy("second", "other", host="second.example.com"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "second", "Ready")
    kube.wait_condition("ModelPool", namespace, "other", "Ready")
    since = len(own_control_plane.audit())
    forebay.operators[0].signal(signal.SIGSTOP)
    kube.delete("RoutingPolicy", namespace, "second")
    kube.apply(policy("third", "other", host="third.example.com"), namespace=namespace)
    kube.apply(policy("first", "small", extra="  maxRequestBytes: 2Mi\n"), namespace=namespace)
    own_control_plane.expire_watches()
    forebay.operators[0].signal(signal.SIGCONT)
    kube.wait_condition("RoutingPolicy", namespace, "third", "Programmed", seconds=60.0)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed")
    touched = {f"routingpolicies/{name}" for name in ("first", "second", "third")}
    assert statuses_written(own_control_plane, since) <= touched
    same_as_fresh(forebay)


def test_another_writer_of_status_is_corrected_once_and_makes_no_conflict(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    since = len(own_control_plane.audit())
    stored = kube.get("RoutingPolicy", namespace, "first") or {}
    wrong: list[dict[str, Any]] = [dict(c, status="False", reason="Invalid") for c in stored["status"]["conditions"]]
    kube.patch("RoutingPolicy", namespace, "first", {"status": {"conditions": wrong}}, status=True)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    time.sleep(2.0)
    told = [entry for entry in writes(own_control_plane, since) if "status" in entry]
    assert told == ["patch routingpolicies/first status"]
    same_as_fresh(forebay)


def test_an_object_that_is_deleted_in_the_middle_of_a_reconcile_leaves_nothing(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    kube, namespace, since = forebay.kube, forebay.namespace, len(own_control_plane.audit())
    for turn in range(10):
        kube.apply(policy("brief", "small", host="brief.example.com"), namespace=namespace)
        time.sleep(0.02 * turn)
        kube.delete("RoutingPolicy", namespace, "brief")
    same_as_fresh(forebay)
    assert kube.get("RoutingPolicy", namespace, "brief") is None
    assert statuses_written(own_control_plane, since) <= {"routingpolicies/brief"}
    assert forebay.wait_served("hello").status_code == 200


def test_a_policy_may_name_a_pool_that_comes_later(own_control_plane: ControlPlane, forebay: Installation) -> None:
    kube, namespace, since = forebay.kube, forebay.namespace, len(own_control_plane.audit())
    kube.apply(policy("early", "other", host="early.example.com"), namespace=namespace)
    refs = kube.wait_condition("RoutingPolicy", namespace, "early", "ResolvedRefs", status="False")
    assert refs["reason"] == "PoolNotFound"
    assert "other" in refs["message"]
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    kube.apply(pool("other"), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "early", "Ready")
    assert statuses_written(own_control_plane, since) == {"routingpolicies/early", "modelpools/other"}
    same_as_fresh(forebay)


def test_a_pool_in_use_that_is_deleted_serves_until_no_policy_names_it(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    kube, namespace, since = forebay.kube, forebay.namespace, len(own_control_plane.audit())
    with under_load(lambda: forebay.ask("hello")) as load:
        kube.delete("ModelPool", namespace, "small")
        refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
        assert refs["reason"] == "PoolNotFound"
        time.sleep(1.0)
        kube.apply(pool("other") + policy("first", "other"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        time.sleep(1.0)
    wrong = {answer: count for answer, count in load.failed.items() if answer != "404"}
    assert not wrong, f"{wrong}: {load.last}"
    assert statuses_written(own_control_plane, since) == {"routingpolicies/first", "modelpools/other"}
    same_as_fresh(forebay)


def test_names_of_the_greatest_length_and_text_in_any_script_are_served(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    kube, namespace, since = forebay.kube, forebay.namespace, len(own_control_plane.audit())
    long = "n" * 63
    forebay.service(long, [8000])
    forebay.slice(long, f"{long}-0", forebay.data_plane_port, {"pod": ("192.0.2.1", {"ready": True})})
    name = "p" * 63
    text = "Bitte nicht – 不可以 🚫 لا"
    manifest = pool(name).replace(f"name: {name}, port", f"name: {long}, port").replace(f"{name}-model", "m" * 128)
    extra = f"""  signals: [{{name: polite, keyword: {{any: ["{text}", "s'il vous plaît"]}}}}]
  rules: [{{name: refuse, when: signals.polite.matched, reject: {{message: "{text}"}}}}]
"""
    kube.apply(manifest + policy(name, name, host="long.example.com", extra=extra), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, name, "Programmed")
    answer = forebay.ask(f"so: {text}", host="long.example.com")
    assert answer.status_code == 403, answer.text
    assert text in answer.json()["error"]["message"]
    assert statuses_written(own_control_plane, since) == {f"routingpolicies/{name}", f"modelpools/{name}"}
    same_as_fresh(forebay)


def test_a_burst_of_changes_makes_few_publications(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    manifest = yaml.safe_load(policy("burst-0", "small", host="burst-0.example.com"))
    copies = [
        manifest
        | {
            "metadata": {"name": f"burst-{n}"},
            "spec": manifest["spec"] | {"attach": {"hostnames": [f"burst-{n}.example.com"]}},
        }
        for n in range(BURST)
    ]
    asyncio.run(write_all(kube, namespace, copies))
    for name in (f"burst-{n}" for n in range(BURST)):
        kube.wait_condition("RoutingPolicy", namespace, name, "Programmed", seconds=120.0)
    published = [line for line in forebay.metrics(0).splitlines() if line.startswith("forebay_reconciles_total")]
    assert sum(float(line.rpartition(" ")[2]) for line in published) < BURST / 2, published
    same_as_fresh(forebay)


def test_a_refused_policy_is_served_in_its_last_good_version_also_by_an_operator_that_starts(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    kube, namespace, since = forebay.kube, forebay.namespace, len(own_control_plane.audit())
    wait_until(lambda: first_is_kept(forebay), "the policy is kept", pause=0.5)
    typo = "  rules: [{name: typo, when: signals.cod.matched, use: only}]\n"
    kube.apply(policy("first", "small", extra=typo), namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Stalled")
    revision = forebay.revision(0)
    with under_load(lambda: forebay.ask("hello")) as load:
        assert forebay.operators[0].stop() == 0
        forebay.operators[0].start()
        wait_until(lambda: forebay.revision(0), "it has judged everything", 30.0)
        time.sleep(3.0)
    assert not load.failed, f"{load.failed}: {load.last}"
    assert forebay.revision(0) == revision
    stalled = kube.wait_condition("RoutingPolicy", namespace, "first", "Stalled")
    assert stalled["message"].endswith("the last good version is served")
    assert statuses_written(own_control_plane, since) <= {"routingpolicies/first"}


def test_an_error_of_ours_that_no_object_causes_is_said_of_what_changes_and_passes(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    """The operator is started anew, such that it can reconcile nothing while a file is there."""
    kube, namespace, operator = forebay.kube, forebay.namespace, forebay.operators[0]
    broken = forebay.folder / "broken"
    operator.stop()
    operator.argv = [operator.argv[0], "-c", BREAKABLE.format(str(broken)), *operator.argv[3:]]
    operator.start()
    wait_until(lambda: forebay.revision(0) and "forebay_leader 1" in forebay.metrics(0), "it leads")
    since = len(own_control_plane.audit())
    with under_load(lambda: forebay.ask("hello")) as load:
        broken.touch()
        kube.apply(policy("first", "small", extra="  maxRequestBytes: 3Mi\n"), namespace=namespace)
        said = kube.wait_condition("RoutingPolicy", namespace, "first", "Accepted", status="Unknown")
        assert "cannot reconcile anything: RuntimeError: no room" in said["message"]
        assert "forebay_reconcile_failing 1" in forebay.metrics(0)
        ready = httpx.get(f"http://127.0.0.1:{forebay.metrics_ports[0]}/readyz", timeout=30.0, trust_env=False)
        assert ready.status_code == 200, "what was published is served"
        broken.unlink()
        kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        assert "forebay_reconcile_failing 0" in forebay.metrics(0)
    assert not load.failed, f"{load.failed}: {load.last}"
    assert statuses_written(own_control_plane, since) == {"routingpolicies/first"}
    same_as_fresh(forebay)


def test_a_part_of_the_kept_copy_that_somebody_deletes_comes_back_and_nothing_else_is_written(
    own_control_plane: ControlPlane, forebay: Installation
) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    wait_until(lambda: first_is_kept(forebay), "the policy is kept", pause=0.5)
    before = _kept(kube, namespace)
    since = len(own_control_plane.audit())
    kube.kubectl("delete", "configmap", "-n", namespace, "forebay-last-good-1")
    wait_until(lambda: _kept(kube, namespace) == before, "it is whole again", 120.0, pause=1.0)
    written = [
        f"{event['verb']} {event['objectRef'].get('name')}"
        for event in own_control_plane.audit()[since:]
        if event.get("objectRef", {}).get("resource") == "configmaps" and event["verb"] == "patch"
    ]
    assert written == ["patch forebay-last-good-1", "patch forebay-last-good-0"]
    assert statuses_written(own_control_plane, since) == set()


def _kept(kube: Kube, namespace: str) -> dict[str, dict[str, str]]:
    """The ConfigMaps of the kept copy, and what is in them."""
    stored = kube.list("ConfigMap", namespace)
    return {s["metadata"]["name"]: s["binaryData"] for s in stored if "-last-good-" in s["metadata"]["name"]}


def first_is_kept(forebay: Installation) -> bool:
    """Whether the copy of what is published knows the policy."""
    return f"{forebay.namespace}/first".encode() in forebay.last_good()
