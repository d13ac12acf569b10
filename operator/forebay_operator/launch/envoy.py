"""Envoy's process: started once, drained when it is told to stop, and never started again by us."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from pathlib import Path
from typing import Final

from forebay_operator.launch.admin import Admin
from forebay_operator.launch.options import Options

LOG: Final = logging.getLogger(__name__)
STOP_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.25


class Envoy:
    """`start`, `wait`; `stop` once to drain it, a second time to end it at once."""

    def __init__(self, options: Options, admin: Admin) -> None:
        self._options = options
        self._admin = admin
        self._process: asyncio.subprocess.Process | None = None
        self._started = asyncio.Event()
        self._at_once = asyncio.Event()

    async def start(self, config: Path) -> None:
        """Raises OSError where there is no such binary."""
        options = self._options
        drain = max(1, round(options.drain))
        self._process = await asyncio.create_subprocess_exec(
            options.binary, "-c", str(config), "--log-level", options.log, "--disable-hot-restart",
            "--drain-time-s", str(drain), "--drain-strategy", "immediate", *options.extra,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._started.set()

    async def wait(self) -> int:
        """Its exit status, as a shell says it: 128 and the signal's number where a signal ended it."""
        assert self._process is not None  # noqa: S101 - `start` comes first
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    async def stop(self) -> None:
        """Drain for `drain` seconds at most, then SIGTERM, then SIGKILL."""
        await self._started.wait()
        LOG.warning("stopping: draining for up to %g s", self._options.drain)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._options.drain):
                    await self._drained()
        finally:
            self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)

    def hurry(self) -> None:
        """Wait for nothing any more."""
        self._at_once.set()

    async def _drained(self) -> None:
        """Until no request is under way, and none has been for `settle` seconds; or nobody answers."""
        if not await self._admin.drain():
            return
        loop = asyncio.get_running_loop()
        busy_at = loop.time()
        while not self._at_once.is_set():
            requests = await self._admin.requests()
            if requests is None:
                return
            busy_at = loop.time() if requests else busy_at
            if loop.time() - busy_at >= self._options.settle:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._at_once.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
