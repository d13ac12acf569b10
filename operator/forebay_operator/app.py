"""Composition root of the operator: the only place that constructs and connects.

One core, two sources. Over a directory it always leads and tells its supervisor how everything stands; in a cluster it
leads while it holds the Lease, and tells the API server.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from functools import partial
from pathlib import Path
from typing import Final

from forebay_api.wire import LoadReport
from forebay_operator.options import Options
from forebay_operator.reconciler import Reconciler
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import scrape_targets
from forebay_operator.scraping import Scraping
from forebay_operator.situation import Situation
from forebay_operator.source.local import LocalSource
from forebay_operator.steps import until
from forebay_operator.telemetry.exposition import Exposition
from forebay_operator.telemetry.lag import measure_lag
from forebay_operator.telemetry.metrics import OperatorMetrics
from forebay_operator.telemetry.pools import pool_views
from forebay_operator.telling.progress import Rollout
from forebay_operator.telling.reporter import Reporter
from forebay_operator.xds.server import XdsServer

ROUTING_REST_SECONDS: Final = 0.2
_LOG = logging.getLogger(__name__)


async def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if options.directory is not None:
        await LocalOperator(options, options.directory).run(stopping)
    elif options.cluster is not None:
        from forebay_operator.cluster.app import ClusterOperator  # kopf is not needed over a directory

        await ClusterOperator(options, options.cluster).run(stopping)


class LocalOperator:
    """The operator over a directory."""

    def __init__(self, options: Options, directory: Path) -> None:
        self._options = options
        self._states = PoolStates()
        self._metrics = OperatorMetrics()
        self._server = XdsServer(
            rest=ROUTING_REST_SECONDS, on_load=self._on_load, on_sent=self._metrics.sent, security=options.security
        )
        self._source = LocalSource(
            directory, data_planes=options.data_planes, envoys=options.envoys, ports=options.listener_ports
        )
        self._reporter = Reporter()
        self._reconciler = Reconciler(
            self._server,
            self._states,
            on_reconciled=self._on_reconciled,
            on_states=self._report,
            on_failed=lambda seconds: self._metrics.reconciled(seconds, failed=True),
        )
        self._scraping = Scraping(self._states, budget=options.scrape_budget, on_attempt=self._metrics.scraped)
        self._metrics.lead(True)
        self._metrics.watch_pools(lambda: pool_views(self._states, time.time()))
        self._metrics.watch_scraping(lambda: (self._scraping.endpoints, self._scraping.stretch))
        self._metrics.watch_clients(lambda: self._server.subscribers.values())
        self._exposition = Exposition(self._metrics.page, self._why_not_ready)

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop."""
        if self._options.metrics is not None:
            _LOG.info("metrics on %s", await self._exposition.start(self._options.metrics))
        addresses = await self._server.start(self._options.listen)
        _LOG.info("serving xDS on %s", ", ".join(addresses))
        await until(
            stopping,
            self._follow,
            self._reconciler.run,
            self._reconciler.tick,
            self._follow_acknowledgements,
            partial(measure_lag, self._metrics.lagged),
        )
        await self._scraping.stop()
        await self._server.stop()
        await self._exposition.stop()

    def _why_not_ready(self) -> str:
        """Empty once something has been judged and published."""
        return "" if self._reconciler.core.revision else "nothing has been judged yet"

    async def _follow(self) -> None:
        async for situation in self._source.situations():
            self._reconciler.aim(situation)

    async def _follow_acknowledgements(self) -> None:
        async for _ in self._server.watch():
            self._report()

    def _on_reconciled(self, situation: Situation, seconds: float) -> None:
        self._metrics.reconciled(seconds)
        core = self._reconciler.core
        self._scraping.aim(scrape_targets(core.verdicts.accepted_pools(), core.backends), situation.surface.trust_ca)
        self._report()

    def _report(self) -> None:
        situation = self._reconciler.situation
        if situation is not None:
            rollout = Rollout(self._server.acknowledgements(), situation.expected)
            self._reporter.report(self._reconciler.core, rollout, self._states, situation.errors)

    def _on_load(self, report: LoadReport) -> None:
        self._states.load(report, time.time())
