"""kstatus itself, over objects as the API server stores them. tests/reconcile/state/test_kstatus.py has every state."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .installation import installed
from .kube import Kube, condition_of
from .manifests import policy

POOL = """
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {addresses: [{host: 127.0.0.1, port: 9}]}
  models: [{name: m}]
"""
Ask = Callable[[], str]


@pytest.fixture
def ask(kube: Kube, namespace: str, binary: Callable[[str], Path]) -> Ask:
    """What kstatus says of the pool `small` now."""
    kstatus = binary("kstatus")
    kube.apply(POOL, namespace=namespace)

    def verdict() -> str:
        stored = json.dumps(kube.get("ModelPool", namespace, "small"))
        done = subprocess.run([kstatus], input=stored, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()

    return verdict


def _state(kube: Kube, namespace: str, generation: int, **conditions: tuple[str, str, str]) -> None:
    told = [
        {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": generation,
        }
        for type_, (status, reason, message) in conditions.items()
    ]
    change: dict[str, Any] = {"status": {"observedGeneration": generation, "conditions": told}}
    kube.patch("ModelPool", namespace, "small", change, status=True)


def test_what_no_operator_has_looked_at_is_in_progress(ask: Ask) -> None:
    assert ask() == "InProgress: ModelPool generation is 1, but latest observed generation is 0"


def test_ready_is_current_and_kubectl_wait_ends(kube: Kube, namespace: str, ask: Ask) -> None:
    _state(
        kube,
        namespace,
        1,
        Ready=("True", "Ready", "1 of 1 data planes acknowledged"),
        Accepted=("True", "Accepted", ""),
    )

    assert ask() == "Current: Resource is Ready"
    kube.kubectl("-n", namespace, "wait", "--for=condition=Ready", "--timeout=60s", "modelpool/small")


def test_not_ready_is_in_progress_with_the_message_of_the_condition(kube: Kube, namespace: str, ask: Ask) -> None:
    _state(kube, namespace, 1, Ready=("False", "NoReadyEndpoints", "0 of 2 endpoints ready"))

    assert ask() == "InProgress: 0 of 2 endpoints ready"


def test_a_refused_object_is_failed_with_the_message(kube: Kube, namespace: str, ask: Ask) -> None:
    told = "spec.models[0].reasoning.levels.High: is no string; the last good version is served"
    _state(
        kube,
        namespace,
        1,
        Ready=("False", "NotReady", f"Accepted: Invalid: {told}"),
        Accepted=("False", "Invalid", told),
        Stalled=("True", "Invalid", told),
    )

    assert ask() == f"Failed: {told}"


def test_an_edited_object_is_in_progress_until_the_operator_has_seen_it(kube: Kube, namespace: str, ask: Ask) -> None:
    _state(kube, namespace, 1, Ready=("True", "Ready", "in force"))
    kube.patch("ModelPool", namespace, "small", {"spec": {"capacity": {"maxConcurrency": 7}}})

    assert ask() == "InProgress: ModelPool generation is 2, but latest observed generation is 1"


def test_an_object_on_its_way_out_is_terminating(kube: Kube, namespace: str, ask: Ask) -> None:
    kube.patch("ModelPool", namespace, "small", {"metadata": {"finalizers": ["example.com/held"]}})
    kube.delete("ModelPool", namespace, "small")

    assert ask() == "Terminating: Resource scheduled for deletion"
    kube.patch("ModelPool", namespace, "small", {"metadata": {"finalizers": None}})


def test_what_an_operator_refuses_is_failed_until_it_is_mended(
    kube: Kube, namespace: str, binary: Callable[[str], Path], tmp_path: Path
) -> None:
    kstatus = binary("kstatus")

    def verdict() -> str:
        stored = json.dumps(kube.get("RoutingPolicy", namespace, "first"))
        return subprocess.run([kstatus], input=stored, capture_output=True, text=True, timeout=60, check=True).stdout

    typo = "  rules: [{name: typo, when: signals.cod.matched, use: only}]\n"
    with installed(kube, namespace, tmp_path) as made:
        made.add_operator()
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        kube.apply(POOL + policy("first", "small", extra=typo), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Stalled")
        assert verdict().startswith("Failed: spec.rules[0].when: 1:12")
        kube.apply(policy("first", "small"), namespace=namespace)
        kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
        assert condition_of(kube.get("RoutingPolicy", namespace, "first") or {}, "Stalled") == {}
        assert verdict().startswith("Current")
