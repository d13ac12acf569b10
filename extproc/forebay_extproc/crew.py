"""Crew: the threads on which encoders run, fed by one queue, and how their results come back to the event loop.

Requests that come together share what can be shared without changing a vector: awake threads, and wake-ups of the loop. A
thread that ends a job takes the next at once, without asking the loop; and while the loop has not come round to what is
done already, more of it costs no further wake-up. Nothing ever waits for company, so a lone request is not delayed.

Texts do not share a pass. int8 kernels scale a tensor by its extremes, so in one pass a text's vector would depend on its
neighbours; kernels that scale each text by itself take as much time as sharing saves (docs/benchmarks.md).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from forebay_decision.work import Skipped, Work

DEADLINE: Final = Skipped("deadline")
HOPELESS: Final = 0.5
"""Share of its own estimate below which a job that comes to its turn is not begun. Estimates are on the slow side, and a
text that was shortened to fit its deadline has no time to spare for the way here."""


class Job:
    """One unit of work on its way. `result` is a Skipped where it was not done, an exception where it failed.

    The loop writes `withdrawn`, the crew the rest, and only the loop reads that, once the job is back.
    """

    __slots__ = (
        "counted",
        "deadline",
        "expected",
        "label",
        "result",
        "seconds",
        "started",
        "told",
        "withdrawn",
        "work",
    )

    def __init__(self, work: Work, expected: float, deadline: float, told: asyncio.Future[object]) -> None:
        self.work = work
        self.label = work.label
        self.expected = expected
        self.deadline = deadline
        self.told = told
        self.counted = True
        """Whether its estimate still counts among what is to be done."""
        self.withdrawn = False
        self.started: float | None = None
        self.seconds = 0.0
        self.result: object = DEADLINE


class Crew:
    """`submit` and `close` are for the event loop, which `back` is called on with all jobs that have come back since.

    The threads block while there is nothing to do; they never spin. A job that nobody waits for any more, or whose
    deadline is too near when its turn comes, comes back without having been begun.
    """

    def __init__(self, threads: int, clock: Callable[[], float], back: Callable[[list[Job]], None]) -> None:
        if threads < 1:
            raise ValueError(f"threads: {threads} is below 1; an encoder needs a thread")
        self.threads = threads
        self._clock = clock
        self._back = back
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._done: deque[Job] = deque()
        self._called = False
        """The loop has been woken and has not looked yet. Two threads that miss each other's mark wake it twice."""
        self._begun = False

    def submit(self, job: Job) -> None:
        """Have the next free thread do it."""
        if not self._begun:
            self._begun = True
            for number in range(self.threads):
                serving = (job.told.get_loop(),)
                threading.Thread(target=self._serve, args=serving, name=f"encoder_{number}", daemon=True).start()
        self._queue.put(job)

    def close(self) -> None:
        """Do nothing that has not begun; what runs ends by itself."""
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        for _ in range(self.threads):
            self._queue.put(None)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        while (job := self._queue.get()) is not None:
            self._do(job)
            self._done.append(job)
            # Without this the thread would hold the last job, and the text in it, until the next one comes.
            del job
            if self._called:
                continue
            self._called = True
            try:
                loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                return  # the loop is closed: nobody waits

    def _do(self, job: Job) -> None:
        started = self._clock()
        if job.withdrawn or job.deadline - started < job.expected * HOPELESS:
            return
        job.started = started
        try:
            job.result = job.work.run()
        except Exception as error:  # noqa: BLE001  a signal that fails is unknown; it takes no request down
            job.result = error
        job.seconds = self._clock() - started

    def _deliver(self) -> None:
        # In this order: what is appended behind the last look makes a call of its own.
        self._called = False
        jobs: list[Job] = []
        while self._done:
            jobs.append(self._done.popleft())
        if jobs:
            self._back(jobs)
