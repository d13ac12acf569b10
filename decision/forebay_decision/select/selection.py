"""Selection: filter the candidates, pick one, line up the fallbacks, and keep the reason for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from forebay_api.model import ReasoningLevel
from forebay_decision.errors import BadRequest, DecisionError, Refused, Saturated, Unavailable
from forebay_decision.record import CandidateRecord
from forebay_decision.request import RequestView
from forebay_decision.select.candidate import Candidate, Exclusion, exclude
from forebay_decision.select.demand import Demand
from forebay_decision.select.pickers import Picker, Surrounding

RETRY_AFTER_SECONDS = 1


class Strategy(msgspec.Struct, frozen=True):
    """A compiled `direct` strategy: candidates, fallbacks in order, and the picker with its memory."""

    name: str
    candidates: tuple[Candidate, ...]
    fallback: tuple[Candidate, ...]
    picker: Picker
    reasoning: ReasoningLevel | None = None


class Selection(msgspec.Struct, frozen=True):
    """`chosen` is None when nobody is eligible; `failure` then says what the caller hears.

    `fallbacks` are eligible, at most one a pool, in the order in which Envoy tries them.
    """

    chosen: Candidate | None
    fallbacks: tuple[Candidate, ...]
    records: tuple[CandidateRecord, ...]
    failure: DecisionError | None = None


def select(
    strategy: Strategy, view: RequestView, demand: Demand, around: Surrounding, cap: int | None = None
) -> Selection:
    """Pick among the strategy's candidates; where none is eligible, the first eligible fallback.

    `cap` is the policy's limit on an answer's tokens.
    """
    exclusions = {
        candidate.key: exclude(candidate, view, demand, around.states.get(candidate.pool), cap)
        for candidate in (*strategy.candidates, *strategy.fallback)
    }
    eligible = list({c.reference: c for c in reversed(strategy.candidates) if exclusions[c.key] is None}.values())[::-1]
    spare = [c for c in strategy.fallback if exclusions[c.key] is None]
    scores: dict[tuple[str, str], float] = {}
    chosen: Candidate | None = None
    if len(eligible) == 1:
        # No picker has a choice then, nor anything to remember.
        chosen, scores = eligible[0], {eligible[0].key: 1.0}
    elif eligible:
        chosen, scores = strategy.picker.pick(eligible, around)
    elif spare:
        chosen = spare[0]
    records = tuple(
        _record(c, exclusions[c.key], scores) for c in _distinct((*strategy.candidates, *strategy.fallback))
    )
    if chosen is None:
        return Selection(None, (), records, _failure([e for e in exclusions.values() if e is not None]))
    return Selection(chosen, _chain(chosen, spare), records)


def _chain(chosen: Candidate, spare: Sequence[Candidate]) -> tuple[Candidate, ...]:
    by_pool: dict[str, Candidate] = {}
    for candidate in spare:
        by_pool.setdefault(candidate.pool, candidate)
    by_pool.pop(chosen.pool, None)
    return tuple(by_pool.values())


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    return list({candidate.key: candidate for candidate in reversed(candidates)}.values())[::-1]


def _record(
    candidate: Candidate, exclusion: Exclusion | None, picked: Mapping[tuple[str, str], float]
) -> CandidateRecord:
    scores: dict[str, float] = {}
    if candidate.key in picked:
        scores["selection"] = picked[candidate.key]
    if candidate.model.quality is not None:
        scores["quality"] = candidate.model.quality.default
    reason = exclusion.reason if exclusion else ""
    return CandidateRecord(
        pool=candidate.pool, model=candidate.model.name, eligible=exclusion is None, reason=reason, scores=scores
    )


def _failure(exclusions: Sequence[Exclusion]) -> DecisionError:
    """What to say when everybody is left out: what may pass first, because then a retry helps."""
    kinds = {e.kind for e in exclusions}
    if "saturation" in kinds:
        message = "Every model that may serve this request is busy. Retry shortly."
        return Saturated(message, code="pools_saturated", retry_after=RETRY_AFTER_SECONDS)
    if "readiness" in kinds:
        return Unavailable("No model that may serve this request is ready.", code="no_ready_endpoints")
    reasons = "; ".join(dict.fromkeys(e.reason for e in exclusions))
    if "context" in kinds:
        message = f"The request is too long for every model that may serve it: {reasons}."
        return BadRequest(message, code="context_length_exceeded", param="messages")
    if kinds & {"capability", "endpoint"}:
        return BadRequest(f"No model that may serve this request can: {reasons}.", code="unsupported_by_models")
    return Refused(f"The policy allows no model to serve this request: {reasons}.", code="no_pool_allowed")
