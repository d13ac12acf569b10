"""Pickers: which of the eligible candidates serves. Each keeps only what its algorithm has to remember."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from forebay_api.strategy import Algorithm
from forebay_api.wire import PoolState
from forebay_decision.select.candidate import Candidate

DEFAULT_CONCURRENCY: Final = 64
"""Assumed for a pool that states no `capacity.maxConcurrency`."""


class Surrounding(msgspec.Struct, frozen=True):
    """What a picker may look at: shared pool state, this replica's own requests that the state does not count yet, and chance."""

    states: Mapping[str, PoolState]
    in_flight: Callable[[str], int]
    random: random.Random


class Picker(Protocol):
    """Picks one of at least one eligible candidates, with a score in [0,1] for each (more is better).

    Called from one thread; a call neither blocks nor fails. Scores explain the choice in the record.
    """

    def pick(
        self, eligible: Sequence[Candidate], around: Surrounding
    ) -> tuple[Candidate, dict[tuple[str, str], float]]: ...


class SmoothWeighted:
    """Smooth weighted round robin: over any window each candidate gets its share, without bursts (as nginx does it).

    With equal weights this is round robin. Weights count among the eligible candidates only.
    """

    def __init__(self, *, equal: bool) -> None:
        self._equal = equal
        self._credit: dict[tuple[str, str], int] = {}

    def pick(
        self, eligible: Sequence[Candidate], around: Surrounding
    ) -> tuple[Candidate, dict[tuple[str, str], float]]:
        del around
        weights = {c.key: 1 if self._equal else c.weight for c in eligible}
        total = sum(weights.values())
        credit = {key: self._credit.get(key, 0) + weight for key, weight in weights.items()}
        chosen = max(eligible, key=lambda candidate: credit[candidate.key])
        credit[chosen.key] -= total
        # A candidate that sat out keeps its credit, so that coming back causes no burst; names come from the policy.
        self._credit |= credit
        return chosen, {key: round(weight / total, 6) for key, weight in weights.items()}


class LeastBusy:
    """Least (running + queued + own) / maxConcurrency, where `own` are this replica's requests that the last scrape
    cannot have counted (all that are under way, where there is no telemetry or it is stale). Ties: power of two choices."""

    def pick(
        self, eligible: Sequence[Candidate], around: Surrounding
    ) -> tuple[Candidate, dict[tuple[str, str], float]]:
        load = {c.key: _load(c, around) for c in eligible}
        least = min(load.values())
        ties = [c for c in eligible if load[c.key] <= least + 1e-9]
        if len(ties) > 2:
            ties = around.random.sample(ties, 2)
        if len(ties) == 2:
            around.random.shuffle(ties)
        chosen = min(ties, key=lambda c: around.in_flight(c.pool))
        return chosen, {key: round(1 / (1 + value), 6) for key, value in load.items()}


def _load(candidate: Candidate, around: Surrounding) -> float:
    capacity = candidate.spec.capacity.max_concurrency if candidate.spec.capacity else DEFAULT_CONCURRENCY
    state = around.states.get(candidate.pool)
    own = around.in_flight(candidate.pool)
    if state is None or state.stale or state.observed_at is None:
        return own / capacity
    return (state.running + state.queued + own) / capacity


ALGORITHMS: Final[Mapping[Algorithm, Callable[[], Picker]]] = {
    "RoundRobin": lambda: SmoothWeighted(equal=True),
    "Weighted": lambda: SmoothWeighted(equal=False),
    "LeastBusy": LeastBusy,
}
