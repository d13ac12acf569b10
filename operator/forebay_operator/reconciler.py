"""The operator's loop: the newest situation in, publications out; pool states beside them.

Judging and assembling run on a thread, so that thousands of objects never hold up an acknowledgement, a health probe or
the Lease. Only the newest situation counts: what came in between is part of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from forebay_decision.native import saturated_pools
from forebay_operator.core import Core
from forebay_operator.scrape.state import PoolStates
from forebay_operator.situation import Situation
from forebay_operator.xds.server import XdsServer

TICK_SECONDS: Final = 0.1
REST_SHARE: Final = 1.0
"""Rest after a reconcile, as a share of its own time: a storm of changes takes half a core, not a whole one."""
MOST_REST_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 5.0
"""After a reconcile that failed as a whole."""
_LOG = logging.getLogger(__name__)


class Reconciler:
    """`on_reconciled` is called on the loop after each publication with the situation and the seconds it took;
    `on_states` after pool states were told, `on_failed` with the seconds of a reconcile that failed as a whole."""

    def __init__(
        self,
        server: XdsServer,
        states: PoolStates,
        *,
        on_reconciled: Callable[[Situation, float], None] = lambda _situation, _seconds: None,
        on_states: Callable[[], None] = lambda: None,
        on_failed: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._server = server
        self._states = states
        self._on_reconciled = on_reconciled
        self._on_states = on_states
        self._on_failed = on_failed
        self._wanted = asyncio.Event()
        self._saturated: frozenset[str] = frozenset()
        self.core = Core(server)
        self.turn = asyncio.Lock()
        """Held while resources are made: what is remembered of them is for one thread at a time."""
        self.situation: Situation | None = None
        self.fault = ""
        """Why the last reconcile failed as a whole, empty where it did not."""

    def aim(self, situation: Situation) -> None:
        """From now on this is how things are."""
        self.situation = situation
        self._wanted.set()

    async def run(self) -> None:
        """Reconcile until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self.situation is None:
                continue
            started = time.monotonic()
            await self._reconcile(self.situation)
            took = time.monotonic() - started
            if self.fault:
                asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._wanted.set)
            await asyncio.sleep(min(took * REST_SHARE, MOST_REST_SECONDS))

    async def _reconcile(self, situation: Situation) -> None:
        started = time.monotonic()
        saturated = saturated_pools(self._states.told)
        try:
            async with self.turn:
                prepared = await asyncio.to_thread(self.core.prepare, situation.inputs, situation.surface, saturated)
            self._server.expect(situation.expected)
            self._states.configure(prepared.verdicts.accepted_pools(), prepared.backends)
            self._states.tick(time.time())
            self.core.publish(prepared, self._states.told)
        except Exception as error:  # noqa: BLE001  # what is published stays; tried again soon, and at the next change
            fault = f"{type(error).__name__}: {error}"[:512]
            if fault != self.fault:
                _LOG.exception("reconcile failed; what was published before stays")
            self.fault = fault
            self._on_failed(time.monotonic() - started)
            return
        self.fault = ""
        self._saturated = saturated
        try:
            self._on_reconciled(situation, time.monotonic() - started)
        except Exception:  # noqa: BLE001  # it is published; who follows it does so with the next one
            _LOG.exception("what was published could not be followed up")

    async def tick(self) -> None:
        """Age pool states and tell what moved, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.situation is None or not self._states.tick(time.time()):
                continue
            told = self._states.told
            if saturated_pools(told) != self._saturated:
                self._wanted.set()  # saturated pools lose their native routes
            self.core.tell_states(told)
            self._on_states()
