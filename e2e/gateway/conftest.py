"""What tests behind Envoy Gateway share: an API server of this folder's own that knows its kinds, and Envoy Gateway."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..conftest import apply_crds
from ..control_plane import ControlPlane, running_control_plane
from ..foreign import GATEWAY
from ..isolation import can_listen
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
