"""A release as people install it: the chart's Deployments run with their own arguments, accounts, certificates and
mounts, and requests go through. Nothing is granted but what the chart grants."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from .chart import CHART, DEFINITIONS, VALUES, Helm, rules
from .control_plane import ControlPlane, running_control_plane
from .installation import Installation, installed
from .isolation import HOST
from .kubelet import Kubelet, why_not
from .tokens import ISSUER, Signer
from .waiting import wait_until

DASHBOARD = json.loads((CHART / "dashboards/forebay.json").read_text())
COMPONENTS = ("operator", "data-plane", "envoy")
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
GUARDED = 10081
"""Port of a listener that wants a token."""
FOR_GOLD = """
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: first, namespace: ai}
spec:
  models: [auto]
  signals: [{name: plan, claims: {jwt: {provider: corp, claim: plan}, any: [gold]}}]
  strategies: [{name: only, direct: {pools: [{name: small}]}}]
  rules: [{name: gold, when: signals.plan.matched, use: only}]
  default: {use: only}
"""


@pytest.fixture(scope="module")
def plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    if "kube-controller-manager" not in control_plane_binaries:
        pytest.skip("there is no kube-controller-manager to make pods of Deployments: `make e2e-parts`")
    if problem := why_not():
        pytest.skip(problem)
    with running_control_plane(control_plane_binaries) as made:
        yield made


@pytest.fixture(scope="module")
def helm(plane: ControlPlane, binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(binary("helm"), tmp_path_factory.mktemp("helm"), plane.kubeconfig)


@pytest.fixture(scope="module")
def corp() -> Signer:
    """Whose tokens the second listener wants."""
    return Signer()


@pytest.fixture(scope="module")
def release(
    plane: ControlPlane, helm: Helm, corp: Signer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubelet]:
    """Both charts installed, and the pods running."""
    provider = {"name": "corp", "issuer": ISSUER, "audiences": ["forebay"], "jwks": {"inline": corp.key_set}}
    listeners = [
        {"name": "http", "port": 10080, "servicePort": 80},
        {"name": "guarded", "port": GUARDED, "servicePort": 81, "jwt": {"providers": [provider]}},
    ]
    helm.run("install", "forebay-crds", str(DEFINITIONS), "--namespace=default")
    plane.kube.kubectl("create", "namespace", "ai")
    helm.run(
        "install", "forebay", str(CHART), "--namespace=forebay", "--create-namespace",
        f"--values={VALUES['minimal']}", "--set=credentialNamespaces={ai}", "--set=configMaps.enabled=true", "--set=operator.replicas=2",
        f"--set-json=envoy.listeners={json.dumps(listeners)}",
    )  # fmt: skip
    kubelet = Kubelet(plane.kube, ["forebay"], tmp_path_factory.mktemp("pods"))
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


def _ask(release: Kubelet, text: str, port: int = 10080, **headers: str) -> httpx.Response | None:
    """Ask an Envoy that is ready, as a Service would; None where there is none, or the connection breaks."""
    ready = [pod.address for pod in release.of("envoy") if pod.ready]
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    try:
        url = f"http://{random.choice(ready)}:{port}/v1/chat/completions"
        return httpx.post(url, json=body, headers=headers, timeout=30.0, trust_env=False)
    except (httpx.TransportError, IndexError):
        return None


def _served(release: Kubelet, text: str) -> httpx.Response:
    def served() -> httpx.Response | None:
        answer = _ask(release, text)
        return answer if answer is not None and answer.status_code == 200 else None

    return wait_until(served, f"{text!r} is served", 60.0)


@contextmanager
def _asking(release: Kubelet) -> Iterator[list[int]]:
    """Requests one after the other; their statuses, 0 for a connection that broke."""
    answers: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.02):
            answer = _ask(release, "again")
            answers.append(0 if answer is None else answer.status_code)

    asking = threading.Thread(target=ask, name="asking")
    asking.start()
    try:
        yield answers
    finally:
        done.set()
        asking.join()


def _replaced(release: Kubelet, component: str, before: set[str]) -> bool:
    """Whether all pods of a component are new, and ready."""
    found = release.of(component)
    for pod in found:
        assert pod.name in before or pod.name not in release.ended, f"{pod.name} has ended:\n{pod.process.tail()}"
    return bool(found) and all(pod.ready and pod.name not in before for pod in found)


def test_what_the_chart_starts_becomes_ready_and_serves(
    plane: ControlPlane, release: Kubelet, servers: Installation
) -> None:
    release.wait_ready("operator", 2)
    release.wait_ready("data-plane")
    release.wait_ready("envoy")
    plane.kube.wait_condition("ModelPool", "ai", "small", "Ready")
    programmed = plane.kube.wait_condition("RoutingPolicy", "ai", "first", "Programmed")

    assert programmed["message"].startswith("1 of 1 data plane, 1 of 1 Envoy acknowledged")
    assert _served(release, "hello").headers["x-forebay-pool"] == "ai/small"
    assert release.ended == {}
    assert release.problems == []


def test_the_operator_uses_every_right_that_it_has_and_is_refused_nothing(
    plane: ControlPlane, helm: Helm, release: Kubelet, servers: Installation
) -> None:
    plane.kube.wait_condition("RoutingPolicy", "ai", "first", "Programmed")
    index = "forebay-last-good-0"
    wait_until(lambda: plane.kube.get("ConfigMap", "forebay", index), "the last good configuration is kept", 60.0)
    asked = [event for event in plane.audit() if event["user"]["username"] == ACCOUNT and "objectRef" in event]

    refused = [event for event in asked if event["responseStatus"]["code"] == 403]
    used = {_right(event["objectRef"], event["verb"]) for event in asked}
    granted = {
        _right({"apiGroup": group, "resource": resource}, verb)
        for _, rule in rules(
            helm.template(values=VALUES["minimal"], sets=["credentialNamespaces={ai}", "configMaps.enabled=true"])
        )
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert [(event["requestURI"], event["verb"]) for event in refused] == []
    assert sorted(used - granted) == []
    # An apply that makes an object asks for `create` inside of `patch`. ReferenceGrants are no kind of this server.
    unseen = [
        "create configmaps.",
        *(f"{verb} referencegrants.gateway.networking.k8s.io" for verb in ("list", "watch")),
    ]
    assert sorted(granted - used) == unseen


def test_the_planes_accounts_may_do_nothing(plane: ControlPlane, release: Kubelet) -> None:
    for account in ("forebay-data-plane", "forebay-envoy"):
        identity = f"system:serviceaccount:forebay:{account}"
        allowed = plane.kube.kubectl("auth", "can-i", "--list", f"--as={identity}", "-n", "forebay").stdout
        resources = {line.split()[0] for line in allowed.splitlines()[1:] if line[:1].isalpha()}
        assert all(resource.endswith((".authentication.k8s.io", ".authorization.k8s.io")) for resource in resources)


def test_the_dashboard_asks_for_what_the_processes_tell(
    plane: ControlPlane, release: Kubelet, servers: Installation
) -> None:
    """By name and label. What needs traffic or trouble to appear has at least its family there."""
    _served(release, "hello")
    pages = [
        httpx.get(f"http://{pod.address}:9090/metrics", timeout=30.0, trust_env=False).text
        for component in ("operator", "data-plane")
        for pod in release.of(component)
    ]
    families = {name for page in pages for name in re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE)}
    labels: dict[str, set[str]] = {}
    for name, found in re.findall(r"^(\w+)\{(.*)\} ", "\n".join(pages), re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', found))

    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    for expression in expressions:
        for name in re.findall(r"(?:forebay|process)_\w+", expression):
            assert {name, name.removesuffix("_bucket"), name.removesuffix("_total")} & families, expression
            asked = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
            if name in labels:
                assert asked <= labels[name], expression


def test_a_listener_verifies_tokens_and_a_policy_asks_for_their_claims(
    plane: ControlPlane, release: Kubelet, servers: Installation, corp: Signer
) -> None:
    plane.kube.apply(FOR_GOLD, namespace="ai")
    plane.kube.wait_condition("RoutingPolicy", "ai", "first", "Programmed")
    _served(release, "hello")

    def asked(bearer: str = "") -> tuple[int, str]:
        headers = {"authorization": bearer} if bearer else {}
        answer = wait_until(lambda: _ask(release, "hello", GUARDED, **headers), "the listener answers")
        return answer.status_code, answer.headers.get("x-forebay-rule", "")

    assert asked(corp.bearer(plan="gold")) == (200, "gold")
    assert asked(corp.bearer(plan="silver")) == (200, "default")
    assert asked(Signer().bearer(plan="gold")) == (401, "")
    assert asked(corp.bearer(plan="gold", aud="others")) == (401, "")
    assert asked(corp.bearer(plan="gold", exp=1)) == (401, "")
    assert asked() == (401, "")
    # Where no listener verifies it a token says nothing.
    unverified = _ask(release, "hello", authorization=corp.bearer(plan="gold"))
    assert unverified is not None
    assert (unverified.status_code, unverified.headers.get("x-forebay-rule", "")) == (200, "default")


def test_replacing_every_pod_fails_no_request(plane: ControlPlane, release: Kubelet, servers: Installation) -> None:
    before = {pod.name for component in COMPONENTS for pod in release.wait_ready(component)}
    with _asking(release) as answers:
        for component in COMPONENTS:
            plane.kube.kubectl("-n", "forebay", "rollout", "restart", f"deployment/forebay-{component}")
            wait_until(lambda: _replaced(release, component, before), f"new pods of {component}", 90.0)  # noqa: B023
        asked = len(answers)
        wait_until(lambda: len(answers) > asked + 20, "requests go on")

    assert {status for status in answers if status != 200} == set()
    assert all(release.ended[name] == 0 for name in before if name in release.ended), release.ended


def test_the_planes_start_again_while_there_is_no_operator(
    plane: ControlPlane, release: Kubelet, servers: Installation
) -> None:
    operators = {pod.name for pod in release.of("operator")}
    plane.kube.kubectl("-n", "forebay", "scale", "deployment/forebay-operator", "--replicas=0")
    wait_until(lambda: not release.of("operator") and operators <= release.ended.keys(), "no operator runs", 60.0)
    policy = plane.kube.get("RoutingPolicy", "ai", "first")  # one that still ran may have had something to say

    old = {pod.name for component in ("data-plane", "envoy") for pod in release.of(component)}
    plane.kube.kubectl("-n", "forebay", "delete", "pod", "--wait=false", *old)

    wait_until(lambda: _replaced(release, "data-plane", old) and _replaced(release, "envoy", old), "new pods", 120.0)
    # Every address that the operator knew is gone.
    wait_until(lambda: old <= release.ended.keys(), "the old pods have ended", 120.0)
    answer = wait_until(lambda: _ask(release, "hello"), "Envoy answers", 30.0)
    # The pool has a credential, and those are in no copy.
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "credential_missing")
    assert plane.kube.get("RoutingPolicy", "ai", "first") == policy

    plane.kube.kubectl("-n", "forebay", "scale", "deployment/forebay-operator", "--replicas=2")
    release.wait_ready("operator", 2)
    assert _served(release, "hello again").status_code == 200


def _right(reference: dict[str, str], verb: str) -> str:
    resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
    return f"{verb} {resource}.{reference.get('apiGroup', '')}"
