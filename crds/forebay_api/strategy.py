"""Strategies: how a request is served once a rule has said so."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from forebay_api.base import CelRule, Strict, for_each
from forebay_api.model import ReasoningLevel
from forebay_api.quantities import ModelName, Name
from forebay_api.signal import ATOMIC

Algorithm = Literal["RoundRobin", "Weighted", "LeastBusy"]


class PoolRef(Strict, frozen=True):
    name: Annotated[Name, Meta(description="ModelPool in the policy's namespace.")]
    model: (
        Annotated[
            ModelName, Meta(description="One model of the pool; by default the first one that can serve the request.")
        ]
        | None
    ) = None


class WeightedPoolRef(PoolRef, frozen=True):
    weight: (
        Annotated[int, Meta(ge=0, le=1_000_000, description="Share under `Weighted`; 0 takes no traffic.")] | None
    ) = None


class Select(Strict, frozen=True):
    algorithm: Annotated[
        Algorithm,
        Meta(
            description="RoundRobin: equal turns. Weighted: smooth turns by weight. LeastBusy: least (running + queued) / "
            "maxConcurrency, power of two choices among ties."
        ),
    ] = "LeastBusy"


class Direct(Strict, frozen=True):
    """One model answers."""

    cel_rules: ClassVar = (
        for_each(
            "pools",
            "p",
            "self.select.algorithm != 'Weighted' || has(p.weight)",
            "algorithm Weighted needs a weight on every pool",
        ),
        for_each(
            "pools",
            "p",
            "self.select.algorithm == 'Weighted' || !has(p.weight)",
            "weights count only under select.algorithm Weighted: set it, or remove the weights",
            at="weight",
        ),
        CelRule(
            "self.select.algorithm != 'Weighted' || !self.pools.all(p, has(p.weight) && p.weight == 0)",
            "algorithm Weighted needs at least one weight above 0",
            field_path=".pools",
        ),
    )
    pools: Annotated[
        list[WeightedPoolRef],
        Meta(min_length=1, max_length=8, description="Candidates.", extra_json_schema=ATOMIC),
    ]
    select: Annotated[Select, Meta(description="How one candidate is picked.")] = Select()
    fallback: Annotated[
        list[PoolRef],
        Meta(
            max_length=8,
            description="Tried in this order when no candidate is left, also after a failure upstream before the first byte.",
            extra_json_schema=ATOMIC,
        ),
    ] = []


class Strategy(Strict, frozen=True):
    """A named way to serve a request."""

    name: Annotated[Name, Meta(description="Rules say `use: <name>`.")]
    direct: Annotated[Direct, Meta(description="One model answers.")]
    reasoning: (
        Annotated[ReasoningLevel, Meta(description="How hard the model should think; written as each model wants it.")]
        | None
    ) = None
