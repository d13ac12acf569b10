"""Inference servers die: one of a pool, then all of it."""

from __future__ import annotations

import asyncio
import time
from typing import Final

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

READERS: Final = 8
"""Callers in the middle of a streamed answer when their server is killed."""
WAITERS: Final = 4
"""Callers who have received nothing yet."""


async def kill_one(scene: Scene) -> Fault:
    """Kill one of the two small servers while callers read streams from it."""
    inquiry = await Inquiry.begin(scene, "a server is killed")
    victim = scene.fleet.of(SMALL)[0].name
    async with Load(scene.door, TALK) as load:
        await settled(load)
        for request in (*[TALK[1]] * READERS, *[TALK[0]] * WAITERS):
            load.send(request)
        await asyncio.sleep(0.1)
        await scene.fleet.kill(victim)
        killed = time.monotonic()
        await load.first(killed, as_usual, PATIENCE_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
        await scene.fleet.revive(victim)
        revived = time.monotonic()
        back = await load.first(revived, lambda answer: answer.server == victim, PATIENCE_SECONDS)
    inquiry.say(
        f"{victim} is killed (SIGKILL) while {READERS} more callers read streams and {WAITERS} wait for answers."
    )
    inquiry.say("Whoever had received no byte yet is asked again at the other server, and notices nothing.")
    inquiry.say(
        f"{sum(sample.fate == 'broken' for sample in load.samples)} streams are cut short, and their callers are told by an error: half an "
        "answer cannot be taken back."
    )
    inquiry.say(
        "Started again, it takes requests as soon as Envoy has let it rest (outlierDetection.ejectionTime: 5 s)."
    )
    inquiry.require(not failures(load.samples), failures(load.samples))
    return await inquiry.close(load.samples, seconds_until(back, revived))


async def kill_pool(scene: Scene) -> Fault:
    """Kill both small servers."""
    inquiry = await Inquiry.begin(scene, "a whole pool is killed")
    victims = [server.name for server in scene.fleet.of(SMALL)]
    async with Load(scene.door, TALK) as load:
        await settled(load)
        await scene.fleet.kill(*victims)
        killed = time.monotonic()
        moved = await load.first(killed, lambda answer: left_out(answer, "no endpoint is ready"), PATIENCE_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
        await scene.fleet.revive(*victims)
        revived = time.monotonic()
        back = await load.first(revived, as_usual, PATIENCE_SECONDS)
    walked = [s for s in load.samples if s.fate == "ok" and s.answer.pool == "large" and not left_out(s.answer)]
    inquiry.say(
        f"Both small servers are killed. {len(walked)} requests were on their way there: Envoy walks on to the next pool "
        "of the strategy, with that pool's own model name in the body."
    )
    inquiry.require(moved, "no request was rerouted with the reason `no endpoint is ready`")
    if moved is not None:
        inquiry.say(
            f"After {max(0.0, moved.answer.started - killed):.1f} s decisions leave the pool out by themselves: "
            f"{exclusion(moved.answer)}."
        )
    inquiry.require(not failures(load.samples), failures(load.samples))
    return await inquiry.close(load.samples, seconds_until(back, revived))
