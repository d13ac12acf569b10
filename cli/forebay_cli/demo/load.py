"""A steady load: so many requests a second, whatever becomes of them, and a count of what became of them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Literal

import msgspec

from forebay_cli.demo.ask import Answer, Door
from forebay_cli.demo.cases import Request

RATE: Final = 20.0
"""Requests a second: two laptop cores also run six servers, Envoy, the operator and two workers."""
MOST: Final = 64
"""Requests under way at once; what comes on top is not sent and counts as failed."""

Fate = Literal["ok", "refused", "failed", "broken", "silent"]


class Sample(msgspec.Struct, frozen=True):
    """One request of the load. `silent`: it ended short and nobody said so, which must never happen."""

    request: Request
    answer: Answer
    fate: Fate


def fate_of(answer: Answer) -> Fate:
    if answer.broken:
        return "broken" if answer.told else "silent"
    if answer.status == 200:
        return "ok"
    return "failed"


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What became of requests. Of the `ok` ones, `rerouted` should have gone to one pool and were answered by another."""

    sent: int
    ok: int
    rerouted: int
    failed: int
    broken: int
    silent: int
    bypassed: int


def count(samples: Sequence[Sample], steady: Sequence[Request], first_choice: str) -> Count:
    """`steady` are the requests whose first choice is that pool."""
    fates = [sample.fate for sample in samples]
    ok = [sample.answer for sample in samples if sample.fate == "ok"]
    return Count(
        sent=len(samples),
        ok=len(ok),
        rerouted=sum(
            sample.fate == "ok" and sample.request in steady and sample.answer.pool != first_choice
            for sample in samples
        ),
        failed=fates.count("failed"),
        broken=fates.count("broken"),
        silent=fates.count("silent"),
        bypassed=sum(answer.decided.get("decision") == "bypassed" for answer in ok),
    )


class Load:
    """Sends `requests` in turn, `rate` a second, for the length of an ``async with`` block; leaving it waits for the
    answers that are still due."""

    def __init__(self, door: Door, requests: Sequence[Request], *, rate: float = RATE) -> None:
        self._door = door
        self._requests = itertools.cycle(requests)
        self._pause = 1 / rate
        self._under_way: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self.samples: list[Sample] = []

    def send(self, request: Request) -> None:
        """One more request, beside the steady ones."""
        if len(self._under_way) >= MOST:
            now = time.monotonic()
            self._take(request, Answer(started=now, ended=now, status=0, said="too many requests are under way"))
            return
        task = asyncio.create_task(self._one(request))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def first(self, since: float, wanted: Callable[[Answer], bool], seconds: float) -> Sample | None:
        """The first sample sent after `since` (monotonic) with such an answer; None if there is none in time."""
        seen = 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    while seen < len(self.samples):
                        sample = self.samples[seen]
                        seen += 1
                        if sample.answer.started >= since and wanted(sample.answer):
                            return sample
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None

    async def __aenter__(self) -> Load:
        self._sender = asyncio.create_task(self._send_steadily())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sender is not None:
            self._sender.cancel()
        if kind is not None:
            for task in tuple(self._under_way):
                task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _send_steadily(self) -> None:
        due = time.monotonic()
        for request in self._requests:
            self.send(request)
            due += self._pause
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _one(self, request: Request) -> None:
        self._take(request, await self._door.ask(request))

    def _take(self, request: Request, answer: Answer) -> None:
        self.samples.append(Sample(request, answer, fate_of(answer)))
        self._news.set()
