"""What tests behind Envoy Gateway share: an API server of this folder's own that knows its kinds, and Envoy Gateway."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..chart import Helm
from ..conftest import apply_crds
from ..control_plane import ControlPlane, running_control_plane
from ..foreign import GATEWAY
from ..installation import installed
from ..isolation import can_listen
from .behind import Behind, Site, grant_rights
from .envoy_gateway import EnvoyGateway


@pytest.fixture(scope="package")
def gateway_plane(control_plane_binaries: dict[str, Path]) -> Iterator[ControlPlane]:
    """An API server with our CRDs. Gateway API's come with Envoy Gateway."""
    if not can_listen():
        pytest.skip("Envoy Gateway listens on ports of its own choice: it needs a network of the tests' own")
    if missing := [wanted.path for wanted in GATEWAY if not wanted.file.exists()]:
        pytest.skip(f"not fetched: {', '.join(missing)}: `make e2e-parts` does, or says why it cannot")
    with running_control_plane(control_plane_binaries) as made:
        apply_crds(made.kube)
        yield made


@pytest.fixture(scope="package")
def envoy_gateway(
    gateway_plane: ControlPlane, binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EnvoyGateway]:
    """Envoy Gateway, running. Who stops it starts it again."""
    made = EnvoyGateway(gateway_plane.kube, binary("envoy-gateway"), tmp_path_factory.mktemp("envoy-gateway"))
    made.install()
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def room(envoy_gateway: EnvoyGateway, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own; its Gateways and their Envoys go with it."""
    kube = envoy_gateway.kube
    made = f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())[5:28].strip('-')}-{secrets.token_hex(2)}"
    kube.kubectl("create", "namespace", made)
    yield made
    kube.kubectl("delete", "gateways.gateway.networking.k8s.io", "--all", "-n", made, check=False)
    kube.kubectl("delete", "namespace", made, "--wait=false", check=False)


@pytest.fixture(scope="package")
def behind(
    envoy_gateway: EnvoyGateway, binary: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Behind]:
    """Forebay in namespace `team`, acting with the chart's rights; it watches `team` and `other`. Who stops a part
    starts it again."""
    kube = envoy_gateway.kube
    for namespace in ("team", "other"):
        kube.kubectl("create", "namespace", namespace)
    folder = tmp_path_factory.mktemp("behind")
    helm = Helm(binary("helm"), folder, kube.kubeconfig)
    account = grant_rights(kube, helm, "team", "watchNamespaces={team,other}", "credentialNamespaces={team}")
    with installed(kube, "team", folder, kubeconfig=account) as made:
        running = Behind(envoy_gateway, made)
        running.start(binary("llm-d-inference-sim"), "--watch-namespace", "other", "--credential-namespace", "team")
        yield running


@pytest.fixture
def site(behind: Behind, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A Gateway and a route of a team's own, served. Afterwards nothing that was generated is left."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[5:25].strip("-")
    made = Site(behind, f"{name}-{secrets.token_hex(2)}")
    try:
        made.start()
        yield made
        for namespace in ("team", "other"):
            behind.kube.kubectl("delete", "routingpolicies", "--all", "-n", namespace)
        behind.wait_nothing_generated()
    finally:
        for namespace in ("team", "other"):
            for kind in ("httproutes", "referencegrants", "gateways"):
                behind.kube.kubectl("delete", f"{kind}.gateway.networking.k8s.io", "--all", "-n", namespace)
