"""Scraping as a part that can be switched on and off: only one operator reads the servers' metrics, the one that leads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path

from forebay_operator.scrape.budget import DEFAULT_BUDGET
from forebay_operator.scrape.sample import Outcome
from forebay_operator.scrape.scraper import Scraper
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import Target

_LOG = logging.getLogger(__name__)


class Scraping:
    """Reads the pages it is aimed at while it is on; begins anew where the trust bundle has changed."""

    def __init__(
        self,
        states: PoolStates,
        *,
        on: bool = True,
        budget: float = DEFAULT_BUDGET,
        on_attempt: Callable[[Outcome, float], None] | None = None,
    ) -> None:
        self._on_attempt = on_attempt
        self._budget = budget
        self._states = states
        self._on = on
        self._targets: tuple[Target, ...] = ()
        self._trust: str | None = None
        self._scraper: Scraper | None = None
        self._task: asyncio.Task[None] | None = None

    def switch(self, on: bool) -> None:
        """Scrape from now on, or no longer."""
        self._on = on
        self._follow(anew=False)

    def aim(self, targets: Iterable[Target], trust: str | None) -> None:
        """Read these pages; `trust` is the PEM bundle that `external` pools are verified against."""
        self._targets = tuple(targets)
        anew, self._trust = trust != self._trust, trust
        self._follow(anew=anew)

    @property
    def endpoints(self) -> int:
        """How many pages are read now."""
        return self._scraper.targets if self._scraper is not None else 0

    @property
    def stretch(self) -> float:
        """By how much intervals are stretched to keep to the budget; 1 within it."""
        return self._scraper.stretch if self._scraper is not None else 1.0

    async def stop(self) -> None:
        task, self._task, self._scraper = self._task, None, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _follow(self, *, anew: bool) -> None:
        if self._task is not None and (anew or not self._on):
            self._task.cancel()
            self._task = self._scraper = None
        if not self._on:
            return
        if self._scraper is None or self._task is None or self._task.done():
            self._scraper = Scraper(
                self._states.observe, tls=_tls(self._trust), budget=self._budget, on_attempt=self._on_attempt
            )
            self._task = asyncio.create_task(self._scraper.run(), name="scraper")
            self._task.add_done_callback(_tell_end)
        self._scraper.set_targets(self._targets)


def _tell_end(task: asyncio.Task[None]) -> None:
    """A scraper ends by being cancelled only; any other end must not be silent."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("scraping has failed and stands still until the next change of pools", exc_info=error)


def _tls(trust: str | None) -> ssl.SSLContext | None:
    """The system's trust store where no bundle is named; nobody is trusted where it cannot be read."""
    if not trust or not Path(trust).is_file():
        return None
    try:
        return ssl.create_default_context(cafile=trust)
    except (ssl.SSLError, OSError) as error:
        _LOG.error("trust.caFile %s: no certificate in PEM (%s): no server's certificate is trusted", trust, error)
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
