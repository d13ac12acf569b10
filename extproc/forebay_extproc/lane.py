"""Lane: the way to the encoders' threads, with room only for work that can still finish in time.

A queue in front of an encoder turns one slow moment into many late decisions. So nothing waits here that could not be
done by its deadline: it is refused at once, and the decision goes on without that signal.

Work that names a `key` has the same result as other work of that key: it is done once, whoever asks meanwhile gets the
same result, and the last RESULTS of them are remembered. A row of an encoder takes 1.5 kB, so that is 3 MB.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

from forebay_decision.work import Skipped, Work
from forebay_extproc.crew import DEADLINE, Crew, Job

LOG: Final = logging.getLogger(__name__)
PACE_WEIGHT: Final = 0.1
PACE_BOUNDS: Final = (0.25, 8.0)
RESULTS: Final = 2048
MAX_WAITING: Final = 256
"""Units of work accepted and not done. Decisions in progress are bounded to as many; this holds whoever else asks."""
BUSY: Final = Skipped("encoder busy")
FAILED: Final = Skipped("error")


class Lane:
    """Lives on the event loop. `clock` gives monotonic seconds, the same as deadlines are in. `returned` is told how many
    results came back together each time the loop was woken for them."""

    def __init__(
        self, clock: Callable[[], float], threads: int = 1, returned: Callable[[int], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._returned = returned
        self._crew = Crew(threads, clock, self._settle)
        self._jobs: set[Job] = set()
        """Accepted and not back."""
        self._expected = 0.0
        """Seconds of accepted work that is not back, by its own estimates, without what was withdrawn."""
        self._pace = 1.0
        """Measured over estimated time, smoothed: what this machine makes of the estimates."""
        self._results: OrderedDict[Hashable, object] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Future[object]] = {}

    @property
    def idle(self) -> bool:
        return self._expected <= 0.0

    def waiting_seconds(self) -> float:
        """How long new work would wait before it starts."""
        if len(self._jobs) < self._crew.threads:
            return 0.0
        now, done = self._clock(), 0.0
        for job in self._jobs:
            if job.started is not None and job.counted:
                done += min(now - job.started, job.expected * self._pace)
        return max(0.0, self._expected * self._pace - done) / self._crew.threads

    async def run(self, work: Work, deadline: float) -> object:
        """The work's result, or a Skipped: DEADLINE, BUSY or FAILED. Cancelling withdraws what has not begun."""
        key: Hashable | None = getattr(work, "key", None)
        if key is None:
            job = self._accept(work, deadline)
            return await job.told if isinstance(job, Job) else job
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        if (other := self._under_way.get(key)) is not None:
            await asyncio.wait((other,), timeout=max(0.0, deadline - self._clock()))
            if not other.done():
                return DEADLINE
            if not other.cancelled() and type(other.result()) is not Skipped:
                return other.result()
        job = self._lead(key, work, deadline)
        return await job.told if isinstance(job, Job) else job

    def begin(self, work: Work, deadline: float) -> bool:
        """Do it now if nothing else is wanted, for whoever asks for its key next; whether it was begun. Nobody waits for
        it, so that only its deadline withdraws it."""
        key: Hashable | None = getattr(work, "key", None)
        if key is None or not self.idle or key in self._results or key in self._under_way:
            return False
        return isinstance(self._lead(key, work, deadline), Job)

    def _lead(self, key: Hashable, work: Work, deadline: float) -> Job | Skipped:
        """Have it done, for whoever waits for the same, too."""
        job = self._accept(work, deadline)
        if isinstance(job, Job):
            self._under_way[key] = job.told
            job.told.add_done_callback(lambda told: self._remember(key, told))
        return job

    def _remember(self, key: Hashable, told: asyncio.Future[object]) -> None:
        if self._under_way.get(key) is told:
            del self._under_way[key]
        if told.cancelled() or type(result := told.result()) is Skipped:
            return
        self._results[key] = result
        if len(self._results) > RESULTS:
            self._results.popitem(last=False)

    def _accept(self, work: Work, deadline: float) -> Job | Skipped:
        left = deadline - self._clock()
        expected = work.expected_seconds
        waiting = self.waiting_seconds()
        # On an idle lane the work's own estimate counts, not the pace: or one slow spell would shut the lane for good.
        if len(self._jobs) >= MAX_WAITING or (waiting > 0.0 and waiting + expected * self._pace > left):
            return BUSY
        if expected > left:
            return DEADLINE
        loop = asyncio.get_running_loop()
        job = Job(work, expected, deadline, loop.create_future())
        self._jobs.add(job)
        self._expected += expected
        late = loop.call_later(left, self._expire, job)

        def leave(_told: asyncio.Future[object]) -> None:
            late.cancel()
            self._withdraw(job)

        job.told.add_done_callback(leave)
        self._crew.submit(job)
        return job

    def close(self) -> None:
        """Withdraw what waits; what runs ends by itself."""
        for job in self._jobs:
            job.withdrawn = True
            if job.started is None:
                self._expire(job)
        self._crew.close()

    def _expire(self, job: Job) -> None:
        if not job.told.done():
            job.told.set_result(DEADLINE)

    def _withdraw(self, job: Job) -> None:
        """Nobody waits for it any more. What a thread has begun goes on and counts until it is back; one that is begun just
        now is left out of the estimates for its own length."""
        job.withdrawn = True
        if job.started is None:
            self._uncount(job)

    def _settle(self, jobs: list[Job]) -> None:
        self._returned(len(jobs))
        low, high = PACE_BOUNDS
        for job in jobs:
            self._jobs.discard(job)
            self._uncount(job)
            if job.started is not None:
                ratio = job.seconds / max(job.expected, 1e-6)
                self._pace += PACE_WEIGHT * (min(max(ratio, low), high) - self._pace)
            result = job.result
            if isinstance(result, Exception):
                # The message may quote the text that was encoded, so only its type is told.
                LOG.error("work failed", extra={"work": job.label, "error": type(result).__name__})
                result = FAILED
            if not job.told.done():
                job.told.set_result(result)

    def _uncount(self, job: Job) -> None:
        if job.counted:
            job.counted = False
            self._expected -= job.expected
            if self._expected < 1e-9:
                self._expected = 0.0
