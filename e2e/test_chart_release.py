"""A release as people install it: the chart's Deployments run with their own arguments, accounts, certificates and
mounts, and requests go through. Nothing is granted but what the chart grants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .chart import CHART, DEFINITIONS, VALUES, Helm
from .control_plane import ControlPlane, running_control_plane
from .installation import Installation, installed
from .isolation import HOST
from .kubelet import Kubelet
from .waiting import wait_until

ACCOUNT = "system:serviceaccount:forebay:forebay-operator"
MANIFESTS = """
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small, namespace: ai}
spec:
  backend: {service: {name: small, port: 8000}}
  models: [{name: small-model}]
  telemetry: {engine: vLLM}
  credentials: [{secretRef: {name: small, key: api-key}}]
---
apiVersion: v1
kind: Secret
metadata: {name: small, namespace: ai, labels: {forebay.dev/credential: "true"}}
stringData: {api-key: s3cret}
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: first, namespace: ai}
spec:
  models: [auto]
  strategies: [{name: only, direct: {pools: [{name: small}]}}]
  default: {use: only}
"""


@pytest.fixture(scope="module")
def plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    if "kube-controller-manager" not in control_plane_binaries:
        pytest.skip("there is no kube-controller-manager to make pods of Deployments: `make e2e-parts`")
    with running_control_plane(control_plane_binaries) as made:
        yield made


@pytest.fixture(scope="module")
def release(
    plane: ControlPlane, binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubelet]:
    """Both charts installed, and the pods running."""
    helm = Helm(binary("helm"), tmp_path_factory.mktemp("helm"), plane.kubeconfig)
    helm.run("install", "forebay-crds", str(DEFINITIONS), "--namespace=default")
    plane.kube.kubectl("create", "namespace", "ai")
    helm.run(
        "install", "forebay", str(CHART), "--namespace=forebay", "--create-namespace",
        f"--values={VALUES['minimal']}", "--set=credentialNamespaces={ai}", "--set=operator.replicas=2",
    )  # fmt: skip
    kubelet = Kubelet(plane.kube, "forebay", tmp_path_factory.mktemp("pods"))
    kubelet.start()
    yield kubelet
    kubelet.close()


@pytest.fixture(scope="module")
def servers(plane: ControlPlane, release: Kubelet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A simulated inference server behind a Service of namespace ai, and a policy that uses it."""
    with installed(plane.kube, "ai", tmp_path_factory.mktemp("servers")) as made:
        port = made.add_server("small-0", "small-model")
        made.service("small", [8000])
        made.slice("small", "small-0", port, {"small-0": (HOST, {"ready": True})})
        plane.kube.apply(MANIFESTS, namespace="ai")
        yield made


def _ask(text: str) -> httpx.Response:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return httpx.post(f"http://{HOST}:10080/v1/chat/completions", json=body, timeout=10.0, trust_env=False)


def _served(text: str) -> httpx.Response:
    def answered() -> httpx.Response | None:
        try:
            answer = _ask(text)
        except httpx.TransportError:
            return None
        return answer if answer.status_code == 200 else None

    return wait_until(answered, f"{text!r} is served", 20.0)


def test_what_the_chart_starts_becomes_ready_and_serves(
    plane: ControlPlane, release: Kubelet, servers: Installation
) -> None:
    release.wait_ready("operator", 2)
    release.wait_ready("data-plane")
    release.wait_ready("envoy")
    plane.kube.wait_condition("ModelPool", "ai", "small", "Ready")
    programmed = plane.kube.wait_condition("RoutingPolicy", "ai", "first", "Programmed")

    assert programmed["message"].startswith("1 of 1 data plane, 1 of 1 Envoy acknowledged")
    assert _served("hello").headers["x-forebay-pool"] == "ai/small"
    assert release.ended == {}
    assert release.problems == []
