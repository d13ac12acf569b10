"""An InferencePool behind Envoy Gateway, by itself: what of the inference extension works there, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..inference_pool import POOL, PORT, REPLICAS, busy, extend, inference_pool, serve_replicas, start_picker
from ..installation import Installation, installed
from ..isolation import HOST
from ..waiting import wait_until
from .envoy_gateway import EnvoyGateway
from .manifests import gateway

DIRECT = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: direct}
spec:
  parentRefs: [{name: web}]
  rules: [{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: small}]}]
"""
STEERED = """---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: picker}
spec:
  endpoints: [{ip: {address: HOST, port: PICKER_PORT}}]
  appProtocols: [gateway.envoyproxy.io/h2c]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: replicas}
spec:
  endpoints: [REPLICAS]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: steered}
spec:
  parentRefs: [{name: web}]
  rules: [{backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: replicas}]}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: {name: picker}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: steered}]
  extProc:
  - backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: picker}]
    processingMode: {request: {body: FullDuplexStreamed}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {name: picked}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: steered}]
  loadBalancer:
    type: LeastRequest
    endpointOverride: {extractFrom: [{header: x-gateway-destination-endpoint}]}
"""
OURS = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: llm}
spec:
  parentRefs: [{name: web}]
  rules: [{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-mine, value: "1"}]}}]}]
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: assistant}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: llm}]
  models: [auto]
  strategies: [{name: only, direct: {pools: [{name: small}]}}]
  default: {use: only}
"""


@pytest.fixture
def pooled(envoy_gateway: EnvoyGateway, room: str, tmp_path: Path) -> Iterator[Installation]:
    """Two replicas as an InferencePool, and nothing of ours."""
    kube = envoy_gateway.kube
    extend(kube)
    with installed(kube, room, tmp_path) as made:
        serve_replicas(made)
        kube.apply(gateway("web", made.listener) + inference_pool(), namespace=room)
        yield made


def test_a_route_to_an_inference_pool_is_refused(pooled: Installation) -> None:
    pooled.kube.apply(DIRECT, namespace=pooled.namespace)

    def refused() -> dict[str, Any] | None:
        parents = (pooled.kube.get("HTTPRoute", pooled.namespace, "direct") or {}).get("status", {}).get("parents", [])
        conditions = {found["type"]: found for parent in parents for found in parent["conditions"]}
        found = conditions.get("ResolvedRefs", {})
        return found if found.get("status") == "False" else None

    assert wait_until(refused, "Envoy Gateway judges the reference", 60)["reason"] == "InvalidKind"


def test_a_picker_steers_where_the_replicas_are_a_backend(pooled: Installation, binary: Callable[[str], Path]) -> None:
    start_picker(pooled, binary("epp"), "--secure-serving=false")
    slices = pooled.kube.list("EndpointSlice", pooled.namespace)
    (at,) = {port["port"] for found in slices for port in found["ports"] if "epp" in found["metadata"]["name"]}
    replicas = ", ".join(f"{{ip: {{address: {address}, port: {PORT}}}}}" for address in REPLICAS.values())
    text = STEERED.replace("HOST", HOST).replace("PICKER_PORT", str(at)).replace("[REPLICAS]", f"[{replicas}]")
    pooled.kube.apply(text, namespace=pooled.namespace)

    def server() -> str:
        try:
            return pooled.ask("hello", "small-model").headers.get("x-sim-server", "")
        except httpx.TransportError:
            return ""

    wait_until(server, "the route is served", 60)
    with busy(pooled, "replica-a"):
        wait_until(lambda: server() == "replica-b", "the picker has seen the queue", 50)
        # The picker answers 503 now and then ("failed to find endpoint candidates"): docs/gateways.md says so.
        assert {server() for _ in range(24)} - {""} == {"replica-b"}


def test_a_pool_of_ours_over_it_is_served_without_the_picker_and_its_policy_says_so(
    pooled: Installation, binary: Callable[[str], Path]
) -> None:
    start_picker(pooled, binary("epp"))
    pooled.add_operator("--gateway-api", "--inference-pools")
    pooled.add_data_plane("dp-0")

    pooled.kube.apply(POOL + OURS, namespace=pooled.namespace)

    pooled.kube.wait_condition("RoutingPolicy", pooled.namespace, "assistant", "Programmed", seconds=60)
    pooled.wait_served("hello", 60)
    seen: set[str] = set()

    def each_has_answered() -> bool:
        seen.add(pooled.ask("hello").headers["x-sim-server"])
        return seen == set(REPLICAS)

    wait_until(each_has_answered, "both replicas are asked", 30)
    told = pooled.kube.wait_condition("RoutingPolicy", pooled.namespace, "assistant", "FullySupported", "False")
    assert "picker" in told["message"]
