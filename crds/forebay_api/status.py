"""Status of both kinds: what the operator found, and what Envoy and the data plane have acknowledged."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from forebay_api.base import Tolerant


class Condition(Tolerant, frozen=True):
    """metav1.Condition."""

    type: Annotated[str, Meta(max_length=316, description="Ready, Accepted, ResolvedRefs, Programmed or Saturated.")]
    status: Annotated[Literal["True", "False", "Unknown"], Meta(description="Whether it holds.")]
    reason: Annotated[str, Meta(min_length=1, max_length=1024, description="Why, as one of a fixed set of words.")]
    message: Annotated[str, Meta(max_length=32768, description="What is wrong, where, and what would mend it.")] = ""
    last_transition_time: Annotated[
        str, Meta(max_length=64, description="When `status` last changed.", extra_json_schema={"format": "date-time"})
    ] = "1970-01-01T00:00:00Z"
    observed_generation: Annotated[int, Meta(ge=0, description="Generation this was said about.")] = 0


PENDING = Condition(
    type="Ready", status="Unknown", reason="Pending", message="Waiting for the operator to look at this object."
)
CONDITIONS_SCHEMA = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


ObservedGeneration = Annotated[int, Meta(ge=0, description="Newest generation the operator has looked at.")]
Conditions = Annotated[
    list[Condition],
    Meta(max_length=8, description="What holds; Ready sums the others up.", extra_json_schema=CONDITIONS_SCHEMA),
]


class EndpointCounts(Tolerant, frozen=True):
    """Endpoints of a pool, as Envoy sees them."""

    ready: Annotated[int, Meta(ge=0, description="Endpoints that take traffic.")] = 0
    total: Annotated[int, Meta(ge=0, description="All endpoints.")] = 0


class PoolStatus(Tolerant, frozen=True):
    """What the operator has found; written by it alone."""

    observed_generation: ObservedGeneration = 0
    conditions: Conditions = field(default_factory=lambda: [PENDING])
    endpoints: EndpointCounts | None = None


class PolicyStatus(Tolerant, frozen=True):
    """What the operator has found, and what every replica runs; written by the operator alone."""

    observed_generation: ObservedGeneration = 0
    conditions: Conditions = field(default_factory=lambda: [PENDING])
    revision: (
        Annotated[str, Meta(max_length=128, description="Content hash that every expected replica acknowledged.")]
        | None
    ) = None
