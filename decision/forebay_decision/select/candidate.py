"""Candidate: one (pool, model) that may serve a request, and the filters that leave it out."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from forebay_api.model import Model
from forebay_api.pool import PoolSpec
from forebay_api.quantities import money
from forebay_api.wire import PoolState
from forebay_decision.request import RequestView
from forebay_decision.select.demand import Demand, unmet

EXPECTED_OUTPUT_TOKENS: Final = 512
"""Assumed for the expected cost where the caller reserves nothing."""


class Candidate(msgspec.Struct, frozen=True):
    pool: str
    spec: PoolSpec
    model: Model
    weight: int = 1
    reference: int = 0
    """Which reference of the strategy it comes from: of several models behind one, the first eligible serves."""

    @property
    def key(self) -> tuple[str, str]:
        return self.pool, self.model.name


class Exclusion(msgspec.Struct, frozen=True):
    """Why a candidate is left out. `passing` says that it may be different in a moment."""

    reason: str
    kind: str
    passing: bool = False


def reserved_output(candidate: Candidate, view: RequestView, cap: int | None) -> int:
    """Tokens of answer that the request will ask this model for: the caller's, lowered as the edits lower them."""
    caps = [limit for limit in (cap, candidate.model.max_output_tokens) if limit is not None]
    return min(view.max_tokens or cap or 0, *caps) if caps else view.max_tokens or 0


def exclude(
    candidate: Candidate, view: RequestView, demand: Demand, state: PoolState | None, cap: int | None = None
) -> Exclusion | None:
    """The first filter that leaves the candidate out; demand, then shape, then health, then load.

    `cap` is the policy's limit on an answer's tokens.
    """
    model = candidate.model
    if reason := unmet(demand, candidate.spec, model):
        return Exclusion(reason, "capability" if reason.startswith("capability") else "constraint")
    if view.endpoint not in model.endpoints:
        return Exclusion(f"does not serve {view.endpoint}", "endpoint")
    wanted = view.prompt_tokens + reserved_output(candidate, view, cap)
    if wanted > model.context_tokens:
        return Exclusion(f"context of {model.context_tokens} tokens is less than {wanted}", "context")
    if candidate.weight == 0:
        return Exclusion("weight is 0", "weight")
    if state is None or state.stale:
        return None
    if state.ready == 0:
        return Exclusion("no endpoint is ready", "readiness", passing=True)
    if state.saturated:
        why = f"saturated: {state.saturation_reason}" if state.saturation_reason else "saturated"
        return Exclusion(why, "saturation", passing=True)
    return None


def expected_cost(candidate: Candidate, view: RequestView, cap: int | None = None) -> Decimal | None:
    """US dollars that this request should cost there, or None without a price."""
    price = candidate.model.price
    if price is None:
        return None
    output = reserved_output(candidate, view, cap) or EXPECTED_OUTPUT_TOKENS
    if view.endpoint == "Embeddings":
        output = 0
    total = view.prompt_tokens * money(price.input_per_m_tok) + output * money(price.output_per_m_tok)
    return total / 1_000_000
