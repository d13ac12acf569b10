"""What policies keep in ConfigMaps, with the chart's rights and no more: lists come, change and go without a touch of the
policy, and models travel with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import yaml

from forebay_models.heads.artefact import digest_of

from .chart import Helm
from .installation import Installation, installed
from .kube import Kube, condition_of
from .manifests import pool
from .waiting import wait_until

ARTEFACTS = Path(__file__).parents[1] / "models/forebay_models/artefacts"
RIGHTS = ("ServiceAccount", "Role", "RoleBinding")
READY = {"ready": True}
POLICY = """---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: first}
spec:
  models: [auto]
  strategies:
  - {name: quick, direct: {pools: [{name: quick}]}}
  - {name: slow, direct: {pools: [{name: slow}]}}
  signals:
  - {name: urgent, keyword: {anyFrom: {configMapRef: {name: words, key: urgent.txt}}}}
  rules: [{name: hurry, when: signals.urgent.matched, use: quick}]
  default: {use: slow}
"""
MODEL_POLICY = """---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: first}}
spec:
  models: [auto]
  decisionBudget: {{time: 1s}}
  strategies:
  - {{name: quick, direct: {{pools: [{{name: quick}}]}}}}
  - {{name: slow, direct: {{pools: [{{name: slow}}]}}}}
  signals:
  - name: topic
    classifier: {{artifact: {{configMapRef: {{name: models, key: topics.head}}, digest: "{digest}"}}}}
  rules: [{{name: sums, when: signals.topic.label == "math", use: quick}}]
  default: {{use: slow}}
"""


def grant(kube: Kube, helm: Helm, namespace: str, *sets: str) -> Path:
    """The chart's rights in this namespace; the operator's kubeconfig."""
    rendered = helm.template(sets=(f"watchNamespaces={{{namespace}}}", *sets), namespace=namespace)
    for found in rendered:
        if found["kind"] in RIGHTS:
            kube.apply(yaml.safe_dump(found), namespace=found["metadata"].get("namespace", namespace))
    return kube.kubeconfig_for(namespace, "forebay-operator")


@pytest.fixture
def helm(binary: Callable[[str], Path], tmp_path: Path) -> Helm:
    return Helm(binary("helm"), tmp_path / "helm")


@pytest.fixture
def forebay(kube: Kube, helm: Helm, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    account = grant(kube, helm, namespace, "configMaps.enabled=true")
    with installed(kube, namespace, tmp_path, kubeconfig=account) as made:
        made.add_operator("--no-credentials", "--config-maps")
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        for name in ("quick", "slow"):
            port = made.add_server(f"{name}-0", f"{name}-model")
            made.service(name, [8000])
            made.slice(name, f"{name}-0", port, {f"{name}-0": ("192.0.2.1", READY)})
        kube.apply(pool("quick") + pool("slow"), namespace=namespace)
        yield made


def keep(forebay: Installation, *words: str, labelled: bool = True) -> None:
    made: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}}
    if labelled:
        made["metadata"]["labels"] = {"forebay.dev/policy-data": "true"}
    made["data"] = {"urgent.txt": "# what cannot wait\n" + "\n".join(words)}
    forebay.kube.apply(json.dumps(made), namespace=forebay.namespace)


def keep_model(forebay: Installation, head: bytes) -> None:
    """As `kubectl create configmap models --from-file=topics.head` and a label do."""
    metadata = {"name": "models", "labels": {"forebay.dev/policy-data": "true"}}
    content = {"topics.head": base64.b64encode(head).decode()}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": content}
    forebay.kube.apply(json.dumps(made), namespace=forebay.namespace)


def goes_to(forebay: Installation, text: str) -> str:
    """The pool that answers; empty where none does."""
    answer = forebay.ask(text)
    return answer.headers.get("x-forebay-pool", "") if answer.status_code == 200 else ""


def wait_goes(forebay: Installation, text: str, name: str) -> None:
    pool_name = f"{forebay.namespace}/{name}"
    wait_until(lambda: goes_to(forebay, text) == pool_name, f"{text!r} goes to {pool_name}", 20.0)


def policy_of(forebay: Installation) -> dict[str, Any]:
    found = forebay.kube.get("RoutingPolicy", forebay.namespace, "first")
    assert found is not None
    return found


def test_a_list_comes_later_changes_under_traffic_and_goes(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(POLICY, namespace=namespace)
    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert refs["reason"] == "ConfigMapNotFound"
    assert refs["message"].startswith(
        "spec.signals[0].keyword.anyFrom.configMapRef: ConfigMap 'words', key 'urgent.txt': not found in namespace"
    )
    assert refs["message"].endswith("; the policy is not served")
    keep(forebay, "asap", labelled=False)
    keep(forebay, "asap")
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    forebay.wait_served("hello")
    wait_goes(forebay, "do it asap", "quick")
    wait_goes(forebay, "do it pronto", "slow")
    before = policy_of(forebay)

    statuses: set[int] = set()
    done = Event()

    def ask() -> None:
        while not done.wait(0.01):
            statuses.add(forebay.status_of("do it pronto"))

    asking = Thread(target=ask)
    asking.start()
    try:
        keep(forebay, "asap", "pronto")
        wait_goes(forebay, "do it pronto", "quick")
        programmed = wait_until(
            lambda: policy_of(forebay)["status"]["revision"] != before["status"]["revision"], "another revision"
        )
    finally:
        done.set()
        asking.join()
    assert programmed
    assert statuses == {200}
    kube.wait_condition("RoutingPolicy", namespace, "first", "Programmed")
    after = policy_of(forebay)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]

    kube.delete("ConfigMap", namespace, "words")
    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert refs["message"].endswith("; the last good version is served")
    assert goes_to(forebay, "do it pronto") == f"{namespace}/quick"
    # An operator that starts has never seen the list, and finds the last good version in its copy.
    wait_until(lambda: b"pronto" in forebay.last_good(), "the last good version is kept", 40.0)
    forebay.operators[0].kill()
    forebay.operators[0].start()
    wait_until(lambda: forebay.revision(0), "the operator has judged everything anew", 40.0)
    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert refs["message"].endswith("; the last good version is served")
    assert goes_to(forebay, "do it pronto") == f"{namespace}/quick"
    keep(forebay, "mañana")
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    wait_goes(forebay, "hazlo MAÑANA", "quick")
    wait_goes(forebay, "do it pronto", "slow")


def test_a_mistaken_list_is_told_of_and_the_last_good_one_stays(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    kube.apply(POLICY, namespace=namespace)
    keep(forebay, "asap")
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")

    keep(forebay, "# asap")

    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert refs["reason"] == "ConfigMapInvalid"
    assert "it holds no item" in refs["message"]
    wait_goes(forebay, "do it asap", "quick")


def test_a_model_of_ones_own_reaches_the_data_planes_with_its_policy(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    head = (ARTEFACTS / "heads/domain.head").read_bytes()
    kube.apply(MODEL_POLICY.format(digest=digest_of(head)), namespace=namespace)
    keep_model(forebay, head[:-1])
    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert (refs["reason"], "the policy says sha256:" in refs["message"]) == ("ConfigMapInvalid", True)
    keep_model(forebay, head)
    kube.wait_condition("RoutingPolicy", namespace, "first", "Ready")
    forebay.wait_served("hello")
    wait_goes(forebay, "What is the integral of x squared from zero to two?", "quick")
    wait_goes(forebay, "Which contract terms are void under English law?", "slow")
    kube.delete("ConfigMap", namespace, "models")
    refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
    assert refs["message"].endswith("; the last good version is served")
    # Who starts now has neither a copy nor the ConfigMap: the operator still has the model.
    forebay.add_data_plane("dp-1")
    wait_until(
        lambda: "2 of 2 data plane" in condition_of(policy_of(forebay), "Programmed")["message"],
        "another data plane has the policy and its model",
        30.0,
    )
    wait_goes(forebay, "What is the integral of x squared from zero to two?", "quick")


def test_without_the_right_the_operator_goes_on_and_says_so_until_it_has_it(
    kube: Kube, helm: Helm, namespace: str, tmp_path: Path
) -> None:
    account = grant(kube, helm, namespace)
    with installed(kube, namespace, tmp_path, kubeconfig=account) as forebay:
        forebay.add_operator("--no-credentials", "--config-maps")
        keep(forebay, "asap")
        kube.apply(POLICY + pool("quick") + pool("slow"), namespace=namespace)
        refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
        assert refs["reason"] == "RefNotPermitted"
        assert "configMaps.enabled" in refs["message"]
        kube.wait_condition("ModelPool", namespace, "quick", "Accepted")

        grant(kube, helm, namespace, "configMaps.enabled=true")

        kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", seconds=60.0)


def test_an_operator_that_reads_no_config_maps_says_how_to_have_it_read_them(
    kube: Kube, helm: Helm, namespace: str, tmp_path: Path
) -> None:
    with installed(kube, namespace, tmp_path, kubeconfig=grant(kube, helm, namespace)) as forebay:
        forebay.add_operator("--no-credentials")
        kube.apply(POLICY + pool("quick") + pool("slow"), namespace=namespace)
        refs = kube.wait_condition("RoutingPolicy", namespace, "first", "ResolvedRefs", status="False")
        assert refs["reason"] == "RefNotPermitted"
        assert "set configMaps.enabled in the chart's values" in refs["message"]
