"""Mutual TLS from a Gateway's Envoy to the data planes, with the certificates that the chart makes: by Envoy Gateway's
Backend, which has the CA and the client certificate from a Secret."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import yaml

from ..chart import Helm, Object, of_kind
from ..installation import DATA_PLANES, READY, Installation, installed
from ..isolation import HOST
from ..manifests import pool
from ..waiting import free_port, wait_until
from .envoy_gateway import EnvoyGateway
from .manifests import backend, gateway, route
from .test_written import attached

GRPC_PORT: Final = 18101
"""In a pod it is the same port as the Service's, which is headless."""
REFUSED: Final = frozenset({"503", "504"})
SECRET: Final = "forebay-envoy-tls"


class Sealed:
    """An installation whose every process has a certificate of the chart's."""

    def __init__(self, made: Installation, certificates: Path, helm: Helm, gateways: EnvoyGateway) -> None:
        self.installation = made
        self._gateways = gateways
        self.certificates = certificates
        self._helm = helm

    @property
    def namespace(self) -> str:
        return self.installation.namespace

    def issue(self, folder: Path) -> list[Object]:
        """Certificates of a CA of their own, as files; the Secrets."""
        rendered = self._helm.template(namespace=self.namespace, sets=("gatewayAPI.enabled=true",))
        secrets = [found for found in of_kind(rendered, "Secret") if found["type"] == "kubernetes.io/tls"]
        for found in secrets:
            own = folder / found["metadata"]["name"]
            own.mkdir(parents=True, exist_ok=True)
            for name, content in found["data"].items():
                (own / name).write_bytes(base64.b64decode(content))
        return secrets

    def options(self, role: str, certificates: Path | None = None) -> list[str]:
        own = (certificates or self.certificates) / f"forebay-{role}-tls"
        return [f"--tls-cert={own / 'tls.crt'}", f"--tls-key={own / 'tls.key'}", f"--tls-ca={own / 'ca.crt'}"]

    def start_data_plane(self, role: str = "data-plane", certificates: Path | None = None) -> None:
        self.installation.add_data_plane("dp-0", *self.options(role, certificates), port=GRPC_PORT)

    def stop_data_plane(self) -> None:
        self.installation.data_planes["dp-0"][0].kill()

    def answer(self) -> str:
        """The model that answers, or the status."""
        got = self.installation.ask("hello")
        return str(got.json()["model"]) if got.status_code == 200 else str(got.status_code)

    def handshakes(self, which: str) -> int:
        """How often a handshake of Envoy's with a processor has ended so."""
        stats = httpx.get(f"{self._gateways.admin(f'{self.namespace}/web')}/stats?filter={which}", trust_env=False).text
        return sum(int(line.rpartition(" ")[2]) for line in stats.splitlines() if "/extproc/" in line)

    def wait_answer(self, wanted: str, seconds: float = 30.0) -> None:
        last: list[str] = []

        def there() -> bool:
            last[:] = [self.answer()]
            return last == [wanted]

        try:
            wait_until(there, f"{wanted} answers", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; the last answer: {last}") from None


@pytest.fixture
def sealed(envoy_gateway: EnvoyGateway, room: str, binary: Callable[[str], Path], tmp_path: Path) -> Iterator[Sealed]:
    """A policy on a route, Programmed and asked."""
    kube = envoy_gateway.kube
    helm = Helm(binary("helm"), tmp_path / "helm", kube.kubeconfig)
    envoy_gateway.resolve(f"forebay-data-plane.{room}.svc.cluster.local", HOST)
    with installed(kube, room, tmp_path) as made:
        running = Sealed(made, tmp_path / "certificates", helm, envoy_gateway)
        kube.apply(yaml.safe_dump_all(running.issue(running.certificates)), namespace=room)
        made.listener = free_port()
        made.service(DATA_PLANES, [GRPC_PORT])
        made.add_operator("--gateway-api", f"--gateway-tls-secret={SECRET}", *running.options("operator"))
        running.start_data_plane()
        at = made.add_server("small-0", "small-model")
        made.service("small", [8000])
        made.slice("small", "small-0", at, {"small-0": (HOST, READY)})
        theirs = made.add_server("theirs", "theirs-model")
        own = route("llm", "web", "backend/theirs", path="/v1")
        kube.apply(gateway("web", made.listener) + backend("theirs", HOST, theirs) + own, namespace=room)
        kube.apply(pool("small") + attached("assistant", "llm", "small"), namespace=room)
        kube.wait_condition("RoutingPolicy", room, "assistant", "Programmed", seconds=60)
        yield running
        kube.kubectl("delete", "routingpolicies", "--all", "-n", room)


def test_a_request_is_decided_by_a_data_plane_that_takes_certificates_alone(sealed: Sealed) -> None:
    sealed.wait_answer("small-model")

    stored = sealed.installation.kube.list("EnvoyExtensionPolicy", sealed.namespace)
    assert [ref["kind"] for found in stored for ref in found["spec"]["extProc"][0]["backendRefs"]] == ["Backend"]


def test_nobody_is_asked_who_is_no_data_plane(sealed: Sealed, tmp_path: Path) -> None:
    sealed.wait_answer("small-model")
    sealed.issue(tmp_path / "others")

    # A certificate of the same CA for somebody else, and one of another CA for a data plane.
    for role, certificates, found in (
        ("operator", None, "fail_verify_san"),
        ("data-plane", tmp_path / "others", "fail_verify_error"),
    ):
        sealed.stop_data_plane()
        wait_until(lambda: sealed.answer() in REFUSED, "the data plane has gone", 30)
        sealed.start_data_plane(role, certificates)
        wait_until(_listens, "somebody listens in its stead", 30)
        assert {sealed.answer() for _ in range(10)} <= REFUSED, f"answered by who has the certificate of {role}"
        refused = wait_until(lambda name=found: sealed.handshakes(name), f"Envoy counts {found}", 10)
        assert refused
    sealed.stop_data_plane()
    sealed.start_data_plane()
    sealed.wait_answer("small-model")


def test_certificates_are_renewed_without_a_restart_of_anything(sealed: Sealed) -> None:
    sealed.wait_answer("small-model")

    # All at once, as after `helm upgrade` without the former Secrets: the CA is another one, too.
    made = sealed.issue(sealed.certificates)
    sealed.installation.kube.apply(yaml.safe_dump_all(made), namespace=sealed.namespace)

    sealed.stop_data_plane()
    sealed.start_data_plane()
    sealed.wait_answer("small-model", 60)


def _listens() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, GRPC_PORT)) == 0
