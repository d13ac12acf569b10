"""The simulated inference engine: who runs, who waits, how fast tokens come, how full the KV cache is."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from forebay_api.quantities import duration_seconds
from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.metrics import EngineMetrics, FinishedReason
from forebay_cli.sim.queue import SlotQueue


class Engine:
    """Admits requests to slots and paces their tokens. One event loop's thread only.

    Time to first token counts from the slot, as prefill does; what the histogram shows also holds the time in the queue.
    """

    def __init__(self, config: SimConfig) -> None:
        self._queue = SlotQueue(config.concurrency, config.max_queue)
        self._kv_capacity = config.kv_tokens
        self._loras = frozenset(config.loras)
        self._ttft = duration_seconds(config.ttft)
        self._per_token = duration_seconds(config.per_token)
        self._jitter = config.jitter
        # Reproducible timings are the point of the seed; nothing secret comes from it.
        self._random = random.Random(config.seed)
        self._waiting_loras: Counter[str] = Counter()
        self._running_loras: Counter[str] = Counter()
        self.kv_tokens = 0
        self.metrics = EngineMetrics(config, self)

    @property
    def running(self) -> int:
        return self._queue.running

    @property
    def waiting(self) -> int:
        return self._queue.waiting

    @property
    def kv_usage(self) -> float:
        """Tokens of running requests over capacity, in [0, 1]."""
        return min(1.0, self.kv_tokens / self._kv_capacity)

    @property
    def waiting_loras(self) -> Iterable[str]:
        return sorted(self._waiting_loras)

    @property
    def running_loras(self) -> Iterable[str]:
        return sorted(self._running_loras)

    @staticmethod
    def wall_clock() -> float:
        """Seconds since the epoch."""
        return time.time()

    @asynccontextmanager
    async def admit(self, model: str, prompt_tokens: int) -> AsyncIterator[Run]:
        """A slot for one request, for as long as the block lasts. Raises QueueFull.

        A block that ends without ``Run.finish`` counts as aborted; cancelling the task frees slot or place in line.
        """
        arrived = time.perf_counter()
        lora = model if model in self._loras else None
        if lora is None:
            await self._queue.acquire()
        else:
            await self._acquire_for(lora)
        run = Run(self, arrived, prompt_tokens)
        try:
            yield run
        finally:
            run.close()
            if lora is not None:
                _uncount(self._running_loras, lora)
            self._queue.release()

    async def _acquire_for(self, lora: str) -> None:
        self._waiting_loras[lora] += 1
        try:
            await self._queue.acquire()
        finally:
            _uncount(self._waiting_loras, lora)
        self._running_loras[lora] += 1

    def ttft(self) -> float:
        """Seconds until one request's first token."""
        return self._varied(self._ttft)

    def per_token(self) -> float:
        """Seconds between two tokens."""
        return self._varied(self._per_token)

    def _varied(self, seconds: float) -> float:
        if not seconds or not self._jitter:
            return seconds
        return seconds * self._random.uniform(1.0 - self._jitter, 1.0 + self._jitter)


class Run:
    """One request in its slot: when its next token is due, what it has produced.

    Tokens follow a schedule fixed at the start of the slot, so that time spent writing does not slow generation down.
    """

    def __init__(self, engine: Engine, arrived: float, prompt_tokens: int) -> None:
        self._engine = engine
        self._arrived = arrived
        self._due = started = time.perf_counter()
        self._due += engine.ttft()
        self._kv_held = prompt_tokens
        self._finished: FinishedReason = "abort"
        self.produced = 0
        engine.kv_tokens += prompt_tokens
        engine.metrics.observe_admission(started - arrived, prompt_tokens)

    def postpone(self, seconds: float) -> None:
        """Make the next token, and with it all later ones, come that much later."""
        self._due += seconds

    def wait_seconds(self) -> float:
        """Seconds until the next token is due; 0 when it is."""
        return max(0.0, self._due - time.perf_counter())

    async def wait(self) -> None:
        """Until the next token is due, without producing it: all that an embedding waits for."""
        if (seconds := self.wait_seconds()) > 0.0:
            await asyncio.sleep(seconds)

    async def generate(self, steps: int, width: int = 1) -> None:
        """Decode ``steps`` times when each is due; ``width`` choices grow by one token a step."""
        engine = self._engine
        for _ in range(steps):
            await self.wait()
            if not self.produced:
                engine.metrics.observe_first_token(time.perf_counter() - self._arrived)
            self.produced += width
            self._kv_held += width
            engine.kv_tokens += width
            self._due += engine.per_token()

    def finish(self, reason: FinishedReason) -> None:
        self._finished = reason

    def close(self) -> None:
        self._engine.kv_tokens -= self._kv_held
        self._engine.metrics.observe_finish(self._finished, time.perf_counter() - self._arrived, self.produced)


def _uncount(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
