"""The operator in a cluster: what is applied is served, and status says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .installation import Installation, installed
from .kube import Kube
from .waiting import wait_until

POOL = """
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {service: {name: small, port: 8000}}
  models: [{name: small-model}]
  telemetry: {engine: vLLM}
"""
POLICY = """
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: first}
spec:
  models: [auto]
  strategies: [{name: only, direct: {pools: [{name: small}]}}]
  default: {use: only}
"""


@pytest.fixture
def forebay(kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(kube, namespace, tmp_path) as made:
        made.add_operator()
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        yield made


def test_what_is_applied_is_served_and_its_status_says_so(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    port = forebay.add_server("small-0", "small-model")
    forebay.service("small", [8000])
    forebay.slice("small", "small-0", port, {"small-0": ("192.0.2.1", {"ready": True})})
    kube.apply(POOL + "---" + POLICY, namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    ready = kube.wait_condition("ModelPool", namespace, "small", "Ready")
    assert "1 of 1 endpoints ready" in ready["message"]
    programmed = kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed")
    assert programmed["message"].startswith("1 of 1 data plane, 1 of 1 Envoy acknowledged")
    answer = forebay.wait_served("hello")
    assert answer.headers["x-sim-server"] == "small-0"
    assert answer.headers["x-forebay-pool"] == f"{namespace}/small"
    kube.kubectl(
        "wait", "--for=condition=Ready", "--timeout=60s", "-n", namespace, "routingpolicy/first", "modelpool/small"
    )


def test_nothing_of_an_object_but_its_status_is_touched(forebay: Installation) -> None:
    """No finalizer, no annotation, no label; and of its status nothing that another manager owns."""
    kube, namespace = forebay.kube, forebay.namespace
    port = forebay.add_server("small-0", "small-model")
    forebay.service("small", [8000])
    forebay.slice("small", "small-0", port, {"small-0": ("192.0.2.1", {"ready": True})})
    kube.apply(POOL + "---" + POLICY, namespace=namespace)
    for kind, name in (("RoutingPolicy", "first"), ("ModelPool", "small")):
        kube.wait_condition(kind, namespace, name, "Ready")
        metadata = (kube.get(kind, namespace, name) or {})["metadata"]
        assert not {"finalizers", "annotations", "labels", "ownerReferences"} & metadata.keys()
        assert metadata["generation"] == 1
        ours = [entry for entry in metadata["managedFields"] if entry["manager"] == "forebay-operator"]
        assert [(entry["operation"], entry["subresource"]) for entry in ours] == [("Apply", "status")]
        assert {field for entry in ours for field in entry["fieldsV1"]} == {"f:status"}


def test_a_transition_is_told_as_an_event_once(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(POLICY, namespace=namespace)
    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert refs["reason"] == "PoolNotFound"

    def events() -> list[str]:
        return [event["reason"] for event in kube.list("Event", namespace)]

    wait_until(lambda: "PoolNotFound" in events(), "the refusal is told")
    port = forebay.add_server("small-0", "small-model")
    forebay.service("small", [8000])
    forebay.slice("small", "small-0", port, {"small-0": ("192.0.2.1", {"ready": True})})
    kube.apply(POOL, namespace=namespace)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    wait_until(lambda: "Ready" in events(), "it is told that all is well")
    assert events().count("PoolNotFound") == 1
