"""What every fault is done to, how it is told, and what must hold in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from forebay_cli.demo.admin import retries
from forebay_cli.demo.ask import Answer, Door
from forebay_cli.demo.cases import chat
from forebay_cli.demo.load import Count, Load, Sample, count
from forebay_cli.demo.servers import Fleet
from forebay_cli.up.supervisor import NotReady, Supervisor

SMALL: Final = "small"
"""The pool that everything is done to: the first choice of everyday requests."""
QUIET_SECONDS: Final = 1.0
"""How long a state is watched once it is reached."""
PATIENCE_SECONDS: Final = 15.0
"""How long is waited for something that must happen."""
TALK: Final = (
    chat("Suggest three names for a friendly grey cat."),
    chat("What should I cook for six friends tonight?", stream=True),
)
"""The steady load: a plain and a streamed request that the policy sends to the small pool."""


class Scene(msgspec.Struct, frozen=True):
    """Everything that a fault can be done to. `upstream` gives each model's own name."""

    fleet: Fleet
    supervisor: Supervisor
    door: Door
    upstream: Mapping[str, str]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: a title, plain sentences, the counts, and the seconds from the end of the cause (of the fault
    itself, where its cause ends by itself) to the first request that was served as before."""

    title: str
    story: tuple[str, ...]
    count: Count
    retried: int
    recovered_seconds: float | None
    mismatches: tuple[str, ...]


class Inquiry:
    """Gathers what a fault's run says and what of it is wrong. Begin it before the load."""

    def __init__(self, scene: Scene, title: str, retries_before: int) -> None:
        self._scene = scene
        self._title = title
        self._before = retries_before
        self._mismatches: list[str] = []
        self.story: list[str] = []

    @classmethod
    async def begin(cls, scene: Scene, title: str) -> Inquiry:
        return cls(scene, title, await retries(scene.supervisor))

    def require(self, holds: object, otherwise: str) -> None:
        """Something that must hold, and what it means if it does not."""
        if not holds:
            self._mismatches.append(otherwise)

    def say(self, sentence: str) -> None:
        self.story.append(sentence)

    async def close(self, samples: Sequence[Sample], recovered_seconds: float | None) -> Fault:
        """The whole of it. No stream may ever end short without its caller being told."""
        tally = count(samples, TALK, SMALL)
        self.require(tally.silent == 0, f"{tally.silent} streams ended short without telling the caller")
        self.require(recovered_seconds is not None, "service did not become as it was before")
        return Fault(
            title=self._title,
            story=tuple(self.story),
            count=tally,
            retried=await retries(self._scene.supervisor) - self._before,
            recovered_seconds=recovered_seconds,
            mismatches=tuple(self._mismatches),
        )


async def settled(load: Load) -> None:
    """Wait until the load is served as it should be."""
    await load.first(0.0, as_usual, PATIENCE_SECONDS)


def as_usual(answer: Answer) -> bool:
    """Served by the first choice, as if nothing had happened."""
    return answer.status == 200 and answer.complete and answer.pool == SMALL


def left_out(answer: Answer, because: str = "") -> bool:
    """Whether the answer's reason says that the small pool was left out, and why."""
    reason = answer.decided.get("reason", "")
    return answer.status == 200 and f"{SMALL} left out" in reason and because in reason


def exclusion(answer: Answer) -> str:
    """The part of the reason that says who was left out."""
    reason = answer.decided.get("reason", "")
    return reason.partition("; ")[2] or reason


def seconds_until(sample: Sample | None, since: float) -> float | None:
    """Seconds from `since` to the first byte of a sample; None without one."""
    if sample is None:
        return None
    answer = sample.answer
    return max(0.0, (answer.first_byte or answer.ended) - since)


def failures(samples: Sequence[Sample]) -> str:
    """How many requests failed that had received nothing yet, and what the first was told; empty if none."""
    failed = [sample.answer for sample in samples if sample.fate == "failed"]
    if not failed:
        return ""
    first = failed[0]
    told = f"{first.status or 'no status'} {first.code} {first.said}"[:200]
    return f"{len(failed)} requests failed that had received nothing yet; the first was told: {told}"


async def live_again(scene: Scene) -> bool:
    """Whether every replica acknowledges the newest configuration, now or soon."""
    try:
        await scene.supervisor.wait_programmed(PATIENCE_SECONDS)
    except NotReady:
        return False
    return True
