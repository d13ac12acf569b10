"""A simulated server in a process of its own, for whoever wants to kill one or keep its load off their event loop."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType

import msgspec

START_SECONDS = 60.0
STOP_SECONDS = 10.0


class Announcement(msgspec.Struct, frozen=True):
    """The line that ``--output json`` prints once the server listens."""

    name: str
    address: str
    url: str
    models: tuple[str, ...]
    pid: int


class SimProcess:
    """``python -m forebay_cli.sim`` with the given command-line arguments, for the length of an ``async with`` block.

    ``SimProcess("--model", "qwen", "--ttft", "50ms")`` listens on a free port unless ``--port`` says otherwise.
    """

    def __init__(self, *arguments: str) -> None:
        port = () if "--port" in arguments else ("--port", "0")
        self._command = (sys.executable, "-m", "forebay_cli.sim", *port, *arguments, "--output", "json")
        self._process: asyncio.subprocess.Process | None = None
        self._announced: Announcement | None = None

    async def start(self) -> SimProcess:
        """Waits until the server listens. Raises RuntimeError with its own message where it does not start."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._process = process
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("the simulator's output is not connected")
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await process.stdout.readline()
                if not line:
                    reason = (await process.stderr.read()).decode("utf-8", "replace").strip()
                    raise RuntimeError(f"the simulator did not start: {reason}")
        except BaseException:
            await self.kill()
            raise
        self._announced = msgspec.json.decode(line, type=Announcement)
        return self

    @property
    def announced(self) -> Announcement:
        if self._announced is None:
            raise RuntimeError("the simulator has not started")
        return self._announced

    @property
    def url(self) -> str:
        return self.announced.url

    @property
    def address(self) -> str:
        return self.announced.address

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def stop(self) -> int:
        """Sends SIGTERM and waits; the exit status. Killed where it does not end within 10 s."""
        process = self._running()
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """Sends SIGKILL and waits; the (negative) exit status."""
        process = self._running()
        if process.returncode is None:
            process.kill()
        return await process.wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the simulator has not started")
        return self._process

    async def __aenter__(self) -> SimProcess:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
