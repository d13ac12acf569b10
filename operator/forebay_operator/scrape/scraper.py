"""Reads every endpoint's metrics page at its interval: one task an endpoint, none of which can hold up another.

Where all intervals together ask for more than the budget, all are stretched; see `budget`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp
import msgspec

from forebay_operator.scrape.budget import DEFAULT_BUDGET, stretch, wanted_rate
from forebay_operator.scrape.fetch import fetch
from forebay_operator.scrape.sample import Outcome, Sample
from forebay_operator.scrape.targets import Target

CONCURRENCY: Final = 64
"""Scrapes under way at once, over all pools."""
_KEEP_ALIVE_SECONDS: Final = 75.0
_LOG = logging.getLogger(__name__)


class Scraper:
    """Calls `on_sample` on the event loop after each attempt; `on_sample` must neither block nor raise.

    `clock` gives Unix seconds. `tls` verifies `external` pools; the system's trust store by default. `budget` is in
    scrapes a second. `on_attempt` is told each attempt's outcome and seconds, waiting for a turn not included.
    """

    def __init__(
        self,
        on_sample: Callable[[Sample], None],
        *,
        clock: Callable[[], float] = time.time,
        concurrency: int = CONCURRENCY,
        tls: ssl.SSLContext | None = None,
        budget: float = DEFAULT_BUDGET,
        on_attempt: Callable[[Outcome, float], None] | None = None,
    ) -> None:
        self.stretch = 1.0
        """By how much all intervals are stretched now; 1 within the budget."""
        self._budget = budget
        self._on_attempt = on_attempt
        self._on_sample = on_sample
        self._clock = clock
        self._slots = asyncio.Semaphore(concurrency)
        self._tls = tls
        self._targets: frozenset[Target] = frozenset()
        self._changed = asyncio.Event()
        self._random = random.Random()

    def set_targets(self, targets: Iterable[Target]) -> None:
        """From now on read these pages and no others. What stays keeps its connection and its rhythm."""
        self._targets = frozenset(targets)
        self._stretch(wanted_rate(self._targets))
        self._changed.set()

    @property
    def targets(self) -> int:
        """How many pages are read."""
        return len(self._targets)

    def _stretch(self, rate: float) -> None:
        before, self.stretch = self.stretch, stretch(rate, self._budget, self.stretch)
        if self.stretch == before:
            return
        if self.stretch > 1.0:
            _LOG.warning(
                "%d endpoints ask for %.0f scrapes a second and the budget is %g: every interval is stretched by %g",
                *(len(self._targets), rate, self._budget, self.stretch),
            )
        else:
            _LOG.info("%.0f scrapes a second are within the budget of %g: intervals are as asked", rate, self._budget)

    async def run(self) -> None:
        """Scrape until cancelled."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS, ssl=self._tls or True)
        tasks: dict[Target, asyncio.Task[None]] = {}
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        # A task group, so that an error nobody expected ends run() instead of one endpoint's news.
        async with session, asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                for gone in tasks.keys() - self._targets:
                    tasks.pop(gone).cancel()
                for target in self._targets - tasks.keys():
                    tasks[target] = group.create_task(self._watch(session, target), name=f"scrape {target.pool}")
                await self._changed.wait()

    async def _watch(self, session: aiohttp.ClientSession, target: Target) -> None:
        loop = asyncio.get_running_loop()
        # A random phase spreads the endpoints over the interval; the first reading still comes early.
        due = loop.time() + self._random.uniform(0.0, target.interval / 4) * self.stretch
        before: Outcome | None = None
        failures = 0
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            async with self._slots:
                began = loop.time()
                sample = await fetch(session, target, self._clock)
            if self._on_attempt is not None:
                self._on_attempt(sample.outcome, loop.time() - began)
            _tell_change(before, sample)
            self._on_sample(msgspec.structs.replace(sample, stretch=self.stretch))
            before = sample.outcome
            # A refused connection costs next to nothing, and the endpoint's return should be seen soon: no back-off.
            failures = failures + 1 if sample.outcome == "Failed" else 0
            pause = target.pause(failures) * self.stretch * (self._random.uniform(0.8, 1.0) if failures else 1.0)
            # A scrape that could not start in time is skipped, not made up for.
            due = max(due + pause, loop.time())


def _tell_change(before: Outcome | None, sample: Sample) -> None:
    """Log turns for the worse and recoveries only: a dead endpoint must not fill the log."""
    if sample.outcome == before:
        return
    if sample.outcome != "Read":
        _LOG.warning(
            "pool %s: endpoint %s: %s: %s", sample.pool, sample.endpoint, sample.outcome.lower(), sample.detail
        )
    elif before is not None:
        _LOG.info("pool %s: endpoint %s: metrics are read again", sample.pool, sample.endpoint)
