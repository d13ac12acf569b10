"""The loop that reconciles goes on, whatever one round comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from forebay_api.local import Listener
from forebay_operator import reconciler as reconciler_module
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.publication import Surface
from forebay_operator.reconciler import Reconciler
from forebay_operator.scrape.state import PoolStates
from forebay_operator.situation import Situation
from forebay_operator.xds import XdsServer

Build = Any


class Bench:
    def __init__(self, build: Build) -> None:
        self.published = asyncio.Queue[Situation]()
        self.failures = 0
        self.after: Callable[[], None] = lambda: None
        self.reconciler = Reconciler(
            XdsServer(), PoolStates(), on_reconciled=self._published, on_failed=lambda _: self._failed()
        )
        surface = Surface((Listener(),), DataPlane(("127.0.0.1:1",)))
        self.situation = Situation(inputs=build.inputs(build.pool()), surface=surface)

    def _published(self, situation: Situation, seconds: float) -> None:
        self.published.put_nowait(situation)
        self.after()

    def _failed(self) -> None:
        self.failures += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.reconciler.run())
        try:
            async with asyncio.timeout(60):
                yield
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def bench(build: Build) -> Bench:
    return Bench(build)


async def test_a_round_that_fails_as_a_whole_is_tried_again_without_a_change(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reconciler_module, "AGAIN_SECONDS", 0.01)
    right, left = bench.reconciler.core.prepare, [1, 2, 3]

    def prepare(*given: Any) -> Any:
        if left:
            left.pop()
            raise MemoryError("no room")
        return right(*given)

    monkeypatch.setattr(bench.reconciler.core, "prepare", prepare)
    async with bench.running():
        bench.reconciler.aim(bench.situation)
        await bench.published.get()
    assert bench.failures == 3
    assert bench.reconciler.fault == ""
    assert caplog.text.count("reconcile failed") == 1


async def test_who_follows_a_publication_cannot_end_the_loop(bench: Bench) -> None:
    def after() -> None:
        raise ZeroDivisionError

    bench.after = after
    async with bench.running():
        for _ in range(2):
            bench.reconciler.aim(bench.situation)
            await bench.published.get()


async def test_of_many_situations_the_newest_counts(bench: Bench, build: Build) -> None:
    newest = Situation(inputs=build.inputs(build.pool("other")), surface=bench.situation.surface)
    async with bench.running():
        for _ in range(50):
            bench.reconciler.aim(bench.situation)
        bench.reconciler.aim(newest)
        assert await bench.published.get() is newest
        await asyncio.sleep(0.05)
        assert bench.published.empty()
