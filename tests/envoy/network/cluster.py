"""The three kinds of process as in a cluster, on loopback: operators and a data plane over mutual TLS, and Envoy by its
launcher. The operators are xDS servers in the test's own process, which say what they sent; the rest are processes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.identity import PeerTls
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.lastgood.shards import shards, without_credentials
from forebay_operator.publication import combined, data_plane_resources
from forebay_operator.resources import Snapshot
from forebay_operator.xds import Kind, XdsServer
from forebay_operator.xds.messages import Response
from forebay_operator.xds.type_urls import short
from forebay_transport.security import Security

from ...authority import NAMES, Authority
from ...ports import free_port
from ..builders import inputs, policy, pool
from ..loop import Loop, wait_until
from ..upstream import Upstream

ENVOY, PLANE = "envoy/a", "dataplane/a"


class Operator:
    """One replica of the operator. `sent` counts resources by kind of client and type; a restart is a new one."""

    def __init__(self, loop: Loop, security: Security, port: int, *, leading: bool) -> None:
        self.port = port
        self.sent: Counter[tuple[str, str]] = Counter()
        self.server = XdsServer(security=security, leading=leading, on_sent=self._note, on_load=lambda _: None)
        self._loop = loop
        loop.run(self._start())

    async def _start(self) -> None:
        await self.server.start([f"127.0.0.1:{self.port}"])
        self.server.expect({ENVOY: Kind.ENVOY, PLANE: Kind.DATA_PLANE})

    def _note(self, kind: Kind, response: Response) -> None:
        self.sent[kind, short(response.type_url)] += len(response.offers) + len(response.removed)

    def do(self, act: Callable[[XdsServer], Any]) -> Any:
        """Call a method on the loop's thread."""

        async def on_loop() -> Any:
            return act(self.server)

        return self._loop.run(on_loop())

    def publish(self, snapshot: Snapshot, seconds: float = 120.0) -> None:
        """Publish and wait until Envoy and data plane have it."""
        revision = self.do(lambda server: server.publish(snapshot))
        found = self._loop.run(self.server.wait(revision, seconds))
        assert found.complete, found

    def complete(self) -> bool:
        return bool(self.do(lambda server: server.acknowledgements().complete))

    def stop(self) -> None:
        self._loop.run(self.server.stop(0.2))


class Cluster:
    """Starts nothing by itself."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.folder = Path(tempfile.mkdtemp(prefix="fb-"))
        self.authority = Authority(self.folder / "tls")
        for role in NAMES:
            self.authority.issue(role)
        self.port, self.admin_port, self.stats_port, self.plane_port = (free_port() for _ in range(4))
        self.operator_ports = (free_port(), free_port())
        self.upstream = Upstream(self.loop)
        self.operators: list[Operator] = []
        self.operator_host = "127.0.0.1"
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)
        self.admin = httpx.Client(base_url=f"http://127.0.0.1:{self.admin_port}", timeout=30, trust_env=False)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def state(self) -> Path:
        return self.folder / "envoy"

    @property
    def last_good(self) -> Path:
        return self.folder / "last-good"

    def inputs(
        self,
        *,
        policies: dict[str, PolicySpec] | None = None,
        pools: dict[str, PoolSpec] | None = None,
        **rest: Any,
    ) -> EnvoyInputs:
        """A pool that needs no credential, one that does, and a policy for each."""
        port = self.upstream.port
        made = inputs(
            self.port,
            (),
            policies
            or {
                "ai/plain": policy("plain", models=["auto"]),
                "ai/keyed": policy("keyed", models=["auto"], attach={"pathPrefix": "/keyed"}),
            },
            pools
            or {
                "ai/plain": pool(port),
                "ai/keyed": pool(port, credentials=[{"secretRef": {"name": "key", "key": "key"}}]),
            },
            secrets={"ai/keyed": "open-sesame"},
            **rest,
        )
        tls = PeerTls(NAMES["data-plane"], str(self.state))
        return msgspec.structs.replace(made, data_plane=DataPlane((f"127.0.0.1:{self.plane_port}",), tls))

    def snapshot(self, made: EnvoyInputs) -> Snapshot:
        return combined(assemble(made), self.ours(made))

    def ours(self, made: EnvoyInputs) -> Snapshot:
        return Snapshot.of(data_plane_resources(made.policies, made.pools))

    def keep(self, made: EnvoyInputs) -> None:
        """Mount the last good configuration, as the ConfigMaps that the operator writes."""
        self.last_good.mkdir(exist_ok=True)
        for shard in shards(assemble(without_credentials(made)), self.ours(made), "forebay"):
            (self.last_good / shard.key).write_bytes(shard.value)

    def start_operator(self, index: int, *, leading: bool) -> Operator:
        made = Operator(self.loop, self.authority.security("operator"), self.operator_ports[index], leading=leading)
        self.operators.append(made)
        return made

    def start_plane(self, *more: str) -> None:
        self._start(
            "data-plane",
            [sys.executable, "-m", "forebay_extproc", "--listen", f"127.0.0.1:{self.plane_port}", "--node-id", PLANE,
             *self._to_operators(), *self.authority.options("data-plane"), *more],
        )  # fmt: skip

    def start_envoy(self, *more: str) -> None:
        self._start(
            "envoy",
            [sys.executable, "-m", "forebay_operator.launch", "--node-id", ENVOY, "--state", str(self.state),
             "--admin", f"127.0.0.1:{self.admin_port}", "--stats", f"127.0.0.1:{self.stats_port}",
             "--last-good-dir", str(self.last_good), *self._to_operators(), *self.authority.options("envoy"), *more,
             "--", "--concurrency", "1"],
        )  # fmt: skip

    def _to_operators(self) -> list[str]:
        return [part for port in self.operator_ports for part in ("--operator", f"{self.operator_host}:{port}")]

    def _start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self._processes[name]

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        process = self._processes.pop(name)
        process.send_signal(number)
        return process.wait(60)

    def chat(self, path: str = "/v1/chat/completions", **options: Any) -> httpx.Response:
        body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        return self.client.post(path, json=body, **options)

    def answers(self, path: str = "/v1/chat/completions", status: int = 200) -> bool:
        try:
            return self.chat(path).status_code == status
        except httpx.TransportError:
            return False

    def wait_until(self, true: Callable[[], Any], what: str, seconds: float = 120.0) -> Any:
        return wait_until(true, f"{what}; logs in {self.folder}", seconds)

    def stats(self, pattern: str) -> dict[str, int]:
        try:
            answer = self.admin.get("/stats", params={"filter": pattern, "format": "json"})
        except httpx.TransportError:
            return {}
        return {each["name"]: each["value"] for each in json.loads(answer.text)["stats"] if "name" in each}

    def stop(self) -> None:
        self.client.close()
        for name in tuple(self._processes):
            self.end(name, signal.SIGTERM)
        self.admin.close()
        for operator in self.operators:
            operator.stop()
        self.upstream.stop()
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Traffic:
    """Requests one after the other until it is left, and what was wrong with any of them."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failures: list[str] = []
        self.count = 0

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._cluster.chat()
                if answer.status_code != 200:
                    self.failures.append(f"{answer.status_code}: {answer.text}")
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
            self.count += 1
            time.sleep(0.02)
