"""Credentials: from a labelled Secret to Envoy by SDS, and to nowhere else."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from .chart import Helm, of_kind
from .installation import Installation, installed
from .kube import Kube
from .manifests import policy, pool
from .waiting import wait_until

READY = {"small-0": ("192.0.2.1", {"ready": True})}


@pytest.fixture
def forebay(kube: Kube, namespace: str, tmp_path: Path) -> Iterator[Installation]:
    with installed(kube, namespace, tmp_path) as made:
        made.add_operator("--log", "debug")
        made.add_data_plane("dp-0", "--log", "debug")
        made.add_envoy("envoy-0")
        yield made


def secret(forebay: Installation, name: str, value: str, *, labelled: bool = True) -> None:
    label = '{forebay.dev/credential: "true"}' if labelled else "{}"
    text = (
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, labels: {label}}}\nstringData: {{api-key: {value}}}\n"
    )
    forebay.kube.apply(text, namespace=forebay.namespace)


def keyed_server(forebay: Installation, key: str) -> None:
    port = forebay.add_server("small-0", "small-model", "--require-key", key)
    forebay.service("small", [8000])
    forebay.slice("small", "small-0", port, READY)


def code_of(forebay: Installation) -> str:
    """The error code of an answer with 503; empty for any other."""
    if forebay.status_of("hello") != 503:
        return ""
    return str(forebay.ask("hello").json().get("error", {}).get("code", ""))


WITH_CREDENTIAL = "  credentials: [{secretRef: {name: small-key, key: api-key}}]\n"


def test_a_credential_comes_rotates_and_goes_without_a_restart(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    first, second = "first-" + secrets.token_hex(8), "second-" + secrets.token_hex(8)
    keyed_server(forebay, first)
    kube.apply(pool("small", extra=WITH_CREDENTIAL) + policy("first", "small"), namespace=namespace)
    refs = kube.wait_condition("ModelPool", namespace, "small", "ResolvedRefs", status="False")
    assert refs["reason"] == "SecretNotFound"
    assert "kubectl label" in refs["message"]
    wait_until(lambda: code_of(forebay) == "credential_missing", "503 while it is missing")
    secret(forebay, "small-key", first, labelled=False)
    secret(forebay, "small-key", first)
    kube.wait_condition("ModelPool", namespace, "small", "ResolvedRefs")
    forebay.wait_served("hello")
    # The server's key changes, and so does the Secret.
    forebay.servers["small-0"].kill()
    keyed_server(forebay, second)
    wait_until(lambda: forebay.status_of("hello") == 401, "the old key is refused")
    secret(forebay, "small-key", second)
    forebay.wait_served("hello", seconds=30.0)
    kube.delete("Secret", namespace, "small-key")
    kube.wait_condition("ModelPool", namespace, "small", "ResolvedRefs", status="False")
    wait_until(lambda: forebay.status_of("hello") == 503, "503 when it is gone")


def test_a_namespace_that_is_shut_takes_no_credential_from_another(
    kube: Kube, namespace: str, tmp_path: Path, binary: Callable[[str], Path]
) -> None:
    """With the chart's rights for one namespace, told to read Secrets in two."""
    shut = f"{namespace[:50]}-shut"
    kube.kubectl("create", "namespace", shut)
    rights = Helm(binary("helm"), tmp_path).template(
        sets=[f"credentialNamespaces={{{namespace}}}"], namespace=namespace
    )
    for found in of_kind(rights, "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"):
        kube.apply(yaml.safe_dump(found), namespace=found["metadata"].get("namespace", namespace))
    account = kube.kubeconfig_for(namespace, "forebay-operator")
    first, second = "first-" + secrets.token_hex(8), "second-" + secrets.token_hex(8)
    with installed(kube, namespace, tmp_path, kubeconfig=account) as made:
        made.add_operator(
            "--credential-namespace", shut, "--credential-namespace", namespace, "--watch-namespace", shut
        )
        made.add_data_plane("dp-0")
        made.add_envoy("envoy-0")
        keyed_server(made, first)
        secret(made, "small-key", first)
        kube.apply(pool("small", extra=WITH_CREDENTIAL) + policy("first", "small"), namespace=namespace)
        kube.apply(pool("theirs", extra=WITH_CREDENTIAL), namespace=shut)
        kube.wait_condition("ModelPool", namespace, "small", "ResolvedRefs")
        made.wait_served("hello")
        refs = kube.wait_condition("ModelPool", shut, "theirs", "ResolvedRefs", status="False")
        assert f"does not let the operator list and watch Secrets in namespace '{shut}'" in refs["message"]
        # The other's watch goes on.
        made.servers["small-0"].kill()
        keyed_server(made, second)
        secret(made, "small-key", second)
        made.wait_served("hello")
    kube.kubectl("delete", "namespace", shut, "--wait=false", check=False)


def test_no_value_of_a_secret_is_anywhere_but_in_envoy(forebay: Installation) -> None:
    kube, namespace = forebay.kube, forebay.namespace
    value = "value-" + secrets.token_hex(16)
    unlabelled = "other-" + secrets.token_hex(16)
    secret(forebay, "unlabelled", unlabelled, labelled=False)
    secret(forebay, "small-key", value)
    keyed_server(forebay, value)
    kube.apply(pool("small", extra=WITH_CREDENTIAL) + policy("first", "small"), namespace=namespace)
    kube.wait_condition("ModelPool", namespace, "small", "Ready")
    forebay.wait_served("hello")
    wait_until(lambda: f"{namespace}/first".encode() in forebay.last_good(), "the policy is kept", pause=0.5)
    encoded = base64.b64encode(value.encode()).decode()
    at = forebay.data_plane_metrics["dp-0"]
    metrics = httpx.get(f"http://127.0.0.1:{at}/metrics", timeout=30.0, trust_env=False).text
    places = {
        "objects and status": json.dumps([kube.list(kind, namespace) for kind in ("ModelPool", "RoutingPolicy")]),
        "Events": json.dumps(kube.list("Event", namespace)),
        "ConfigMaps": json.dumps(kube.list("ConfigMap", namespace)),
        "kept configuration": forebay.last_good().decode("latin-1"),
        "the operator's log": forebay.operators[0].text(),
        "the data plane's log": forebay.data_planes["dp-0"][0].text(),
        "the data plane's copy": (forebay.folder / "dp-0.last-good").read_bytes().decode("latin-1"),
        "the operator's metrics": forebay.metrics(0),
        "the data plane's metrics": metrics,
        "Envoy's configuration dump": json.dumps(forebay.config_dump("envoy-0")),
        "Envoy's log": forebay.envoys["envoy-0"].text(),
    }
    found = {place: text for place, text in places.items() if value in text or encoded in text or unlabelled in text}
    assert not found, f"a secret stands in {', '.join(found)}"
    assert len(places["kept configuration"]) > 1000
