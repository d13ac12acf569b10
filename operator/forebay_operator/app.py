"""Composition root of the operator over a directory: the only place that constructs and connects.

Four loops share one event loop: new views of the directory, acknowledgements, samples of the inference servers, and a
tick that ages state, re-reads credentials and reports.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import time
from pathlib import Path

import msgspec

from forebay_api.local import LocalConfig
from forebay_api.wire import LoadReport
from forebay_decision.native import saturated_pools
from forebay_operator.core import Core
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import Inputs, gather
from forebay_operator.options import Options
from forebay_operator.progress import Rollout
from forebay_operator.publication import Surface
from forebay_operator.reporter import Reporter
from forebay_operator.scrape.scraper import Scraper
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import scrape_targets
from forebay_operator.source.directory import Directory
from forebay_operator.source.view import View
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.server import XdsServer

TICK_SECONDS = 0.1
ROUTING_REST_SECONDS = 0.2
CREDENTIAL_SECONDS = 2.0
"""How often credential files are read again: rotation needs no restart."""
_LOG = logging.getLogger(__name__)


async def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    app = _App(options)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await app.start()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(step()) for step in (app.follow_views, app.follow_acknowledgements, app.tick)]
        await stopping.wait()
        for task in tasks:
            task.cancel()
    await app.stop()


class _App:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._directory = Directory(options.directory)
        self._states = PoolStates()
        self._server = XdsServer(rest=ROUTING_REST_SECONDS, on_load=self._on_load)
        self._core = Core(self._server)
        self._reporter = Reporter()
        self._expected = dict.fromkeys(options.data_planes, Kind.DATA_PLANE) | dict.fromkeys(options.envoys, Kind.ENVOY)
        self._view: View | None = None
        self._inputs: Inputs | None = None
        self._saturated: frozenset[str] = frozenset()
        self._scraper: Scraper | None = None
        self._scraping: asyncio.Task[None] | None = None
        self._trust: str | None = None

    async def start(self) -> None:
        self._server.expect(self._expected)
        addresses = await self._server.start(self._options.listen)
        _LOG.info("serving xDS on %s", ", ".join(addresses))

    async def stop(self) -> None:
        await self._stop_scraping()
        await self._server.stop()

    async def follow_views(self) -> None:
        """Reconcile at each change of the directory."""
        async for view in self._directory.views():
            self._view = view
            self._look_again()
            await self._scrape(view.local)

    async def follow_acknowledgements(self) -> None:
        """Report at each change of who has what."""
        async for _ in self._server.watch():
            self._report()

    async def tick(self) -> None:
        """Age pool state and credentials; publish what moved."""
        read_at = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._view is None:
                continue
            if time.monotonic() - read_at > CREDENTIAL_SECONDS:
                read_at = time.monotonic()
                inputs = self._gather(self._view)
                if self._inputs is None or inputs.credentials != self._inputs.credentials:
                    self._look_again()
            self._tell_states()

    def _look_again(self) -> None:
        if self._view is None:
            return
        self._inputs = self._gather(self._view)
        self._core.reconcile(self._inputs, self._surface(self._view.local), self._states.told)
        pools = self._core.verdicts.accepted_pools()
        self._states.configure(pools, self._core.backends)
        if self._scraper is not None:
            self._scraper.set_targets(scrape_targets(pools, self._core.backends))
        self._tell_states()
        self._report()

    def _tell_states(self) -> None:
        if not self._states.tick(time.time()):
            return
        told = self._states.told
        saturated = saturated_pools(told)
        if saturated != self._saturated and self._inputs is not None and self._view is not None:
            self._saturated = saturated
            self._core.reconcile(self._inputs, self._surface(self._view.local), told)
        else:
            self._core.tell_states(told)
        self._report()

    def _report(self) -> None:
        if self._view is not None:
            rollout = Rollout(self._server.acknowledgements(), self._expected)
            self._reporter.report(self._core, rollout, self._states, self._view.errors)

    def _gather(self, view: View) -> Inputs:
        return gather(view, base=self._options.directory, environ=os.environ)

    def _surface(self, local: LocalConfig) -> Surface:
        ports = self._options.listener_ports
        listeners = tuple(
            msgspec.structs.replace(listener, port=ports[index]) if index < len(ports) else listener
            for index, listener in enumerate(local.listeners)
        )
        return Surface(listeners, DataPlane(tuple(self._options.data_planes.values())), self._trust_file(local))

    def _trust_file(self, local: LocalConfig) -> str | None:
        if local.trust.ca_file is None:
            return None
        return str((self._options.directory / Path(local.trust.ca_file).expanduser()).resolve())

    async def _scrape(self, local: LocalConfig) -> None:
        """(Re)start scraping where there is none yet or the trust bundle changed."""
        trust = self._trust_file(local)
        if self._scraper is not None and trust == self._trust:
            return
        await self._stop_scraping()
        self._trust = trust
        self._scraper = Scraper(self._states.observe, tls=_tls(trust))
        self._scraper.set_targets(scrape_targets(self._core.verdicts.accepted_pools(), self._core.backends))
        self._scraping = asyncio.create_task(self._scraper.run(), name="scraper")

    async def _stop_scraping(self) -> None:
        if self._scraping is not None:
            self._scraping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._scraping

    def _on_load(self, report: LoadReport) -> None:
        self._states.load(report, time.time())


def _tls(trust: str | None) -> ssl.SSLContext | None:
    """How metrics of `external` pools are verified; the system's trust store where forebay.yaml names none."""
    return ssl.create_default_context(cafile=trust) if trust and Path(trust).is_file() else None
