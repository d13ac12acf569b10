"""The data plane dies: one policy lets nothing past it, another has said who answers meanwhile."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Final

from forebay_cli.demo.ask import Answer
from forebay_cli.demo.cases import BATCH, chat
from forebay_cli.demo.faults.scene import (
    PATIENCE_SECONDS,
    QUIET_SECONDS,
    TALK,
    Fault,
    Inquiry,
    Scene,
    failures,
    live_again,
    seconds_until,
    settled,
)
from forebay_cli.demo.load import Load

JOB: Final = chat("Classify this ticket: the printer is on fire.", prefix=BATCH)


async def kill_data_plane(scene: Scene) -> Fault:
    """Kill every data-plane worker at once."""
    inquiry = await Inquiry.begin(scene, "the data plane is killed")
    async with Load(scene.door, (TALK[0], JOB)) as load:
        await settled(load)
        for worker in scene.supervisor.workers:
            worker.signal(signal.SIGKILL)
        killed = time.monotonic()
        refused = await load.first(killed, lambda answer: answer.status == 503, PATIENCE_SECONDS)
        back = await load.first(refused.answer.started if refused else killed, _decided, PATIENCE_SECONDS)
        await asyncio.sleep(QUIET_SECONDS)
    front = [sample for sample in load.samples if not sample.request.prefix]
    jobs = [sample for sample in load.samples if sample.request.prefix]
    bypassed = sum(sample.answer.decided.get("decision") == "bypassed" for sample in jobs)
    refusals = [sample.answer for sample in front if sample.fate == "failed"]
    inquiry.say("All data-plane workers are killed (SIGKILL), and `forebay up` starts them again.")
    inquiry.say(
        f"{bypassed} jobs at {BATCH} were answered meanwhile: no rule there refuses anything, so its policy may say "
        "failOpen; Envoy itself writes that model into the body (x-forebay-decision: bypassed)."
    )
    inquiry.say(
        f"{len(refusals)} requests at / got 503 {refusals[0].code if refusals else ''}: a policy with a reject rule lets "
        "nothing past it."
    )
    inquiry.require(bypassed, f"no request at {BATCH} was answered by the bypass")
    inquiry.require(not failures(jobs), f"at {BATCH}, which has failOpen: {failures(jobs)}")
    inquiry.require(refusals, "no request at / was refused, so the data plane was hardly dead")
    inquiry.require(all(_promised(answer) for answer in refusals), f"at /: {failures(front)}")
    inquiry.require(await live_again(scene), "the configuration was not live again after the restart")
    return await inquiry.close(load.samples, seconds_until(back, killed))


def _decided(answer: Answer) -> bool:
    return answer.status == 200 and answer.decided.get("decision") == "DataPlane" and answer.pool != ""


def _promised(answer: Answer) -> bool:
    """A 503 with an error object, as a client of OpenAI's API expects it."""
    return answer.status == 503 and answer.code != "" and answer.said != ""
