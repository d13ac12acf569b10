"""How much work a pool is asked for, in tokens a second: what an autoscaler wants to know.

Measured, per endpoint, from one scrape to the next: how far its token counters moved, and how many requests were
running and waiting meanwhile. Older scrapes fade (a minute's weight is 1/e), so that a rate is a recent mean. Then

    served = tokens / seconds
    wanted = served * (running + queued) / running

that is: what the pool would process if the requests that wait were worked on at the speed of those that run. Without a
running request there is no speed to go by: `wanted` is 0 where nothing waits either, and unknown where something does.

Prompt and generated tokens count alike, and so do prompt tokens that a cache answered: engines count both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

FADE_SECONDS = 60.0
LEAST_SECONDS = 0.001
"""Between two scrapes; less is no time to measure a rate over."""


class Flow(msgspec.Struct, frozen=True):
    """Faded sums over one endpoint's recent scrapes: seconds, tokens, request-seconds running and waiting."""

    seconds: float = 0.0
    tokens: float = 0.0
    running: float = 0.0
    queued: float = 0.0

    def after(self, seconds: float, tokens: float, running: float, queued: float) -> Flow:
        """The sums `seconds` later: `tokens` were processed meanwhile, with so many requests running and waiting."""
        if seconds < LEAST_SECONDS:
            return self
        kept = math.exp(-seconds / FADE_SECONDS)
        return Flow(
            self.seconds * kept + seconds,
            self.tokens * kept + tokens,
            self.running * kept + running * seconds,
            self.queued * kept + queued * seconds,
        )


class Demand(msgspec.Struct, frozen=True):
    """Tokens a second that a pool processes, and that its requests want; None where that cannot be said."""

    served: float | None = None
    wanted: float | None = None


NOTHING_FLOWS = Flow()
UNKNOWN_DEMAND = Demand()


def moved(before: float, now: float) -> float:
    """How far a counter moved; one that fell was reset by a restart, and has counted from zero since."""
    return now - before if now >= before else now


def demand(flows: Iterable[Flow]) -> Demand:
    """The demand of a pool whose endpoints have these flows; unknown where no endpoint has told its tokens twice."""
    known = [flow for flow in flows if flow.seconds > 0]
    if not known:
        return UNKNOWN_DEMAND
    served = sum(flow.tokens / flow.seconds for flow in known)
    running = sum(flow.running / flow.seconds for flow in known)
    queued = sum(flow.queued / flow.seconds for flow in known)
    if running > 0:
        return Demand(served, served * (1.0 + queued / running))
    return Demand(served, None if queued > 0 else served)
