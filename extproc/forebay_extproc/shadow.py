"""Shadow policies: decided after the reply has gone out, one at a time, and compared with what was enforced.

They take what is left: a bounded number of requests waits, each starts when the encoder is idle, and what does not fit
is dropped and counted. Nothing of them reaches Envoy.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from forebay_decision.compiled import CompiledPolicy
from forebay_decision.request import RequestHead
from forebay_decision.route import Answer, Forward, Surroundings, route
from forebay_extproc.driver import Driver
from forebay_extproc.lane import Lane
from forebay_extproc.telemetry.logs import log_decision
from forebay_extproc.telemetry.metrics import Metrics

LOG: Final = logging.getLogger(__name__)
MAX_WAITING: Final = 64
MAX_WAITING_BYTES: Final = 32 << 20
IDLE_POLL_SECONDS: Final = 0.002
PATIENCE_POLLS: Final = 500
"""Times the poll: a shadow waits one second for an idle encoder, then takes its chance."""


class Enforced(msgspec.Struct, frozen=True):
    """A request that has been answered, and how."""

    head: RequestHead
    body: bytes
    around: Surroundings
    outcome: Forward | Answer


class Shadows:
    """Lives on the event loop. `clock` gives monotonic seconds."""

    def __init__(self, driver: Driver, lane: Lane, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._driver = driver
        self._lane = lane
        self._metrics = metrics
        self._clock = clock
        self._waiting: deque[tuple[CompiledPolicy, Enforced]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    def offer(self, policies: tuple[CompiledPolicy, ...], enforced: Enforced) -> None:
        """Have these policies decide the request too, if there is room."""
        for policy in policies:
            if len(self._waiting) >= MAX_WAITING or self._bytes + len(enforced.body) > MAX_WAITING_BYTES:
                self._metrics.shadow(policy.name, "dropped")
                continue
            self._waiting.append((policy, enforced))
            self._bytes += len(enforced.body)
            self._wake.set()

    async def run(self) -> None:
        """Decide until cancelled."""
        while True:
            await self._wake.wait()
            while self._waiting:
                policy, enforced = self._waiting.popleft()
                self._bytes -= len(enforced.body)
                await self._quiet()
                try:
                    await self._decide(policy, enforced)
                except Exception as error:  # noqa: BLE001  a shadow changes nothing, its failure neither
                    LOG.error("shadow failed", extra={"policy": policy.name, "error": type(error).__name__})
            self._wake.clear()

    async def _quiet(self) -> None:
        """Let everything else that is ready go first, and wait for the encoder to be idle."""
        await asyncio.sleep(0)
        for _ in range(PATIENCE_POLLS):
            if self._lane.idle:
                return
            await asyncio.sleep(IDLE_POLL_SECONDS)

    async def _decide(self, policy: CompiledPolicy, enforced: Enforced) -> None:
        deadline = self._clock() + policy.budget_seconds
        around = msgspec.structs.replace(enforced.around, deadline=deadline)
        outcome = await self._driver.drive(route(policy, enforced.head, enforced.body, around), deadline)
        agrees = summary(outcome) == summary(enforced.outcome)
        self._metrics.shadow(policy.name, "agrees" if agrees else "differs")
        if outcome.record is not None:
            log_decision(outcome.record, shadow_of="agrees" if agrees else "differs")


def summary(outcome: Forward | Answer) -> tuple[str, str, int]:
    """What two decisions must have in common to agree: the pool and model, or the status of the answer."""
    if isinstance(outcome, Answer):
        return ("", "", outcome.status)
    return (outcome.record.pool, outcome.record.model, outcome.record.status)
