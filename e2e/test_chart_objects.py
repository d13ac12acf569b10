"""What the chart makes, object by object: what pods may do, who may reach whom, what the processes are told."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from forebay_api.manifest import load_local_config
from forebay_extproc.options import parse_options as parse_data_plane
from forebay_operator.cluster.connection import Api, Login
from forebay_operator.cluster.kinds import (
    ALWAYS,
    ENVOY_GATEWAY,
    GATEWAY_API,
    GRANTS,
    INFERENCE_POOLS,
    PODS,
    POLICY_DATA,
    SECRETS,
    Resource,
)
from forebay_operator.cluster.reach import Reach
from forebay_operator.envoy.identity import STATE
from forebay_operator.envoy.stats import LIVE, SHOWN
from forebay_operator.lastgood.shards import names
from forebay_operator.launch.envoy import STOP_SECONDS
from forebay_operator.launch.options import parse_options as parse_launch
from forebay_operator.options import parse_options as parse_operator

from .chart import POD_IP, VALUES, Helm, Object, arguments, component, deployments, named, of_kind, rules

ROLES = {"operator": "forebay-operator", "data-plane": "forebay-data-plane", "envoy": "forebay-envoy"}


@pytest.fixture(scope="module")
def helm(binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(binary("helm"), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="module", params=VALUES)
def made(helm: Helm, request: pytest.FixtureRequest) -> list[Object]:
    """The objects of each set of values."""
    return helm.template(values=VALUES[request.param])


@pytest.fixture(scope="module")
def full(helm: Helm) -> list[Object]:
    return helm.template(values=VALUES["full"])


def test_no_container_runs_as_root_or_may_write_its_root(made: list[Object]) -> None:
    for name, deployment, container in deployments(made):
        pod = deployment["spec"]["template"]["spec"]["securityContext"]
        own = container["securityContext"]
        assert (pod["runAsNonRoot"], pod["seccompProfile"]) == (True, {"type": "RuntimeDefault"}), name
        assert pod["runAsUser"] > 0, name
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_every_container_says_what_it_needs_and_can_be_probed(made: list[Object]) -> None:
    for name, _, container in deployments(made):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
        assert "memory" in container["resources"]["limits"], name
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), name
        assert not container["image"].endswith((":", ":latest")), name
        assert all(isinstance(argument, str) for argument in container["args"]), name


def test_envoys_probes_ask_what_its_stats_port_shows(full: list[Object]) -> None:
    _, _, container = next(found for found in deployments(full) if found[0] == "envoy")
    asked = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert {probe: get["path"] for probe, get in asked.items()} == {
        "startupProbe": "/ready",
        "livenessProbe": LIVE,  # and not whether it is ready: an Envoy without an operator is no dead one
        "readinessProbe": "/ready",
    }
    assert "/ready" in SHOWN
    assert all(get["port"] == "stats" for get in asked.values())


def test_only_the_operator_has_a_token(made: list[Object]) -> None:
    assert not any(account["automountServiceAccountToken"] for account in of_kind(made, "ServiceAccount"))
    for name, deployment, _ in deployments(made):
        assert deployment["spec"]["template"]["spec"]["automountServiceAccountToken"] is (name == "operator")


def test_what_processes_write_to_is_bounded(made: list[Object]) -> None:
    for name, deployment, _ in deployments(made):
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        empty = [volume["emptyDir"] for volume in volumes if "emptyDir" in volume]
        assert empty, name
        assert all("sizeLimit" in directory for directory in empty), name


def test_no_rule_has_a_wildcard_or_more_verbs_than_are_used(made: list[Object]) -> None:
    for role, rule in rules(made):
        every = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "*" not in every, role["metadata"]["name"]
        assert not {"delete", "deletecollection", "escalate", "bind", "impersonate"} & set(rule["verbs"])


def test_secrets_are_read_in_named_namespaces_only_and_never_written(made: list[Object], full: list[Object]) -> None:
    found = [(role, rule) for role, rule in rules(made) if "secrets" in rule["resources"]]

    assert all(role["kind"] == "Role" and rule["verbs"] == ["list", "watch"] for role, rule in found)
    where = [role["metadata"]["namespace"] for role, rule in rules(full) if "secrets" in rule["resources"]]
    assert where == ["ai", "forebay"]


def test_without_credential_namespaces_no_secret_is_read(helm: Helm) -> None:
    assert not any("secrets" in rule["resources"] for _, rule in rules(helm.template()))


def test_the_cluster_role_writes_status_and_events_and_nothing_else(helm: Helm) -> None:
    writes = {
        (resource, verb)
        for role, rule in rules(helm.template(values=VALUES["full"]))
        if role["kind"] == "ClusterRole"
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in ("get", "list", "watch")
    }

    assert writes == {("routingpolicies/status", "patch"), ("modelpools/status", "patch"), ("events", "create")}


def test_named_namespaces_need_no_cluster_role(helm: Helm) -> None:
    made = helm.template(values=VALUES["gateway"])

    assert not of_kind(made, "ClusterRole", "ClusterRoleBinding")
    watched = [
        role["metadata"]["namespace"] for role in of_kind(made, "Role") if role["metadata"]["name"].endswith("watched")
    ]
    assert watched == ["team-a", "team-b"]


def test_pods_are_read_only_with_inference_pools(helm: Helm) -> None:
    def resources(*sets: str) -> set[str]:
        return {resource for _, rule in rules(helm.template(sets=sets)) for resource in rule["resources"]}

    assert not {"pods", "inferencepools"} & resources()
    assert {"pods", "inferencepools"} <= resources("inferencePools.enabled=true")


def test_config_maps_are_listed_only_where_policies_are_and_only_if_that_is_wanted(helm: Helm) -> None:
    def listing(*sets: str) -> list[tuple[str, str | None]]:
        return [
            (role["kind"], role["metadata"].get("namespace"))
            for role, rule in rules(helm.template(sets=sets))
            if "configmaps" in rule["resources"] and "list" in rule["verbs"]
        ]

    assert listing() == []
    assert listing("configMaps.enabled=true") == [("ClusterRole", None)]
    named_ones = listing("configMaps.enabled=true", "watchNamespaces={team-a,team-b}")
    assert named_ones == [("Role", "team-a"), ("Role", "team-b")]


def test_every_binding_names_a_role_and_an_account_that_exist(made: list[Object]) -> None:
    roles = {
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"])
        for role in of_kind(made, "Role", "ClusterRole")
    }
    accounts = {
        (account["metadata"]["namespace"], account["metadata"]["name"]) for account in of_kind(made, "ServiceAccount")
    }
    for binding in of_kind(made, "RoleBinding", "ClusterRoleBinding"):
        reference = binding["roleRef"]
        assert (reference["kind"], binding["metadata"].get("namespace"), reference["name"]) in roles
        assert {(subject["namespace"], subject["name"]) for subject in binding["subjects"]} <= accounts


def test_the_last_good_configuration_has_a_name_for_every_file(helm: Helm) -> None:
    made = helm.template()
    wanted = list(names("forebay"))

    (rule,) = [rule for _, rule in rules(made) if rule["resources"] == ["configmaps"] and "resourceNames" in rule]
    assert rule["resourceNames"] == wanted
    for part in ("data-plane", "envoy"):
        volumes = component(made, part)["spec"]["template"]["spec"]["volumes"]
        (volume,) = [volume for volume in volumes if volume["name"] == "last-good"]
        sources = [source["configMap"] for source in volume["projected"]["sources"]]
        assert [source["name"] for source in sources] == wanted
        assert all(source["optional"] for source in sources)


def test_services_find_pods_and_their_ports(made: list[Object]) -> None:
    for service in of_kind(made, "Service"):
        selector = service["spec"]["selector"]
        (found,) = [
            (deployment, container)
            for _, deployment, container in deployments(made)
            if selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
        ]
        deployment, container = found
        assert deployment["spec"]["selector"]["matchLabels"] == selector
        ports = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_budgets_scalers_and_monitors_find_what_they_are_for(full: list[Object]) -> None:
    labels = [deployment["spec"]["template"]["metadata"]["labels"].items() for _, deployment, _ in deployments(full)]
    names = {deployment["metadata"]["name"] for _, deployment, _ in deployments(full)}

    for budget in of_kind(full, "PodDisruptionBudget"):
        assert sum(budget["spec"]["selector"]["matchLabels"].items() <= found for found in labels) == 1
    assert {scaler["spec"]["scaleTargetRef"]["name"] for scaler in of_kind(full, "HorizontalPodAutoscaler")} <= names
    services = of_kind(full, "Service")
    for monitor in of_kind(full, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = [found for found in services if wanted <= found["metadata"]["labels"].items()]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_clients_see_no_metrics_and_no_admin_port(full: list[Object]) -> None:
    ports = {port["targetPort"] for port in named(full, "Service", "forebay-envoy")["spec"]["ports"]}

    assert ports == {"http", "https"}


def test_pods_are_closed_but_for_what_is_needed(made: list[Object]) -> None:
    policies = of_kind(made, "NetworkPolicy")
    closed = [policy for policy in policies if "ingress" not in policy["spec"] and "egress" not in policy["spec"]]
    assert len(closed) == 1
    for _, deployment, _ in deployments(made):
        labels = deployment["spec"]["template"]["metadata"]["labels"].items()
        selected = [policy for policy in policies if policy["spec"]["podSelector"]["matchLabels"].items() <= labels]
        assert len(selected) == 2, deployment["metadata"]["name"]
        assert all(policy["spec"]["policyTypes"] == ["Ingress", "Egress"] for policy in selected)


def test_the_data_plane_reaches_nothing_but_its_own(made: list[Object]) -> None:
    (policy,) = [
        policy
        for policy in of_kind(made, "NetworkPolicy")
        if policy["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component") == "data-plane"
    ]
    dns, *others = policy["spec"]["egress"]

    assert {port["port"] for port in dns["ports"]} == {53}
    reached = {
        (peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"], rule["ports"][0]["port"])
        for rule in others
        for peer in rule["to"]
    }
    assert reached == {("operator", 18000), ("data-plane", 18001)}


def test_dns_is_asked_where_it_is_said_to_be(helm: Helm, full: list[Object]) -> None:
    def asked(objects: list[Object]) -> list[object]:
        policies = [found for found in of_kind(objects, "NetworkPolicy") if "egress" in found["spec"]]
        return [policy["spec"]["egress"][0].get("to") for policy in policies]

    named = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert asked(full) == [named] * 3
    assert asked(helm.template()) == [None] * 3


def test_network_policies_can_be_left_out(helm: Helm) -> None:
    assert not of_kind(helm.template(sets=["networkPolicy.enabled=false"]), "NetworkPolicy")


def test_the_data_plane_understands_its_arguments(made: list[Object], certificates: Path) -> None:
    options = parse_data_plane(_with_tls(_arguments_of(made, "data-plane"), certificates))

    assert (options.node_id, options.replica) == ("dataplane/some-pod", POD_IP)
    assert options.peer_service is not None, "outcomes reach the replica that decided"
    assert options.listen[0].endswith(":18001")
    assert options.metrics_port == 9090
    assert options.security.certificates is not None


def test_the_operator_understands_its_arguments(made: list[Object], certificates: Path) -> None:
    options = parse_operator(_with_tls(_arguments_of(made, "operator"), certificates))

    cluster = options.cluster
    assert cluster is not None
    assert (cluster.namespace, cluster.identity) == ("forebay", "some-pod")
    services = {service["metadata"]["name"] for service in of_kind(made, "Service")}
    assert {cluster.data_plane_service, cluster.envoy_service} - {None} <= services
    leases = [
        rule["resourceNames"] for _, rule in rules(made) if rule["resources"] == ["leases"] and "resourceNames" in rule
    ]
    assert leases == [[f"{cluster.name}-operator"]]
    assert _where(made, "secrets") == cluster.credential_namespaces
    assert _where(made, "modelpools") == (cluster.watched or (None,))
    assert bool(_where(made, "pods")) == cluster.inference_pools


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("switches", [(), ("configMaps", "inferencePools", "gatewayAPI")])
def test_the_operator_may_list_and_watch_all_that_it_follows(
    helm: Helm, certificates: Path, values: str, switches: tuple[str, ...]
) -> None:
    """What it may not read it waits for, and never becomes ready."""
    sets = [f"{switch}.enabled=true" for switch in switches] + ["gatewayAPI.tlsSecret=for-gateways"]
    made = helm.template(values=VALUES[values], sets=sets)
    options = parse_operator(_with_tls(_arguments_of(made, "operator"), certificates)).cluster
    assert options is not None
    followed = [*ALWAYS, GRANTS, *([SECRETS] if options.credential_namespaces else [])]
    if switches:
        followed += [POLICY_DATA, INFERENCE_POOLS, PODS, *GATEWAY_API, *ENVOY_GATEWAY]

    lacking = {
        (resource.plural, namespace)
        for resource in followed
        for namespace in Reach(options, Api(Login())).namespaces(resource, ()) or (None,)
        if not {"list", "watch"} <= _verbs(made, resource, namespace)
    }

    assert lacking == set()


def test_envoys_launcher_understands_its_arguments(full: list[Object], certificates: Path) -> None:
    _, deployment, container = next(found for found in deployments(full) if found[0] == "envoy")
    options = parse_launch(_with_tls(arguments(container), certificates))

    assert options.node_id == "envoy/some-pod"
    assert options.stats == "0.0.0.0:9902"
    assert options.extra == ("--concurrency", "2")
    # The operator tells Envoy where its certificates are, and knows one directory.
    assert str(options.state) == STATE
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert str(options.state) in writable
    host, _, port = options.operators[0].partition(":")
    assert host == f"forebay-operator.{deployment['metadata']['namespace']}.svc.cluster.local"
    assert int(port) in {each["port"] for each in named(full, "Service", "forebay-operator")["spec"]["ports"]}


def test_the_operator_understands_its_configuration(made: list[Object]) -> None:
    (config,) = [found for found in of_kind(made, "ConfigMap") if "forebay.yaml" in found["data"]]
    local = load_local_config(config["data"]["forebay.yaml"], "forebay.yaml")

    envoy = [(container, local) for name, _, container in deployments(made) if name == "envoy"]
    for container, _ in envoy:
        ports = {port["containerPort"] for port in container["ports"]} - {9902}
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {listener.port for listener in local.listeners} == ports
        for listener in local.listeners:
            if listener.tls is not None:
                assert str(Path(listener.tls.cert_file).parent) in mounts
        if local.trust.ca_file is not None:
            assert str(Path(local.trust.ca_file).parent) in mounts


def test_plain_text_between_the_planes_is_a_wish_that_all_are_told(helm: Helm) -> None:
    made = helm.template(sets=["mtls.mode=none"])

    assert not of_kind(made, "Secret", "Certificate")
    for name, deployment, container in deployments(made):
        assert "--insecure" in container["args"], name
        assert "tls" not in {volume["name"] for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    for _, _, container in deployments(helm.template()):
        assert "--insecure" not in container["args"]


def test_each_stops_after_those_that_need_it(made: list[Object]) -> None:
    def pause(container: Object) -> int:
        return int(container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0))

    parts = {
        name: (deployment["spec"]["template"]["spec"], container) for name, deployment, container in deployments(made)
    }
    plane, plane_container = parts["data-plane"]
    assert plane["terminationGracePeriodSeconds"] > pause(plane_container)
    if "envoy" in parts:
        envoy, envoy_container = parts["envoy"]
        launch = parse_launch(_without_tls(arguments(envoy_container)))
        assert envoy["terminationGracePeriodSeconds"] >= pause(envoy_container) + launch.drain + STOP_SECONDS
        assert pause(plane_container) >= pause(envoy_container) + launch.drain


def test_chart_made_certificates_carry_roles_and_are_signed_by_a_ca_whose_key_is_nowhere(helm: Helm) -> None:
    made = helm.template()
    secrets = {name: named(made, "Secret", f"forebay-{name}-tls")["data"] for name in ROLES}

    for name, data in secrets.items():
        assert data.keys() == {"ca.crt", "tls.crt", "tls.key"}
        certificate = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
        authority = x509.load_pem_x509_certificate(base64.b64decode(data["ca.crt"]))
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert found.get_values_for_type(x509.DNSName) == [ROLES[name]]
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert {usage._name for usage in usages} == {"serverAuth", "clientAuth"}
        key = authority.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        assert certificate.signature_hash_algorithm is not None
        key.verify(
            certificate.signature,
            certificate.tbs_certificate_bytes,
            padding.PKCS1v15(),
            certificate.signature_hash_algorithm,
        )
    assert len({data["ca.crt"] for data in secrets.values()}) == 1


def test_cert_manager_is_asked_for_the_same_roles(full: list[Object]) -> None:
    asked = {
        found["spec"]["secretName"]: found["spec"]
        for found in of_kind(full, "Certificate")
        if not found["spec"].get("isCA")
    }

    assert {name: spec["dnsNames"] for name, spec in asked.items()} == {
        f"forebay-{name}-tls": [role] for name, role in ROLES.items()
    }
    assert all({"server auth", "client auth"} <= set(spec["usages"]) for spec in asked.values())
    issuers = {issuer["metadata"]["name"] for issuer in of_kind(full, "Issuer")}
    assert {found["spec"]["issuerRef"]["name"] for found in of_kind(full, "Certificate")} <= issuers


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pods have mounted."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("forebay-operator")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    issued.private_key_pem.write_to_path(folder / "tls.key")
    issued.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    return folder


def _arguments_of(made: list[Object], name: str) -> list[str]:
    return next(arguments(container) for found, _, container in deployments(made) if found == name)


def _with_tls(given: list[str], certificates: Path) -> list[str]:
    return [argument.replace("/etc/forebay/tls", str(certificates)) for argument in given]


def _without_tls(given: list[str]) -> list[str]:
    return ["--insecure", *(argument for argument in given if not argument.startswith("--tls-"))]


def _verbs(made: list[Object], resource: Resource, namespace: str | None) -> set[str]:
    """What the operator may do with all objects of a kind there; None for the whole cluster."""
    return {
        verb
        for role, rule in rules(made)
        if role["metadata"].get("namespace") in (None, namespace) and "resourceNames" not in rule
        if resource.group in rule["apiGroups"] and resource.plural in rule["resources"]
        for verb in rule["verbs"]
    }


def _where(made: list[Object], resource: str) -> tuple[str | None, ...]:
    """The namespaces in which something may be read; None for the whole cluster."""
    return tuple(role["metadata"].get("namespace") for role, rule in rules(made) if resource in rule["resources"])


WRITTEN_FOR_GATEWAYS = {
    "httproutes",
    "referencegrants",
    "envoyextensionpolicies",
    "clienttrafficpolicies",
    "backends",
    "httproutefilters",
    "envoypatchpolicies",
}


def test_rights_on_gateways_are_roles_of_their_own_and_off_with_the_mode(helm: Helm) -> None:
    off, on = helm.template(), helm.template(sets=["gatewayAPI.enabled=true"])

    touched = {resource for _, rule in rules(off) for resource in rule["resources"]}
    assert not touched & (WRITTEN_FOR_GATEWAYS - {"referencegrants"} | {"gateways", "gatewayclasses"})
    before = {(role["kind"], role["metadata"]["name"]) for role, _ in rules(off)}
    more = [(role, rule) for role, rule in rules(on) if (role["kind"], role["metadata"]["name"]) not in before]
    assert {role["metadata"]["name"] for role, _ in more} == {"forebay:forebay-gateways"}
    written = {resource for _, rule in more for resource in rule["resources"] if "patch" in rule["verbs"]}
    assert written == WRITTEN_FOR_GATEWAYS
    assert [rule for role, rule in rules(off)] == [
        rule for role, rule in rules(on) if role["metadata"]["name"] != "forebay:forebay-gateways"
    ]


def test_in_named_namespaces_only_gateway_classes_are_read_in_the_whole_cluster(helm: Helm) -> None:
    sets = ["gatewayAPI.enabled=true", "gatewayAPI.tlsSecret=for-gateways"]
    made = helm.template(values=VALUES["gateway"], sets=sets)

    (role,) = of_kind(made, "ClusterRole")
    assert [rule["resources"] for rule in role["rules"]] == [["gatewayclasses"]]
    where = [r["metadata"]["namespace"] for r in of_kind(made, "Role") if r["metadata"]["name"].endswith("-gateways")]
    assert where == ["team-a", "team-b", "forebay"]


def test_the_operator_is_told_of_gateways_and_how_they_are_let_in(helm: Helm) -> None:
    made = helm.template(sets=["gatewayAPI.enabled=true"])

    (container,) = component(made, "operator")["spec"]["template"]["spec"]["containers"]
    told = arguments(container)
    assert "--gateway-api" in told
    assert "--gateway-tls-secret=forebay-envoy-tls" in told
    assert "--gateway-api" not in arguments(
        component(helm.template(), "operator")["spec"]["template"]["spec"]["containers"][0]
    )
