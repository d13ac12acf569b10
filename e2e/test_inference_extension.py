"""With the Gateway API inference extension: Forebay chooses the pool, the extension's own endpoint picker the replica.

The picker is the real one, watching the real InferencePool and its Pods, asked by our own Envoy over TLS as it comes
(a certificate that it makes itself).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from openai import OpenAI

from .control_plane import ControlPlane
from .inference_pool import POOL, busy, extend, inference_pool, serve_replicas, start_picker
from .installation import READY, Installation, installed
from .isolation import HOST
from .kube import Kube
from .process import Process
from .waiting import wait_until

RESOURCES: Final = """---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: large}
spec:
  backend: {service: {name: large, port: 8000}}
  models: [{name: large-model}]
  telemetry: {engine: vLLM}
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: assistant}
spec:
  models: [auto]
  signals: [{name: proof, keyword: {any: [theorem]}}]
  strategies:
  - {name: cheap, direct: {pools: [{name: small}]}}
  - {name: careful, direct: {pools: [{name: large}]}}
  rules: [{name: proofs, when: signals.proof.matched, use: careful}]
  default: {use: cheap}
"""


class Extended:
    """An installation whose pool `small` is an InferencePool of two replicas with a real endpoint picker."""

    def __init__(self, forebay: Installation, picker: Process) -> None:
        self.forebay = forebay
        self.picker = picker
        self.client = OpenAI(base_url=f"{forebay.url}/v1", api_key="none", max_retries=0, timeout=10.0)

    def ask(self, text: str) -> tuple[str, str]:
        """(pool, server) of one answer."""
        answer = self.client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": text}]
        )
        return answer.headers["x-forebay-pool"].partition("/")[2], answer.headers["x-sim-server"]

    def places(self, count: int) -> Counter[tuple[str, str]]:
        return Counter(self.ask("hello") for _ in range(count))


@pytest.fixture(scope="module")
def extended_kube(own_control_plane: ControlPlane) -> Kube:
    """An API server that knows the extension's kinds."""
    extend(own_control_plane.kube)
    return own_control_plane.kube


@pytest.fixture(params=["FailClose"])
def extended(
    extended_kube: Kube, binary: Callable[[str], Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Extended]:
    kube = extended_kube
    namespace = f"extended-{time.monotonic_ns() % 10**9}"
    kube.kubectl("create", "namespace", namespace)
    with installed(kube, namespace, tmp_path) as made:
        serve_replicas(made)
        port = made.add_server("large-0", "large-model")
        made.service("large", [8000])
        made.slice("large", "large-0", port, {"large-0": (HOST, READY)})
        kube.apply(inference_pool(request.param) + POOL + RESOURCES, namespace=namespace)
        picker = start_picker(made, binary("epp"))
        made.add_operator("--inference-pools")
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        kube.wait_condition("RoutingPolicy", namespace, "assistant", "Ready", seconds=60)
        kube.wait_condition("ModelPool", namespace, "small", "Ready")
        made.wait_served("hello", 60)
        yield Extended(made, picker)
    kube.kubectl("delete", "namespace", namespace, "--wait=false", check=False)


def test_forebay_chooses_the_pool_and_the_picker_the_idle_replica(extended: Extended) -> None:
    with busy(extended.forebay, "replica-a"):
        _settle(extended)
        assert extended.places(12) == {("small", "replica-b"): 12}
        assert extended.ask("Prove the theorem.") == ("large", "large-0")


def test_the_picker_follows_a_replica_that_gets_busy(extended: Extended) -> None:
    with busy(extended.forebay, "replica-b"):
        _settle(extended)
        assert extended.places(12) == {("small", "replica-a"): 12}


def test_a_caller_cannot_name_the_replica(extended: Extended) -> None:
    with busy(extended.forebay, "replica-a"):
        _settle(extended)
        chosen = extended.forebay.ask("hello", **{"x-gateway-destination-endpoint": "192.0.2.11:8000"})
        assert chosen.headers["x-sim-server"] == "replica-b"


def test_without_its_picker_a_pool_that_fails_closed_answers_503(extended: Extended) -> None:
    extended.picker.kill()

    answer = extended.forebay.ask("hello")

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "picker_unavailable"
    assert extended.ask("Prove the theorem.") == ("large", "large-0"), "other pools are not concerned"


@pytest.mark.parametrize("extended", ["FailOpen"], indirect=True)
def test_without_its_picker_a_pool_that_fails_open_is_served_by_any_replica(extended: Extended) -> None:
    extended.picker.kill()

    assert {pool for pool, _ in extended.places(12)} == {"small"}


def test_a_picker_that_is_back_is_asked_again(extended: Extended) -> None:
    extended.picker.kill()
    assert extended.forebay.ask("hello").status_code == 503

    extended.picker.start()

    wait_until(lambda: extended.forebay.ask("hello").status_code == 200, "the picker is asked again", 30)


def _settle(extended: Extended) -> None:
    """The picker reads metrics every 50 ms. What it sends to a busy replica before it has seen the queue is not answered
    in time."""

    def served() -> bool:
        try:
            return extended.forebay.ask("hello").status_code == 200
        except httpx.TimeoutException:
            return False

    wait_until(served, "the picker has seen the queue", 30)
