"""The charts on a real API server: it takes every object, restricted pod security admits every pod, upgrades keep what
must be kept. The definitions of cert-manager and of the Prometheus operator are the real ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .chart import CHART, DEFINITIONS, ROOT, VALUES, Helm, HelmFailed, Object, deployments
from .control_plane import ControlPlane, running_control_plane
from .foreign import DEFINITIONS as FOREIGN
from .kube import Kube

BEFORE = "c07f96b1540a6d8c8ddbcfcddcf3d9b03e228f56"
"""The version before, until there is a release. It had no chart: there are its definitions to upgrade from."""
NAMESPACES = ("forebay", "ai", "team-a", "team-b")
RESTRICTED = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]


@pytest.fixture(scope="module")
def plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    """An API server of this module's own, with namespaces that admit restricted pods alone, and others' definitions."""
    with running_control_plane(control_plane_binaries) as made:
        for namespace in NAMESPACES:
            made.kube.kubectl("create", "namespace", namespace)
            made.kube.kubectl("label", "namespace", namespace, *RESTRICTED)
        yield made


@pytest.fixture(scope="module")
def helm(plane: ControlPlane, binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(binary("helm"), tmp_path_factory.mktemp("helm"), plane.kubeconfig)


@pytest.fixture(scope="module")
def foreign(plane: ControlPlane) -> None:
    """The real definitions of what the chart makes for others."""
    missing = [wanted.path for wanted in FOREIGN if not wanted.file.exists()]
    if missing:
        pytest.skip(f"not fetched: {', '.join(missing)}: `make e2e-parts` does, or says why it cannot")
    for wanted in FOREIGN:
        plane.kube.kubectl("apply", "--server-side", "-f", str(wanted.file))
    plane.kube.kubectl("wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")


@pytest.mark.parametrize("values", VALUES)
def test_the_api_server_takes_every_object_without_a_warning(
    plane: ControlPlane, helm: Helm, foreign: None, values: str
) -> None:
    made = helm.template(values=VALUES[values])

    answer = _dry_run(plane.kube, made)

    assert answer.stderr == ""
    assert len(answer.stdout.splitlines()) == len(made)
    assert all(line.endswith("serverside-applied (server dry run)") for line in answer.stdout.splitlines())


@pytest.mark.parametrize("values", VALUES)
def test_restricted_pod_security_admits_every_pod(plane: ControlPlane, helm: Helm, values: str) -> None:
    for name, deployment, _ in deployments(helm.template(values=VALUES[values])):
        template = deployment["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
        pod["metadata"] = {**template["metadata"], "name": name, "namespace": "forebay"}

        answer = plane.kube.create(pod, "forebay", dry_run=True)

        assert answer.status_code == 201, answer.text
        assert "warning" not in answer.headers, answer.headers["warning"]


def test_a_pod_that_is_not_restricted_is_refused_here(plane: ControlPlane) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}}
    pod["spec"] = {"containers": [{"name": "root", "image": "root"}]}

    assert plane.kube.create(pod, "forebay", dry_run=True).status_code == 403


@pytest.fixture
def installed(helm: Helm) -> Iterator[str]:
    """A release from the chart as it stands, with both of its kinds of objects; its name."""
    helm.run("install", "forebay-crds", str(DEFINITIONS), "--namespace=default")
    helm.run("install", "forebay", str(CHART), "--namespace=forebay", f"--values={VALUES['minimal']}")
    yield "forebay"
    helm.run("uninstall", "forebay", "--namespace=forebay", "--wait")
    helm.run("uninstall", "forebay-crds", "--namespace=default")


def test_an_upgrade_keeps_certificates_and_changes_nothing_by_itself(
    plane: ControlPlane, helm: Helm, installed: str
) -> None:
    before = _stored(plane.kube)

    upgrade = ("upgrade", installed, str(CHART), "--namespace=forebay", f"--values={VALUES['minimal']}")
    helm.run(*upgrade)

    assert _stored(plane.kube) == before
    secrets = [stored for kind, stored in before.items() if kind.startswith("Secret/")]
    assert len(secrets) == 3


def test_a_lost_certificate_makes_three_new_ones_that_fit_together(
    plane: ControlPlane, helm: Helm, installed: str
) -> None:
    before = {name: _secret(plane.kube, name) for name in ("operator", "data-plane", "envoy")}
    plane.kube.delete("Secret", "forebay", "forebay-envoy-tls")

    helm.run("upgrade", installed, str(CHART), "--namespace=forebay", f"--values={VALUES['minimal']}")

    after = {name: _secret(plane.kube, name) for name in before}
    assert len({data["ca.crt"] for data in after.values()}) == 1
    assert all(after[name]["tls.key"] != before[name]["tls.key"] for name in before)


def test_another_set_of_values_is_an_upgrade(plane: ControlPlane, helm: Helm, installed: str, foreign: None) -> None:
    helm.run("upgrade", installed, str(CHART), "--namespace=forebay", f"--values={VALUES['full']}")

    stored = _stored(plane.kube)
    assert not [name for name in stored if name.startswith("Secret/forebay-operator-tls")]
    assert "Certificate/forebay-operator" in stored
    helm.run("rollback", installed, "1", "--namespace=forebay")
    assert "Certificate/forebay-operator" not in _stored(plane.kube)


def test_uninstalling_the_definitions_keeps_them_and_every_policy(plane: ControlPlane, helm: Helm) -> None:
    helm.run("upgrade", "--install", "forebay-crds", str(DEFINITIONS), "--namespace=default", "--take-ownership")
    plane.kube.kubectl("wait", "--for=condition=Established", "--timeout=120s", "crd/modelpools.forebay.dev")
    plane.kube.apply(_pool("kept"), namespace="ai")

    helm.run("uninstall", "forebay-crds", "--namespace=default")

    assert plane.kube.get("ModelPool", "ai", "kept") is not None


def test_what_was_there_before_the_chart_is_taken_over_with_all_that_is_stored(
    control_plane_binaries: dict[str, Path], binary: Callable[[str], Path], tmp_path: Path
) -> None:
    """The version before had definitions and no chart: they are applied as it told people to, then the charts come."""
    with running_control_plane(control_plane_binaries) as plane:
        kube = plane.kube
        for name in ("forebay.dev_modelpools.yaml", "forebay.dev_routingpolicies.yaml"):
            kube.kubectl("create", "-f", "-", stdin=_earlier(f"crds/{name}"))
        kube.kubectl("wait", "--for=condition=Established", "--timeout=120s", "crd", "--all")
        kube.apply(_pool("old"))
        before = kube.get("ModelPool", "default", "old")
        helm = Helm(binary("helm"), tmp_path, plane.kubeconfig)

        with pytest.raises(HelmFailed, match="invalid ownership metadata"):
            helm.run("upgrade", "--install", "forebay-crds", str(DEFINITIONS), "--namespace=default")
        take_over = ("--namespace=default", "--take-ownership", "--force-conflicts")
        helm.run("upgrade", "--install", "forebay-crds", str(DEFINITIONS), *take_over)
        helm.run("install", "forebay", str(CHART), "--namespace=forebay", "--create-namespace")

        assert before is not None
        now = kube.get("ModelPool", "default", "old")
        assert now is not None
        assert now["metadata"]["uid"] == before["metadata"]["uid"]
        for path in sorted((ROOT / "crds").glob("*.yaml")):
            wanted = yaml.safe_load(path.read_text())
            stored = json.loads(kube.kubectl("get", "crd", wanted["metadata"]["name"], "-o", "json").stdout)
            assert stored["spec"]["versions"][0]["schema"] == wanted["spec"]["versions"][0]["schema"]


def _pool(name: str) -> str:
    spec = "{backend: {addresses: [{host: 127.0.0.1, port: 9}]}, models: [{name: m}]}"
    return f"apiVersion: forebay.dev/v1alpha1\nkind: ModelPool\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _earlier(path: str) -> str:
    shown = subprocess.run(
        ["git", "-C", str(ROOT), "show", f"{BEFORE}:{path}"], capture_output=True, text=True, timeout=30, check=False
    )
    if shown.returncode:
        pytest.skip(f"git has no {BEFORE[:7]}, the version before ({shown.stderr.strip()}): fetch the whole history")
    return shown.stdout


def _dry_run(kube: Kube, objects: list[Object]) -> subprocess.CompletedProcess[str]:
    text = yaml.safe_dump_all(objects)
    return kube.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)


def _stored(kube: Kube) -> dict[str, Any]:
    """What the release has stored, without what controllers add and Helm's own records."""
    kinds = "all,configmaps,secrets,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,issuers,certificates"
    present = [kind for kind in kinds.split(",") if kind not in ("issuers", "certificates") or _serves(kube, kind)]
    listed = kube.kubectl(
        "get", ",".join(present), "-n", "forebay", "-l", "app.kubernetes.io/instance=forebay", "-o", "json"
    )
    items = json.loads(listed.stdout)["items"]
    ours = [item for item in items if item["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "Helm"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": {
            "uid": item["metadata"]["uid"],
            **{part: item.get(part) for part in ("spec", "data", "rules", "subjects", "automountServiceAccountToken")},
        }
        for item in ours
    }


def _serves(kube: Kube, kind: str) -> bool:
    return kube.kubectl("get", kind, "-A", check=False).returncode == 0


def _secret(kube: Kube, name: str) -> dict[str, str]:
    stored = kube.get("Secret", "forebay", f"forebay-{name}-tls")
    assert stored is not None
    return dict(stored["data"])
