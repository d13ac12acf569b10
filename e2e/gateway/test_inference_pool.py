"""An InferencePool behind Envoy Gateway, by itself: what of the inference extension works there, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..inference_pool import PICKER, POOL, PORT, REPLICAS, busy, extend, inference_pool, serve_replicas, start_picker
from ..installation import Installation, installed
from ..isolation import HOST
from ..kube import condition_of
from ..waiting import wait_until
from .envoy_gateway import EnvoyGateway
from .manifests import envoy_proxy, gateway

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


@pytest.fixture
def asked(
    envoy_gateway: EnvoyGateway,
    room: str,
    tmp_path: Path,
    binary: Callable[[str], Path],
    request: pytest.FixtureRequest,
) -> Iterator[Installation]:
    """A policy of ours over it, behind an Envoy that takes internal listeners. The parameter is the failureMode."""
    kube = envoy_gateway.kube
    extend(kube)
    with installed(kube, room, tmp_path) as made:
        serve_replicas(made)
        start_picker(made, binary("epp"))
        own = envoy_proxy("web", extension=True) + gateway("web", made.listener, proxy="web")
        kube.apply(own + inference_pool(request.param), namespace=room)
        made.add_operator("--gateway-api", "--inference-pools")
        made.add_data_plane("dp-0")
        kube.apply(POOL + OURS, namespace=room)
        kube.wait_condition("RoutingPolicy", room, "assistant", "Programmed", seconds=60)
        try:
            wait_until(lambda: "picker" not in _lost(made), "the picker is to be asked", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; {_lost(made)}") from None
        made.wait_served("hello", 60)
        yield made


def _lost(made: Installation) -> str:
    stored = made.kube.get("RoutingPolicy", made.namespace, "assistant") or {}
    return str(condition_of(stored, "FullySupported").get("message", "picker"))


def _servers(made: Installation, count: int, **headers: str) -> set[str]:
    answers = [made.ask("hello", **headers) for _ in range(count)]
    return {answer.headers.get("x-sim-server", f"{answer.status_code} {answer.text[:200]}") for answer in answers}


@pytest.mark.parametrize("asked", ["FailClose"], indirect=True)
def test_with_the_bootstrap_extension_a_pools_picker_chooses_the_replica_and_no_client_does(
    asked: Installation,
) -> None:
    with busy(asked, "replica-a"):
        wait_until(lambda: _servers(asked, 1) == {"replica-b"}, "the picker has seen the queue", 50)
        assert _servers(asked, 12) == {"replica-b"}
        named = {"x-gateway-destination-endpoint": f"{REPLICAS['replica-a']}:{PORT}", "x-envoy-attempt-count": "2"}
        assert _servers(asked, 6, **named) == {"replica-b"}

    asked.servers[PICKER].kill()
    wait_until(lambda: asked.ask("hello").status_code == 503, "nobody chooses", 20)
    answer = asked.ask("hello")
    assert answer.json()["error"]["code"] == "picker_unavailable"
    assert "x-forebay-unpicked" not in answer.headers


@pytest.mark.parametrize("asked", ["FailOpen"], indirect=True)
def test_with_fail_open_any_replica_serves_while_the_picker_is_dead(asked: Installation) -> None:
    asked.servers[PICKER].kill()

    assert _servers(asked, 12) <= set(REPLICAS)
