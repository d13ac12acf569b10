"""One value, one writer, many readers."""

from __future__ import annotations

import asyncio

from forebay_extproc.latest import Latest


def test_there_is_nothing_before_the_first_value() -> None:
    assert Latest[int]().get() is None


async def test_everyone_who_waits_gets_the_newest_value() -> None:
    latest = Latest[int](0)
    waiters = [asyncio.create_task(latest.changed()) for _ in range(3)]
    await asyncio.sleep(0)
    latest.set(1)
    latest.set(2)
    assert await asyncio.gather(*waiters) == [2, 2, 2]


async def test_waiting_starts_anew_after_each_change() -> None:
    latest = Latest[int](0)
    latest.set(1)
    waiter = asyncio.create_task(latest.changed())
    await asyncio.sleep(0)
    assert not waiter.done()
    latest.set(2)
    assert await waiter == 2
