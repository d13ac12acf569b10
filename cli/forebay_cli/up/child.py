"""Child: one supervised process, restarted with growing pauses when it dies, stopped with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0
HEALTHY_SECONDS: Final = 10.0
"""A process that lived this long starts over with the first pause."""


class Command(msgspec.Struct, frozen=True):
    """What to run. `log` takes its standard error (and output, unless `on_line` reads it). It inherits the environment
    but for the variables in `withheld`; `environment` adds to it."""

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = {}
    withheld: frozenset[str] = frozenset()


class Child:
    """Keeps one process running until `stop`. `on_line` gets each line of its standard output."""

    def __init__(
        self,
        command: Command,
        *,
        on_line: Callable[[bytes], None] | None = None,
        on_exit: Callable[[str, int, float], None] | None = None,
    ) -> None:
        self.command = command
        self.restarts = 0
        self._on_line = on_line
        self._on_exit = on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._keep_running(), name=self.command.name)

    async def stop(self, grace_seconds: float = 5.0) -> None:
        """SIGTERM, then SIGKILL after the grace; returns when the process is gone."""
        self._stopping.set()
        self.signal(signal.SIGTERM)
        process = self._process
        if process is not None and process.returncode is None:
            try:
                async with asyncio.timeout(grace_seconds):
                    await process.wait()
            except TimeoutError:
                self.signal(signal.SIGKILL)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def signal(self, number: signal.Signals) -> None:
        """Send a signal if the process runs."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            if loop.time() - started > HEALTHY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            if self._on_exit is not None:
                self._on_exit(self.command.name, code, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self.restarts += 1

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in self.command.withheld}
        return {**inherited, **self.command.environment}

    async def _run_once(self) -> int:
        with self.command.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._on_line else log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,  # a terminal's Ctrl-C reaches the supervisor alone, which stops all in order
                limit=1 << 20,
            )
        try:
            if self._on_line is not None and self._process.stdout is not None:
                async for line in self._process.stdout:
                    self._on_line(line)
            return await self._process.wait()
        except asyncio.CancelledError:
            self.signal(signal.SIGKILL)
            raise
