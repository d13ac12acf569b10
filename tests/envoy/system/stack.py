"""The whole product under test: simulated servers, and `forebay up`'s own supervisor over a directory of manifests.

Everything asynchronous lives on one background loop, so that tests are plain functions with blocking clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import openai

from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.server import SimServer
from forebay_cli.up.layout import make_plan
from forebay_cli.up.supervisor import Supervisor
from forebay_operator.telling.report import Report

T = TypeVar("T")
LIVE_SECONDS = 90.0


def wait_until(true: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first truthy value of `true()`; AssertionError names `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


class Stack:
    """Servers, manifests and the three kinds of process. Names of servers are those given to `serve`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.directory = Path(tempfile.mkdtemp(prefix="fb-"))
        self.sims: dict[str, SimServer] = {}
        self.supervisor: Supervisor | None = None
        self.client = httpx.Client(timeout=60.0)

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 2 * LIVE_SECONDS) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def serve(self, name: str, *models: str, port: int = 0, **options: Any) -> SimServer:
        """Start a simulated server."""
        server = SimServer(SimConfig(models=models, name=name, port=port, **options))
        self.run(server.start())
        self.sims[name] = server
        return server

    def write(self, name: str, text: str) -> None:
        """Replace a manifest in one step, as editors and `kubectl` do."""
        scratch = self.directory / f".{name}.tmp"
        scratch.write_text(text, encoding="utf-8")
        scratch.rename(self.directory / name)

    def up(self, workers: int = 1) -> Report:
        """Start everything and wait until it is live."""
        plan = make_plan(self.directory, port=0, workers=workers, log="warning")
        self.supervisor = self.run(self._supervise(plan))
        report = self.run(self.supervisor.wait_programmed(LIVE_SECONDS))
        self.client.base_url = httpx.URL(plan.addresses.listeners[0])
        # Programmed says that all have the configuration; the first answer says that the sockets are there, too.
        wait_until(lambda: self.get("/v1/models").status_code == 200, "the data plane answers")
        return report

    async def _supervise(self, plan: Any) -> Supervisor:
        supervisor = Supervisor(plan)
        supervisor.start()
        return supervisor

    @property
    def running(self) -> Supervisor:
        assert self.supervisor is not None
        return self.supervisor

    @property
    def report(self) -> Report:
        assert self.running.report is not None
        return self.running.report

    def edit(self, name: str, text: str, seconds: float = 60.0) -> float:
        """Write a manifest and wait until its revision is live everywhere; returns the seconds it took."""
        before = self.report.revision
        started = time.monotonic()
        self.write(name, text)
        self.run(self.running.wait_programmed(seconds, revision=before))
        return time.monotonic() - started

    def post(self, body: Any, path: str = "/v1/chat/completions", **options: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"content-type": "application/json", **options.pop("headers", {})}
        return self.client.post(path, content=content, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def chat(self, text: str = "hello", model: str = "auto", path: str = "/v1/chat/completions", **fields: Any) -> Any:
        headers = fields.pop("headers", {})
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        return self.post(body, path, headers=headers)

    def openai(self, prefix: str = "") -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{self.client.base_url}{prefix}/v1".replace("//v1", "/v1"), api_key="client-key", max_retries=0
        )

    @contextlib.contextmanager
    def frozen(self, *children: Any) -> Iterator[None]:
        """SIGSTOP processes for a while: alive, and not answering."""
        for child in children:
            child.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for child in children:
                child.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def down(self, *children: Any) -> Iterator[None]:
        """Stop processes and keep them down for a while."""
        self.run(_stop(children))
        try:
            yield
        finally:
            self.run(_start(children))

    def stop(self) -> None:
        if self.supervisor is not None:
            self.run(self.supervisor.stop())
        for server in self.sims.values():
            self.run(server.stop())
        self.client.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()
        shutil.rmtree(self.directory, ignore_errors=True)


async def _stop(children: Any) -> None:
    await asyncio.gather(*(child.stop() for child in children))


async def _start(children: Any) -> None:
    for child in children:
        child.start()


def pool(
    name: str, model: str, *ports: int, extra: str = "", upstream: str = "", boundary: str = "Private", more: str = ""
) -> str:
    """A ModelPool manifest over loopback servers. `extra` goes under the model, `more` under spec."""
    addresses = ", ".join(f"{{host: 127.0.0.1, port: {port}}}" for port in ports)
    upstream_name = f"upstreamName: {upstream}" if upstream else ""
    return f"""apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {{name: {name}}}
spec:
  backend: {{addresses: [{addresses}]}}
  placement: {{boundary: {boundary}}}
  {more}
  models:
  - name: {model}
    {upstream_name}
    contextTokens: 131072
    {extra}
---
"""
