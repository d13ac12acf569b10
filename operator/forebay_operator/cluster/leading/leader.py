"""Keeps a Lease, or waits for it, and says when leadership begins and ends."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from forebay_operator.cluster.connection import Api, ApiError
from forebay_operator.cluster.kinds import LEASES
from forebay_operator.cluster.leading.lease import RETRY_SECONDS, Election

RELEASE_SECONDS: Final = 2.0
TRY_SECONDS: Final = 2.5
"""Longest attempt to read and renew: one that hangs leaves time for another."""
AGAIN_SECONDS: Final = 0.5
"""Rest after an attempt that failed."""
_LOG = logging.getLogger(__name__)


class Leadership:
    """One replica's leadership. `on_change` is called on the loop at each begin and end."""

    def __init__(
        self, api: Api, *, namespace: str, name: str, identity: str, on_change: Callable[[bool], None]
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._election = Election(identity)
        self._on_change = on_change
        self._leading = False

    @property
    def leading(self) -> bool:
        """Looks at the clock, too: a process that was stopped for a while has not been told yet that it is over."""
        return self._leading and self._election.leads(time.monotonic())

    @property
    def holder(self) -> str:
        return self._election.holder

    def write_seconds(self, most: float) -> float:
        """How long a write may take that begins now, `most` at the longest; 0 where none is ours to begin."""
        return self._election.write_seconds(time.monotonic(), most) if self._leading else 0.0

    async def run(self) -> None:
        """Campaign until cancelled. A renewal that hangs ends leadership in time all the same."""
        while True:
            trying = asyncio.create_task(self._try_for(TRY_SECONDS))
            try:
                while not trying.done():
                    await asyncio.wait((trying,), timeout=0.25)
                    self._tell()
                failure = trying.exception()
            finally:
                trying.cancel()
            if failure is not None:
                _LOG.warning("Lease %s/%s: %s", self._namespace, self._name, failure)
            self._tell()
            # An API server that comes back within RENEW_SECONDS is to find its leader still leading.
            pause = (AGAIN_SECONDS if failure is not None else RETRY_SECONDS) * random.uniform(0.8, 1.0)
            until = time.monotonic() + pause
            if failure is None and time.monotonic() < self._election.free_at < until:
                until = self._election.free_at  # whoever led is gone
            while (left := until - time.monotonic()) > 0:
                await asyncio.sleep(min(0.25, left))
                self._tell()

    async def release(self) -> None:
        """Give the Lease up, so that another replica need not wait for it to run out."""
        if not self._leading:
            return
        record = self._election.released()
        body = self._election.body(record, self._name, self._namespace)
        self._election.step_down()
        self._tell()
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._api.replace(LEASES.path(self._namespace, self._name), body)
        except (ApiError, TimeoutError) as error:
            _LOG.info("Lease not released, it runs out by itself: %s", error)

    async def _try_for(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._try()
        except TimeoutError:
            raise ApiError(0, "Timeout", f"no answer within {seconds:g} s") from None

    async def _try(self) -> None:
        try:
            lease = await self._api.get(LEASES.path(self._namespace, self._name))
        except ApiError as error:
            if not error.gone:
                raise
            lease = None
        started = time.monotonic()
        self._election.see(lease, started)
        record = self._election.wanted(started, datetime.now(UTC))
        if record is None:
            return
        body = self._election.body(record, self._name, self._namespace)
        try:
            if self._election.exists:
                written = await self._api.replace(LEASES.path(self._namespace, self._name), body)
            else:
                written = await self._api.create(LEASES.path(self._namespace), body)
        except ApiError as error:
            if error.conflict:
                return  # another replica was quicker
            raise
        self._election.wrote(written, started)

    def _tell(self) -> None:
        leads = self._election.leads(time.monotonic())
        if leads != self._leading:
            self._leading = leads
            _LOG.info(
                "%s the Lease %s/%s", "leading: holds" if leads else "standing by: lost", self._namespace, self._name
            )
            self._on_change(leads)
