"""A Kubernetes control plane as processes on loopback: etcd, kube-apiserver, kube-controller-manager.

No nodes and no kubelet: Pods stay as they are written. RBAC is on, so what a ServiceAccount may do is tried for real.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import trustme

from .isolation import HOST, can_listen
from .kube import Kube
from .kubeconfig import write_kubeconfig
from .process import Process
from .waiting import free_port, wait_until

READY_SECONDS: Final = 120.0
CONTROLLERS: Final = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "endpointslice-controller",
    "deployment-controller",
    "replicaset-controller",
    "disruption-controller",
)
AUDIT: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "Request",
            "verbs": ["patch"],
            "resources": [{"group": "forebay.dev", "resources": ["modelpools/status", "routingpolicies/status"]}],
        },
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}
"""All that a ServiceAccount asks, and every write: tests count them, and read what was said of an object."""


class ControlPlane:
    """Binaries go by name: etcd, kube-apiserver and, if there is one, kube-controller-manager."""

    def __init__(self, binaries: Mapping[str, Path]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fb-e2e-"))
        self.url = f"https://127.0.0.1:{free_port()}"
        self.etcd_url = f"http://127.0.0.1:{free_port()}"
        self.admin_token = secrets.token_urlsafe(16)
        self.ca_file = self.folder / "ca.crt"
        self._write_credentials()
        admin = self.folder / "admin.kubeconfig"
        self.kubeconfig = write_kubeconfig(admin, self.url, self.ca_file.read_bytes(), self.admin_token)
        self.etcd = Process(self._etcd(binaries["etcd"]), self.folder / "etcd.log")
        self.apiserver = Process(self._apiserver(binaries["kube-apiserver"]), self.folder / "apiserver.log")
        manager = binaries.get("kube-controller-manager")
        self.manager = Process(self._manager(manager), self.folder / "manager.log") if manager else None
        self.kube = Kube(self.kubeconfig, self.folder)
        self._probe = httpx.Client(
            base_url=self.url,
            verify=ssl.create_default_context(cafile=str(self.ca_file)),
            headers={"authorization": f"Bearer {self.admin_token}"},
            timeout=5,
            trust_env=False,
        )

    def start(self) -> None:
        """Start everything; returns when the API server is ready."""
        self.start_etcd()
        self.start_apiserver()
        if self.manager is not None:
            self.manager.start()

    def stop(self) -> None:
        self._probe.close()
        self.kube.close()
        for process in (self.manager, self.apiserver, self.etcd):
            if process is not None:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_etcd(self) -> None:
        self.etcd.start()
        wait_until(lambda: self._answers(self.etcd, f"{self.etcd_url}/health"), "etcd is healthy", READY_SECONDS)

    def start_apiserver(self) -> None:
        """Its data, keys and address are those of before."""
        self.apiserver.start()
        wait_until(lambda: self._answers(self.apiserver, "/readyz"), "kube-apiserver is ready", READY_SECONDS)

    def kill_apiserver(self) -> None:
        self.apiserver.kill()

    def restart_apiserver(self, down_seconds: float = 0.0) -> None:
        self.kill_apiserver()
        time.sleep(down_seconds)
        self.start_apiserver()

    def restart_etcd(self, down_seconds: float = 0.0) -> None:
        """Kill etcd and start it with its data; returns when the API server is ready again."""
        self.etcd.kill()
        time.sleep(down_seconds)
        self.start_etcd()
        wait_until(lambda: self._answers(self.apiserver, "/readyz"), "kube-apiserver is ready again", READY_SECONDS)

    def expire_watches(self) -> None:
        """Make every watch that resumes hear 410 Gone: the API server restarts over a compacted etcd."""
        self.kill_apiserver()
        key = base64.b64encode(b"forebay-e2e").decode()
        with httpx.Client(base_url=self.etcd_url, timeout=READY_SECONDS, trust_env=False) as etcd:
            put = etcd.post("/v3/kv/put", json={"key": key, "value": key}).raise_for_status().json()
            compaction = {"revision": put["header"]["revision"], "physical": True}
            etcd.post("/v3/kv/compaction", json=compaction).raise_for_status()
        self.start_apiserver()

    def audit(self) -> list[dict[str, Any]]:
        """Audit events so far, oldest first: every write, and all that ServiceAccounts asked."""
        path = self.folder / "audit.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def _answers(self, process: Process, url: str) -> bool:
        assert process.alive, f"{process.argv[0]} has ended:\n{process.tail()}"
        try:
            return self._probe.get(url).status_code == 200
        except httpx.TransportError:
            return False

    def _write_credentials(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        server = authority.issue_cert("127.0.0.1", "localhost", "kubernetes.default.svc")
        server.private_key_pem.write_to_path(self.folder / "server.key")
        (self.folder / "server.crt").write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        authority.issue_cert("accounts.invalid").private_key_pem.write_to_path(self.folder / "accounts.key")
        (self.folder / "tokens.csv").write_text(f'{self.admin_token},admin,admin,"system:masters"\n')
        (self.folder / "audit.json").write_text(json.dumps(AUDIT))

    def _etcd(self, binary: Path) -> list[str]:
        peers = f"http://127.0.0.1:{free_port()}"
        return [
            str(binary),
            f"--data-dir={self.folder}/etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--log-level=warn",
        ]

    def _apiserver(self, binary: Path) -> list[str]:
        return [
            str(binary),
            f"--etcd-servers={self.etcd_url}",
            "--bind-address=127.0.0.1",
            *((f"--advertise-address={HOST}",) if can_listen() else ()),
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={self.folder}/server.crt",
            f"--tls-private-key-file={self.folder}/server.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder}/accounts.key",
            f"--service-account-signing-key-file={self.folder}/accounts.key",
            f"--token-auth-file={self.folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",  # Pods need not wait for a default account
            f"--audit-policy-file={self.folder}/audit.json",
            f"--audit-log-path={self.folder}/audit.log",
            "--audit-log-mode=blocking",
            "--shutdown-delay-duration=0s",
        ]

    def _manager(self, binary: Path) -> list[str]:
        return [
            str(binary),
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            f"--service-account-private-key-file={self.folder}/accounts.key",
            f"--root-ca-file={self.ca_file}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
            f"--cert-dir={self.folder}",
        ]


@contextmanager
def running_control_plane(binaries: Mapping[str, Path]) -> Iterator[ControlPlane]:
    made = ControlPlane(binaries)
    try:
        made.start()
        yield made
    finally:
        made.stop()
