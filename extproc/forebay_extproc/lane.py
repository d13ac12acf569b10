"""Lane: the one thread on which encoders run, with room only for work that can still finish in time.

A queue in front of an encoder turns one slow moment into many late decisions. So nothing waits here that could not be
done by its deadline: it is refused at once, and the decision goes on without that signal.

Work that names a `key` has the same result as other work of that key: it is done once, whoever asks meanwhile gets the
same result, and the last RESULTS of them are remembered. A row of an encoder takes 1.5 kB, so that is 3 MB.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from forebay_decision.work import Skipped, Work

LOG: Final = logging.getLogger(__name__)
PACE_WEIGHT: Final = 0.1
PACE_BOUNDS: Final = (0.25, 8.0)
RESULTS: Final = 2048
DEADLINE: Final = Skipped("deadline")
BUSY: Final = Skipped("encoder busy")
FAILED: Final = Skipped("error")


class Lane:
    """`run` is for the event loop. `clock` gives monotonic seconds, the same as deadlines are in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._lock = threading.Lock()
        self._expected = 0.0
        """Seconds of accepted work that is not done, by its own estimates."""
        self._running: tuple[float, float] | None = None
        """Start and estimate of what runs now."""
        self._pace = 1.0
        """Measured over estimated time, smoothed: what this machine makes of the estimates."""
        self._results: OrderedDict[Hashable, object] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Future[object]] = {}

    @property
    def idle(self) -> bool:
        return self._expected <= 0.0

    def waiting_seconds(self) -> float:
        """How long new work would wait before it starts."""
        with self._lock:
            if self._running is None:
                return max(0.0, self._expected) * self._pace
            started, estimate = self._running
            done = min(self._clock() - started, estimate * self._pace)
            return max(0.0, self._expected * self._pace - done)

    async def run(self, work: Work, deadline: float) -> object:
        """The work's result, or a Skipped: DEADLINE, BUSY or FAILED. Cancelling withdraws what has not begun."""
        key: Hashable | None = getattr(work, "key", None)
        if key is None:
            return await self._run(work, deadline)
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        if (other := self._under_way.get(key)) is not None:
            await asyncio.wait((other,), timeout=max(0.0, deadline - self._clock()))
            if not other.done():
                return DEADLINE
            if not other.cancelled() and type(other.result()) is not Skipped:
                return other.result()
        return await self._lead(key, work, deadline)

    async def _lead(self, key: Hashable, work: Work, deadline: float) -> object:
        """Do the work, and tell whoever waits for the same."""
        told = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            result = await self._run(work, deadline)
            told.set_result(result)
            if type(result) is not Skipped:
                self._results[key] = result
                if len(self._results) > RESULTS:
                    self._results.popitem(last=False)
            return result
        finally:
            if self._under_way.get(key) is told:
                del self._under_way[key]
            if not told.done():
                told.cancel()

    async def _run(self, work: Work, deadline: float) -> object:
        left = deadline - self._clock()
        waiting = self.waiting_seconds()
        expected = work.expected_seconds
        # On an idle lane the work's own estimate counts, not the pace: or one slow spell would shut the lane for good.
        if waiting > 0.0 and waiting + expected * self._pace > left:
            return BUSY
        if expected > left:
            return DEADLINE
        with self._lock:
            self._expected += expected
        job = self._executor.submit(self._work, work, expected)
        try:
            async with asyncio.timeout(left):
                return await asyncio.wrap_future(job)
        except TimeoutError:
            return DEADLINE
        except Exception as error:  # noqa: BLE001  a signal that fails is unknown; it takes no request down
            # The message may quote the text that was encoded, so only its type is told.
            LOG.error("work failed", extra={"work": work.label, "error": type(error).__name__})
            return FAILED
        finally:
            if job.cancel():
                self._drop(expected)

    def close(self) -> None:
        """Withdraw what waits; what runs ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _work(self, work: Work, expected: float) -> object:
        started = self._clock()
        self._running = (started, expected)
        try:
            return work.run()
        finally:
            self._running = None
            ratio = (self._clock() - started) / max(expected, 1e-6)
            low, high = PACE_BOUNDS
            self._pace += PACE_WEIGHT * (min(max(ratio, low), high) - self._pace)
            self._drop(expected)

    def _drop(self, expected: float) -> None:
        with self._lock:
            self._expected -= expected
            if self._expected < 1e-9:
                self._expected = 0.0
