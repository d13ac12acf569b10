"""Nothing goes wrong: the policy is edited while requests are under way."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from forebay_cli.demo.ask import Answer
from forebay_cli.demo.cases import chat
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
from forebay_cli.demo.manifests import NEW_RULE, POLICY_FILE, add_rule

LIVE_SECONDS: Final = 1.0
"""An edit has to be live within this."""
PROBE_SECONDS: Final = 0.05
LIGHTHOUSE: Final = chat("How tall is the tallest lighthouse?")


async def edit_policy(scene: Scene) -> Fault:
    """Add a rule to the policy's file."""
    inquiry = await Inquiry.begin(scene, "the policy is edited")
    async with Load(scene.door, TALK) as load:
        await settled(load)
        add_rule(scene.supervisor.plan.directory)
        saved = time.monotonic()
        live = None
        while live is None and time.monotonic() - saved < PATIENCE_SECONDS:
            load.send(LIGHTHOUSE)
            live = await load.first(saved, _by_new_rule, PROBE_SECONDS)
        acknowledged = await live_again(scene)
        after = time.monotonic()
        for _ in range(8):
            load.send(LIGHTHOUSE)
        await asyncio.sleep(QUIET_SECONDS)
    took = None if live is None else live.answer.started - saved
    inquiry.say(f"The rule `{NEW_RULE}` is written into {POLICY_FILE} and saved.")
    if took is not None:
        inquiry.say(f"A request sent {1000 * took:.0f} ms later was the first to be decided by it.")
    inquiry.require(took is not None and took <= LIVE_SECONDS, f"the new rule was not live within {LIVE_SECONDS:g} s")
    inquiry.require(acknowledged, "not every replica has acknowledged the edit")
    late = [s.answer for s in load.samples if s.request is LIGHTHOUSE and s.answer.started >= after]
    inquiry.require(all(map(_by_new_rule, late)), "a worker still decided by the old policy after all had acknowledged")
    inquiry.require(not failures(load.samples), failures(load.samples))
    return await inquiry.close(load.samples, seconds_until(live, saved) if took is None else took)


def _by_new_rule(answer: Answer) -> bool:
    return answer.decided.get("rule") == NEW_RULE
