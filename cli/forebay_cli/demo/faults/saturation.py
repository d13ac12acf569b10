"""A pool has too much to do: other work fills its queues, and requests go elsewhere until it eases."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

from forebay_cli.demo.ask import Door
from forebay_cli.demo.cases import chat
from forebay_cli.demo.faults.scene import (
    PATIENCE_SECONDS,
    QUIET_SECONDS,
    SMALL,
    TALK,
    Fault,
    Inquiry,
    Scene,
    as_usual,
    exclusion,
    failures,
    left_out,
    seconds_until,
    settled,
)
from forebay_cli.demo.load import Load

NEIGHBOURS: Final = 28
"""Requests that somebody else keeps under way on each server: 8 run, 20 wait, and the policy tolerates 4."""


async def saturate(scene: Scene) -> Fault:
    """Fill the small pool's queues from elsewhere."""
    inquiry = await Inquiry.begin(scene, "a pool is saturated")
    async with Load(scene.door, TALK) as load:
        await settled(load)
        began = time.monotonic()
        async with _neighbours(scene):
            moved = await load.first(began, lambda answer: left_out(answer, "saturated"), PATIENCE_SECONDS)
            await asyncio.sleep(QUIET_SECONDS)
        eased = time.monotonic()
        back = await load.first(eased, as_usual, PATIENCE_SECONDS)
    inquiry.say(f"{2 * NEIGHBOURS} requests of somebody else fill the queues of both small servers, past queueDepth 4.")
    inquiry.require(moved, "no request was rerouted with the reason `saturated`")
    if moved is not None:
        inquiry.say(
            f"The operator reads it in the servers' metrics: after {moved.answer.started - began:.1f} s requests go to "
            f"{moved.answer.pool}, because {exclusion(moved.answer)}. Those sent before wait their turn."
        )
    inquiry.say("When the neighbours are gone the pool is used again, once its queues are below 80 % of the threshold.")
    inquiry.require(not failures(load.samples), failures(load.samples))
    return await inquiry.close(load.samples, seconds_until(back, eased))


@contextlib.asynccontextmanager
async def _neighbours(scene: Scene) -> AsyncIterator[None]:
    """Somebody else's jobs on both small servers, past Forebay, as a shared cluster has them."""
    request = chat("Somebody else's long job.", model=scene.upstream["qwen-small"])

    async def press(door: Door) -> None:
        while True:
            answer = await door.ask(request)
            if answer.status != 200:
                await asyncio.sleep(0.05)

    doors = [Door(scene.fleet.url(server.name)) for server in scene.fleet.of(SMALL)]
    tasks = [asyncio.create_task(press(door)) for door in doors for _ in range(NEIGHBOURS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(door.close() for door in doors))
