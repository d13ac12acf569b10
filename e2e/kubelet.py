"""What nodes do for the pods of some namespaces, as far as tests need it: their containers run as processes, with the
arguments, environment and mounts that their templates say, on a root that is read-only; probes decide who is ready.

The Deployment's pods come from the real controllers, and the real controllers make EndpointSlices of them. Each pod has
mounts and a network interface of its own. Left out: users, images, cgroups, network policies.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from .chart import ROOT
from .forward import Forward
from .kube import Kube, place
from .names import NameServer
from .process import Process
from .waiting import wait_until

MODULES: Final = {
    "forebay-operator": "forebay_operator",
    "forebay-dataplane": "forebay_extproc",
    "forebay-envoy": "forebay_operator.launch",
}
"""What the images start (docker/Dockerfile), by repository."""
TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
API_HOST: Final = "192.0.2.2"
BRIDGE: Final = "pods"
GATEWAY: Final = "198.51.100.1"
FIRST_ADDRESS: Final = 10
"""Pods are in 198.51.100.0/24, a range for documentation, which nobody routes."""
NODE: Final = "here"
RESOLVER: Final = (
    f"nameserver {GATEWAY}\nsearch {{}}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
)
LOOK_SECONDS: Final = 0.2
FAILURES: Final = 3
"""Kubernetes' own default of a probe's failureThreshold."""
MOUNT: Final = r"""
set -e
until ip -4 address show eth0 2>/dev/null | grep -q inet; do sleep 0.02; done
ip link set lo up
mount -t tmpfs tmpfs /mnt
mkdir /mnt/tree
mount --bind "$POD_TREE" /mnt/tree
mount --bind "$POD_ETC" /etc
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
printf '%s\n' "$POD_MOUNTS" | while IFS='|' read -r source target options; do
  test -n "$source" || continue
  mkdir -p "$target"
  mount --bind "$source" "$target"
  test -z "$options" || mount -o "remount,bind,$options" "$target"
done
if ! test -e "$POD_TREE/pyproject.toml"; then  # a volume hides the checkout: it stands for the image's own files
  mkdir -p "$POD_TREE"
  mount --bind /mnt/tree "$POD_TREE"
  cd "$POD_TREE"
fi
mount -o remount,bind,ro /
exec "$@"
"""


def why_not() -> str:
    """Empty, or why pods cannot be run here."""
    missing = [tool for tool in ("ip", "mount", "nsenter", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"there is no {', '.join(missing)} here: install util-linux and iproute2"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "true"], capture_output=True, text=True, timeout=60, check=False
    )
    return f"pods need namespaces of their own: {tried.stderr.strip()}" if tried.returncode else ""


class Pod:
    """One pod's container as a process, and its files below `folder`."""

    def __init__(self, kube: Kube, stored: dict[str, Any], address: str, folder: Path) -> None:
        self.name: str = stored["metadata"]["name"]
        self.namespace: str = stored["metadata"]["namespace"]
        self.labels: dict[str, str] = stored["metadata"]["labels"]
        self.address = address
        self.ready = False
        self._silent = 0
        self.spec = stored["spec"]
        (self.container,) = self.spec["containers"]
        self._kube = kube
        self._folder = folder
        folder.mkdir(parents=True)
        shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True, ignore=_unreadable)
        (folder / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (folder / "etc/resolv.conf").unlink(missing_ok=True)
        (folder / "etc/resolv.conf").write_text(RESOLVER.format(self.namespace))
        mounts = self._mounts()
        argv = [sys.executable, "-m", MODULES[self.container["image"].rpartition("/")[2].partition(":")[0]]]
        if "command" in self.container:
            argv = [sys.executable if part == "python" else part for part in self.container["command"]]
        argv += [self._expanded(argument) for argument in self.container.get("args", ())]
        environment = {
            "POD_ETC": str(folder / "etc"),
            "POD_TREE": str(ROOT),
            "POD_MOUNTS": "\n".join("|".join(mount) for mount in mounts),
            "HOME": "/tmp",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONSAFEPATH": "1",
            **self._environment(),
        }
        self.process = Process(
            ["unshare", "--mount", "--net", "sh", "-c", MOUNT, "sh", *argv], folder.with_suffix(".log"), environment
        )

    def start(self) -> None:
        """Start it, and give its network namespace an interface."""
        self.process.start()
        own, process = Path("/proc/self/ns/net").readlink(), Path(f"/proc/{self.process.pid}/ns/net")
        wait_until(lambda: process.readlink() != own, f"{self.name} has a network of its own")
        number, pid = self.address.rpartition(".")[2], str(self.process.pid)
        _ip("link", "add", f"pod{number}", "type", "veth", "peer", "name", "eth0", "netns", pid)
        _ip("link", "set", f"pod{number}", "master", BRIDGE, "up")
        _ip("link", "set", "eth0", "up", within=pid)
        _ip("address", "add", f"{self.address}/24", "dev", "eth0", within=pid)
        _ip("route", "add", "default", "via", GATEWAY, within=pid)

    def answers(self, probe: str) -> bool:
        """Whether a probe of the container succeeds now."""
        asked = self.container.get(probe, {}).get("httpGet")
        if asked is None:
            return self.process.alive
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        url = f"http://{self.address}:{ports[asked['port']]}{asked['path']}"
        try:
            answered = httpx.get(url, timeout=asked.get("timeoutSeconds", 1), trust_env=False).status_code < 400
        except httpx.TimeoutException:
            # As a kubelet does: a process that is slow to answer once, as its machine is, stays what it was.
            self._silent += 1
            return self.ready and self._silent < FAILURES
        except httpx.TransportError:
            answered = False
        self._silent = 0
        return answered

    def stop(self) -> int | None:
        """preStop, SIGTERM, and what is left of the grace period; the exit code."""
        deadline = time.monotonic() + float(self.spec["terminationGracePeriodSeconds"])
        time.sleep(float(self.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)))
        self.process.signal(signal.SIGTERM)
        try:
            return self.process.wait(max(1.0, deadline - time.monotonic()))
        except AssertionError:
            return None
        finally:
            self.kill()

    def kill(self) -> None:
        """All of its processes: a launcher that is killed leaves its Envoy behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def _mounts(self) -> list[tuple[str, str, str]]:
        for volume in self.spec.get("volumes", ()):
            self._fill(self._folder / "volumes" / volume["name"], volume)
        mounts = [
            (str(self._folder / "volumes" / mount["name"]), mount["mountPath"], "ro" if mount.get("readOnly") else "")
            for mount in self.container.get("volumeMounts", ())
        ]
        if self.spec.get("automountServiceAccountToken"):
            self._write_token(self._folder / "volumes/token")
            mounts.append((str(self._folder / "volumes/token"), TOKEN, "ro"))
        # Test folders are in /tmp: what hides them comes last.
        return sorted(mounts, key=lambda mount: mount[1] == "/tmp")

    def _fill(self, folder: Path, volume: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for source in volume.get("projected", {}).get("sources", [volume]):
            for name, content in self._content(source).items():
                partial = folder / f".{name}"
                partial.write_bytes(content)
                partial.rename(folder / name)

    def _content(self, source: dict[str, Any]) -> dict[str, bytes]:
        if "secret" in source:
            stored = self._kube.get("Secret", self.namespace, source["secret"]["secretName"])
            assert stored is not None, f"{self.name} waits for Secret {source['secret']['secretName']}"
            return {key: base64.b64decode(value) for key, value in stored["data"].items()}
        if "configMap" in source:
            stored = self._kube.get("ConfigMap", self.namespace, source["configMap"]["name"])
            assert stored is not None or source["configMap"].get("optional"), f"{self.name} waits for {source}"
            found = stored or {}
            texts = {key: value.encode() for key, value in found.get("data", {}).items()}
            return texts | {key: base64.b64decode(value) for key, value in found.get("binaryData", {}).items()}
        return {}

    def _write_token(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        account = self.spec["serviceAccountName"]
        root = self._kube.get("ConfigMap", self.namespace, "kube-root-ca.crt")
        assert root is not None
        (folder / "token").write_text(self._kube.token(self.namespace, account))
        (folder / "ca.crt").write_text(root["data"]["ca.crt"])
        (folder / "namespace").write_text(self.namespace)

    def _environment(self) -> dict[str, str]:
        fields = {"metadata.name": self.name, "status.podIP": self.address}
        found = {}
        for entry in self.container.get("env", ()):
            path = entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            found[entry["name"]] = str(entry.get("value", "")) if path is None else fields[path]
        return found

    def _expanded(self, argument: str) -> str:
        for name, value in self._environment().items():
            argument = argument.replace(f"$({name})", value)
        return argument


class Kubelet:
    """Runs every pod of `namespaces`, and answers for the names of their headless Services, until closed."""

    def __init__(self, kube: Kube, namespaces: Sequence[str], folder: Path) -> None:
        self._kube = kube
        self._namespaces = tuple(namespaces)
        self._folder = folder
        self._next = FIRST_ADDRESS
        self.pods: dict[str, Pod] = {}
        self.ended: dict[str, int | None] = {}
        self.problems: list[str] = []
        self._stopping = threading.Event()
        self._leaving: list[threading.Thread] = []
        port = int(str(kube.http.base_url).rstrip("/").rpartition(":")[2])
        self._forward = Forward((API_HOST, 443), ("127.0.0.1", port))
        self._names = NameServer(GATEWAY)
        self._thread = threading.Thread(target=self._run, name="kubelet")

    def start(self) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        self._kube.http.post("/api/v1/nodes", json=node).raise_for_status()
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        self._forward.start()
        self._names.start()
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(30)
        for pod in self.pods.values():
            pod.kill()
        for thread in self._leaving:
            thread.join(60)
        self._forward.close()
        self._names.close()
        _ip("link", "delete", BRIDGE)

    def of(self, component: str) -> list[Pod]:
        label = "app.kubernetes.io/component"
        return [pod for pod in list(self.pods.values()) if pod.labels.get(label) == component]

    def wait_ready(self, component: str, count: int = 1, seconds: float = 60.0) -> list[Pod]:
        """The component's pods once `count` are ready."""

        def there() -> list[Pod]:
            dead = [pod.name for pod in self.of(component) if pod.name in self.ended]
            assert not dead, f"ended: {', '.join(dead)}"
            found = [pod for pod in self.of(component) if pod.ready]
            return found if len(found) >= count else []

        try:
            return wait_until(there, f"{count} {component} ready", seconds)
        except AssertionError as error:
            logs = "\n".join(f"{pod.name}:\n{pod.process.tail()}" for pod in self.of(component))
            raise AssertionError(f"{error}; {self.problems[-3:]}\n{logs}") from None

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._look()
            except (AssertionError, OSError, httpx.HTTPError) as error:
                self.problems.append(f"{type(error).__name__}: {error}"[:500])

    def _look(self) -> None:
        listed = [found for namespace in self._namespaces for found in self._kube.list("Pod", namespace)]
        stored = {found["metadata"]["name"]: found for found in listed}
        leaving = {name for name, found in stored.items() if "deletionTimestamp" in found["metadata"]}
        for name in self.pods.keys() - (stored.keys() - leaving):
            self._leave(self.pods.pop(name))
        for name in sorted(stored.keys() - self.pods.keys() - leaving):
            self._admit(stored[name])
        for pod in self.pods.values():
            if not pod.process.alive:
                self.ended[pod.name] = pod.process.wait(1)
            if (ready := pod.process.alive and pod.answers("readinessProbe")) != pod.ready:
                pod.ready = ready
                self._tell(pod)
        self._write_names()

    def _admit(self, stored: dict[str, Any]) -> None:
        made = Pod(self._kube, stored, f"198.51.100.{self._next}", self._folder / stored["metadata"]["name"])
        self._next += 1
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": made.name}, "target": target}
        path = f"{place('Pod', made.namespace)}/{made.name}"
        self._kube.http.post(f"{path}/binding", json=binding).raise_for_status()
        self.pods[made.name] = made
        self._tell(made)
        self._write_names()
        made.start()

    def _leave(self, pod: Pod) -> None:
        def leave() -> None:
            self.ended[pod.name] = pod.stop()
            path = f"{place('Pod', pod.namespace)}/{pod.name}"
            with contextlib.suppress(httpx.HTTPError):
                self._kube.http.delete(path, params={"gracePeriodSeconds": "0"})

        self._leaving.append(threading.Thread(target=leave, name=f"stop {pod.name}"))
        self._leaving[-1].start()

    def _tell(self, pod: Pod) -> None:
        conditions = [
            {"type": kind, "status": "True" if pod.ready else "False"} for kind in ("Ready", "ContainersReady")
        ]
        status = {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": conditions,
        }
        with contextlib.suppress(AssertionError):  # gone meanwhile
            self._kube.patch("Pod", pod.namespace, pod.name, {"status": status}, status=True)

    def _write_names(self) -> None:
        """Every headless Service's pods that are ready, and the API server."""
        table = {"kubernetes.default.svc": [API_HOST]}
        listed = [service for namespace in self._namespaces for service in self._kube.list("Service", namespace)]
        for service in listed:
            spec, meta = service["spec"], service["metadata"]
            if spec.get("clusterIP") == "None":
                table[f"{meta['name']}.{meta['namespace']}.svc.cluster.local"] = [
                    pod.address
                    for pod in self.pods.values()
                    if (pod.ready or spec.get("publishNotReadyAddresses"))
                    and pod.namespace == meta["namespace"]
                    and spec["selector"].items() <= pod.labels.items()
                ]
        self._names.table = table


def _ip(*args: str, within: str | None = None) -> None:
    """Run ip, in the network of a process if one is named."""
    enter = ["nsenter", f"--target={within}", "--net"] if within else []
    done = subprocess.run([*enter, "ip", *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"ip {' '.join(args)}: {done.stderr}"


def _unreadable(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not os.access(Path(folder) / name, os.R_OK)]
