"""Forebay behind Envoy Gateway: an operator with the chart's rights, a data plane, inference servers; and a site a test.

A site is what one team has: a Gateway with a port of its own, an HTTPRoute and a server of its own behind it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from openai import OpenAI

from forebay_operator.gateway.naming import POLICY

from ..chart import Helm
from ..installation import READY, Installation
from ..isolation import HOST
from ..kube import Kube, condition_of
from ..load import Load
from ..process import Process
from ..waiting import free_port, wait_until
from .envoy_gateway import EnvoyGateway
from .manifests import gateway, policy, route

OURS: Final = "app.kubernetes.io/managed-by=forebay-operator"
GENERATED: Final = (
    "httproutes.gateway.networking.k8s.io",
    "referencegrants.gateway.networking.k8s.io",
    "backends.gateway.envoyproxy.io",
    "clienttrafficpolicies.gateway.envoyproxy.io",
    "envoyextensionpolicies.gateway.envoyproxy.io",
    "httproutefilters.gateway.envoyproxy.io",
    "envoypatchpolicies.gateway.envoyproxy.io",
)
"""Every kind of object that the operator writes for Envoy Gateway."""
RIGHTS: Final = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
SIMULATED: Final = "llm-d/simulated"
"""What the foreign simulator calls its model: it answers to no other name."""
POOLS: Final = """
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: small}
spec:
  backend: {service: {name: small, port: 8000}}
  models: [{name: small-model}]
  telemetry: {engine: vLLM}
---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: large}
spec:
  backend: {service: {name: large, port: 8000}}
  models: [{name: large-model}]
  telemetry: {engine: vLLM}
---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: simulated}
spec:
  backend: {addresses: [{host: HOST, port: PORT}]}
  models: [{name: sim-model, upstreamName: llm-d/simulated}]
  telemetry: {engine: vLLM}
"""
STEPS_SECONDS: Final = 30.0
MOST_TOLD: Final = 20


class Site:
    """One Gateway on `port`, in the installation's namespace. `host` is its HTTPRoute's."""

    def __init__(self, behind: Behind, name: str) -> None:
        self.behind = behind
        self.name = name
        self.host = f"{name}.example.com"
        self.port = free_port()
        self.client = OpenAI(
            base_url=f"http://127.0.0.1:{self.port}/v1", api_key="sk-secret", max_retries=0, timeout=10.0,
            default_headers={"host": self.host},
        )  # fmt: skip

    @property
    def namespace(self) -> str:
        return self.behind.installation.namespace

    @property
    def kube(self) -> Kube:
        return self.behind.kube

    def start(self) -> None:
        """The Gateway and the route to the team's own server; it is served when this returns."""
        self.apply(gateway(self.name, self.port) + self.own_route())
        self.wait_served_by("theirs")

    def own_route(self, **settings: Any) -> str:
        """The team's HTTPRoute to its own server."""
        return route(self.name, self.name, "theirs", **{"host": self.host, **settings})

    def policy(self, name: str = "", **settings: Any) -> str:
        """A policy of the site's, on its HTTPRoute unless told otherwise."""
        return policy(name or self.name, self.name, **settings)

    def apply(self, manifests: str) -> None:
        self.kube.apply(manifests, namespace=self.namespace)

    def delete(self, *what: str) -> None:
        self.kube.kubectl("delete", "-n", self.namespace, "--ignore-not-found", *what)

    def ask(self, text: str = "hello", model: str = "auto", **headers: str) -> httpx.Response:
        """599 is a connection that was refused or broke off."""
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        url = f"http://127.0.0.1:{self.port}/v1/chat/completions"
        try:
            return httpx.post(url, json=body, headers={"host": self.host, **headers}, timeout=10.0, trust_env=False)
        except httpx.TransportError as error:
            return httpx.Response(599, text=repr(error))

    def asked(self, text: str) -> str:
        """Who answered a request of the `openai` client."""
        raw = self.client.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": text}]
        )
        return raw.headers.get("x-sim-server") or f"model {raw.parse().model}"

    def server(self, text: str = "hello") -> str:
        """Who answers, or the status where nobody does."""
        answer = self.ask(text)
        return (
            answer.headers.get("x-sim-server", str(answer.status_code))
            if answer.is_success
            else str(answer.status_code)
        )

    def told_of(self, load: Load, host: str = "") -> str:
        """How a load went, and what Envoy says of requests that failed: an answer of its own is often empty."""
        said = self.behind.envoy_gateway.failures(host or self.host) if load.failed else []
        return "\n".join([f"{load.answers}: {load.last}", *said[-MOST_TOLD:]])

    def wait_served_by(self, server: str, text: str = "hello", seconds: float = STEPS_SECONDS) -> None:
        last: list[str] = []

        def served() -> bool:
            last[:] = [self.server(text)]
            return last == [server]

        try:
            wait_until(served, f"{text!r} is served by {server}", seconds)
        except AssertionError as error:
            gateways = self.behind.envoy_gateway.process
            told = f"Envoy Gateway {'runs' if gateways.alive else 'has ended'}:\n{gateways.tail()}"
            raise AssertionError(f"{error}; the last answer: {last}; {self.ask(text).text[:300]}\n{told}") from None

    def wait(self, name: str, type_: str, status: str = "True", seconds: float = STEPS_SECONDS) -> dict[str, Any]:
        return self.kube.wait_condition("RoutingPolicy", self.namespace, name, type_, status, seconds)

    def ancestors(self, name: str) -> list[dict[str, Any]]:
        stored = self.kube.get("RoutingPolicy", self.namespace, name) or {}
        return list(stored.get("status", {}).get("ancestors", []))

    def generated(self, policy: str) -> list[str]:
        """What there is for one policy alone, as Behind.generated says it."""
        return self.behind.generated(self.namespace, labels=f"{OURS},{POLICY}={policy}")

    def wait_former_gone(self) -> None:
        """Wait until no HTTPRoute of ours is there beside the one that is in its stead: it goes last, and may be met."""

        def families() -> list[str]:
            routes = (found for found in self.behind.generated(self.namespace) if found.startswith("HTTPRoute/"))
            return [found.rpartition("-")[0] for found in routes]

        wait_until(lambda: len(found := families()) == len(set(found)), "former HTTPRoutes are gone", 60)

    def programmed(self, name: str = "") -> None:
        """Wait until the policy is Programmed for what it says now."""
        self.wait(name or self.name, "Programmed")


class Behind:
    """The installation, and what it has generated."""

    def __init__(self, envoy_gateway: EnvoyGateway, installation: Installation) -> None:
        self.envoy_gateway = envoy_gateway
        self.installation = installation
        self.kube = envoy_gateway.kube
        self.ports: dict[str, int] = {}

    def start(self, simulator: Path, *operator: str) -> None:
        """Servers, pools, operator and data plane."""
        made = self.installation
        for name, model in (("small", "small-model"), ("large", "large-model"), ("theirs", "auto")):
            port = made.add_server(name, model)
            self.ports[name] = port
            made.service(name, [8000])
            made.slice(name, f"{name}-0", port, {f"{name}-0": (HOST, READY)})
        self.ports["simulated"] = port = free_port(HOST)
        process = Process([simulator, "--model", SIMULATED, "--port", str(port)], made.folder / "simulated.log")
        process.start()
        made.servers["simulated"] = process
        self.apply_pools()
        made.add_operator("--gateway-api", *operator)
        made.wait_leader()
        made.add_data_plane("dp-0")
        for pool in ("small", "large", "simulated"):
            self.kube.wait_condition("ModelPool", made.namespace, pool, "Ready", seconds=60)

    def apply_pools(self) -> None:
        text = POOLS.replace("HOST", HOST).replace("PORT", str(self.ports["simulated"]))
        self.kube.apply(text, namespace=self.installation.namespace)

    def generated(self, namespace: str = "--all-namespaces", labels: str = OURS) -> list[str]:
        """``kind/namespace/name`` of everything that the operator has made."""
        where = [namespace] if namespace.startswith("-") else ["-n", namespace]
        listed = self.kube.kubectl("get", ",".join(GENERATED), "-l", labels, "-o", "json", *where)
        return sorted(
            f"{found['kind']}/{found['metadata']['namespace']}/{found['metadata']['name']}"
            for found in json.loads(listed.stdout)["items"]
        )

    def wait_nothing_generated(self, seconds: float = STEPS_SECONDS) -> None:
        left: list[str] = []

        def gone() -> bool:
            left[:] = self.generated()
            return not left

        try:
            wait_until(gone, "nothing generated is left", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {left}\n{self.installation.operators[0].tail()}") from None


def grant_rights(kube: Kube, helm: Helm, namespace: str, *sets: str) -> Path:
    """What the chart grants the operator in this mode, and no more; the operator's kubeconfig."""
    rendered = helm.template(sets=("gatewayAPI.enabled=true", *sets), namespace=namespace)
    for found in rendered:
        if found["kind"] in RIGHTS:
            kube.apply(yaml.safe_dump(found), namespace=found["metadata"].get("namespace", namespace))
    return kube.kubeconfig_for(namespace, "forebay-operator")


def untouched(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """What of an object is its owner's alone: everything but the status and the bookkeeping of writes."""
    assert stored is not None
    metadata = {
        key: value for key, value in stored["metadata"].items() if key not in ("managedFields", "resourceVersion")
    }
    return {"metadata": metadata, "spec": stored["spec"]}


def reason(stored: Mapping[str, Any], type_: str) -> str:
    return str(condition_of(stored, type_).get("reason", ""))
