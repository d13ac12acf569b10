"""What Helm takes and refuses before anything reaches a cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from forebay_api.manifest import load_local_config

from .chart import CHART, DEFINITIONS, ROOT, VALUES, Helm, HelmFailed, component, named, of_kind
from .kubeconfig import kubectl


@pytest.fixture(scope="module")
def helm(binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(binary("helm"), tmp_path_factory.mktemp("helm"))


def _listeners(**ports: tuple[int, int]) -> str:
    """As --set takes them: name -> port and servicePort."""
    return ",".join(
        f"envoy.listeners[{index}].name={name},envoy.listeners[{index}].port={port},"
        f"envoy.listeners[{index}].servicePort={service}"
        for index, (name, (port, service)) in enumerate(ports.items())
    )


@pytest.mark.parametrize("values", VALUES)
def test_lint_finds_nothing(helm: Helm, values: str) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(CHART), f"--values={VALUES[values]}")


def test_lint_finds_nothing_in_the_chart_of_definitions(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(DEFINITIONS))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("operator.replica=3", "additional properties 'replica' not allowed"),
        ("dataplane.replicas=3", "additional properties 'dataplane' not allowed"),
        ("envoy.service.kind=NodePort", "additional properties 'kind' not allowed"),
        ("operator.resources.request.cpu=1", "additional properties 'request' not allowed"),
        ("mtls.mode=off", "value must be one of 'chart', 'cert-manager', 'existing', 'none'"),
        ("logging.level=verbose", "value must be one of"),
        ("operator.replicas=0", "minimum: got 0, want 1"),
        ("dataPlane.pdb.maxUnavailable=some", "does not match pattern"),
        ("dataPlane.image.digest=latest", "does not match pattern"),
        ("watchNamespaces[0]=Team_A", "does not match pattern"),
        ("networkPolicy.clients[0].podselector.x=y", "additional properties 'podselector' not allowed"),
        ("envoy.listeners[0].port=9902", "at '/envoy/listeners/0/port': 'not' failed"),
        ("envoy.listeners[0].name=stats", "at '/envoy/listeners/0/name': 'not' failed"),
        (r"commonLabels.app\.kubernetes\.io/name=mine", "invalid propertyName 'app.kubernetes.io/name'"),
        (r"envoy.podLabels.app\.kubernetes\.io/component=mine", "invalid propertyName"),
    ],
)
def test_a_mistake_in_a_value_is_refused_and_named(helm: Helm, given: str, said: str) -> None:
    with pytest.raises(HelmFailed, match="values don't meet the specifications") as refused:
        helm.template(sets=[given])

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("dataPlane.autoscaling.minReplicas=20", r"dataPlane\.autoscaling\.minReplicas is 20, above maxReplicas"),
        ("envoy.autoscaling.enabled=true,envoy.autoscaling.maxReplicas=1", r"envoy\.autoscaling\.minReplicas is 2"),
        (_listeners(http=(10080, 80), https=(10080, 443)), r"envoy\.listeners\[1\]\.port is 10080, as in .*\[0\]"),
        (_listeners(http=(10080, 80), https=(10443, 80)), r"envoy\.listeners\[1\]\.servicePort is 80"),
    ],
)
def test_values_that_do_not_fit_together_are_refused_and_named(helm: Helm, given: str, said: str) -> None:
    with pytest.raises(HelmFailed, match=said):
        helm.template(sets=[given])


def test_two_providers_of_one_name_are_refused_as_the_operator_would_refuse_them(helm: Helm, tmp_path: Path) -> None:
    provider = {"name": "corp", "issuer": "https://a.example", "audiences": ["x"], "jwks": {"inline": '{"keys": []}'}}
    jwt = {"providers": [provider, {**provider, "issuer": "https://b.example"}]}
    listener = {"name": "http", "port": 10080, "servicePort": 80, "jwt": jwt}
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"envoy": {"listeners": [listener]}}))

    with pytest.raises(HelmFailed, match=r"envoy\.listeners\[0\]\.jwt\.providers\[1\]\.name is corp"):
        helm.template(values=values)


def test_a_host_name_of_a_listener_stands_there_once_as_the_operator_would_say(helm: Helm, tmp_path: Path) -> None:
    entry = {"hostname": "a.example.com", "allowedRoutes": {"namespaces": {"from": "Same"}}}
    listener = {"name": "http", "port": 10080, "servicePort": 80, "hostnames": [entry, entry]}
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"envoy": {"listeners": [listener]}}))

    with pytest.raises(HelmFailed, match=r"envoy\.listeners\[0\]\.hostnames\[1\]\.hostname is a\.example\.com"):
        helm.template(values=values)


def test_who_may_have_a_host_is_said_to_the_operator_and_same_means_the_releases_namespace(helm: Helm) -> None:
    config = named(helm.template(values=VALUES["full"], namespace="llm"), "ConfigMap", "forebay-config")
    local = load_local_config(config["data"]["forebay.yaml"], "forebay.yaml")

    for listener in local.listeners:
        admits = {entry.hostname: entry.allowed_routes.namespaces.admit for entry in listener.hostnames}
        assert (admits["*.platform.example.com"]("llm"), admits["*.platform.example.com"]("other")) == (True, False)
        assert (admits["clinic.example.com"]("clinic"), admits["clinic.example.com"]("llm")) == (True, False)
        of_others = listener.allowed_routes.namespaces.admit
        assert (of_others("anybody"), of_others("guests")) == (True, False)


def test_a_label_that_the_operator_does_not_know_of_namespaces_is_refused(helm: Helm) -> None:
    listener = "envoy.listeners[0]"
    with pytest.raises(HelmFailed, match="additional properties 'team' not allowed"):
        helm.template(
            sets=[
                f"{listener}.name=http,{listener}.port=10080,{listener}.servicePort=80",
                f"{listener}.allowedRoutes.namespaces.from=Selector",
                f"{listener}.allowedRoutes.namespaces.selector.matchLabels.team=a",
            ]
        )


def test_without_a_pause_before_the_stop_there_is_no_hook(helm: Helm) -> None:
    """API servers before 1.33 take no sleep of no seconds."""
    (container,) = component(helm.template(sets=["envoy.preStopSeconds=0"]), "envoy")["spec"]["template"]["spec"][
        "containers"
    ]
    assert "lifecycle" not in container


def test_envoy_takes_no_port_that_needs_root(helm: Helm) -> None:
    with pytest.raises(HelmFailed, match="minimum: got 443, want 1,024"):
        helm.template(
            sets=["envoy.listeners[0].name=https,envoy.listeners[0].port=443,envoy.listeners[0].servicePort=443"]
        )


def test_existing_certificates_must_be_named(helm: Helm) -> None:
    with pytest.raises(HelmFailed, match="/mtls/existing/operatorSecret"):
        helm.template(sets=["mtls.mode=existing"])

    two = "mtls.mode=existing,mtls.existing.operatorSecret=a,mtls.existing.dataPlaneSecret=b"
    with pytest.raises(HelmFailed, match=r"set mtls\.existing\.envoySecret to the name of a Secret"):
        helm.template(sets=[two])
    assert helm.template(sets=[two, "envoy.enabled=false"])


def test_an_old_cluster_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmFailed, match="incompatible with Kubernetes"):
        helm.run("template", "forebay", str(CHART), "--kube-version=1.29.0")


def test_the_chart_of_definitions_makes_what_crds_holds(helm: Helm) -> None:
    rendered = helm.template(DEFINITIONS)
    kept = {found["metadata"]["name"]: found["metadata"].pop("annotations") for found in rendered}

    by_name = {found["metadata"]["name"]: found for found in rendered}
    for path in (ROOT / "crds").glob("*.yaml"):
        source = yaml.safe_load(path.read_text())
        assert by_name.pop(source["metadata"]["name"]) == source
    assert by_name == {}
    assert all(annotations == {"helm.sh/resource-policy": "keep"} for annotations in kept.values())


def test_definitions_go_with_the_chart_only_where_somebody_says_so(helm: Helm) -> None:
    assert not any("annotations" in found["metadata"] for found in helm.template(DEFINITIONS, sets=["keep=false"]))


def test_two_releases_share_no_name(helm: Helm) -> None:
    def names(release: str, namespace: str) -> set[tuple[str, str, str]]:
        made = helm.template(release=release, namespace=namespace)
        return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in made}

    assert not names("one", "a") & names("two", "a")
    assert not names("one", "a") & names("one", "b")


def test_the_longest_names_fit(helm: Helm) -> None:
    made = helm.template(release="r" * 53, sets=["monitoring.serviceMonitor.enabled=true"])

    assert max(len(found["metadata"]["name"]) for found in of_kind(made, "Service", "Deployment")) <= 63
    assert all(len(value) <= 63 for found in made for value in found["metadata"]["labels"].values())


def test_a_setting_reaches_what_it_names(helm: Helm) -> None:
    made = helm.template(values=VALUES["full"])

    envoy = named(made, "Service", "forebay-envoy")
    assert envoy["spec"]["type"] == "LoadBalancer"
    assert [port["port"] for port in envoy["spec"]["ports"]] == [443, 80]
    operator = named(made, "Deployment", "forebay-operator")["spec"]["template"]["spec"]
    assert operator["containers"][0]["image"].startswith("registry.example.com/llm/forebay-operator@sha256:")
    assert operator["imagePullSecrets"] == [{"name": "registry"}]
    plane = named(made, "Deployment", "forebay-data-plane")["spec"]
    assert "replicas" not in plane  # the autoscaler's
    assert plane["template"]["spec"]["containers"][0]["image"] == "registry.example.com/llm/forebay-dataplane:0.1.0"
    assert all(found["metadata"]["labels"]["team"] == "platform" for found in made)
    assert all(found["metadata"]["annotations"]["owner"] == "platform@example.com" for found in made)


def test_who_installs_is_told_that_monitors_will_find_nothing(helm: Helm) -> None:
    def notes(*sets: str) -> str:
        given = [f"--set={each}" for each in ("monitoring.serviceMonitor.enabled=true", *sets)]
        told = helm.run("install", "forebay", str(CHART), "--namespace=forebay", "--dry-run=client", *given)
        return told.partition("NOTES:")[2]

    assert "name Prometheus in networkPolicy.metrics" in notes()
    assert "networkPolicy.metrics" not in notes("networkPolicy.enabled=false")
    assert "networkPolicy.metrics" not in notes("networkPolicy.metrics[0].podSelector.matchLabels.app=prometheus")


def test_prometheus_reads_the_alerts_as_they_are_rendered(helm: Helm, binary: Callable[[str], Path]) -> None:
    (made,) = of_kind(helm.template(values=VALUES["full"]), "PrometheusRule")

    done = subprocess.run(
        [binary("promrules")],
        input=yaml.safe_dump(made["spec"]),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(made["spec"]["groups"])
    for rule in (rule for group in made["spec"]["groups"] for rule in group["rules"]):
        assert "NAME" not in rule["expr"]
        assert (
            rule["annotations"]["runbook_url"]
            == f"https://git.example.com/forebay/docs/runbook.md#{rule['alert'].lower()}"
        )
        assert rule["labels"]["team"] == "platform"


def test_the_values_of_the_gitops_examples_are_sound(helm: Helm, tmp_path: Path) -> None:
    (argo,) = yaml.safe_load_all((ROOT / "examples/gitops/argocd/release.yaml").read_text())
    _, flux = yaml.safe_load_all((ROOT / "examples/gitops/flux/release.yaml").read_text())

    for values in (argo["spec"]["source"]["helm"]["valuesObject"], flux["spec"]["values"]):
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        assert of_kind(helm.template(values=file), "Certificate")


@pytest.mark.parametrize("overlay", ["staging", "production"])
def test_an_overlay_is_built_and_validated_as_the_workflow_does(overlay: str) -> None:
    folder = ROOT / "examples/kustomize/overlays" / overlay
    built = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, timeout=30, check=True).stdout

    validate = [Path(sys.executable).with_name("forebay"), "validate", "-"]
    done = subprocess.run(validate, input=built, capture_output=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout.decode()
    assert b"no errors" in done.stdout
    assert {found["metadata"]["namespace"] for found in yaml.safe_load_all(built)} == {f"assistant-{overlay}"}
