"""Status of both kinds: what the operator found, and what Envoy and the data plane have acknowledged."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from forebay_api.base import Tolerant


class Condition(Tolerant):
    """metav1.Condition."""

    type: Annotated[str, Meta(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Meta(min_length=1, max_length=1024)]
    message: Annotated[str, Meta(max_length=32768)] = ""
    last_transition_time: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] = "1970-01-01T00:00:00Z"
    observed_generation: Annotated[int, Meta(ge=0)] = 0


PENDING = Condition(
    type="Ready", status="Unknown", reason="Pending", message="Waiting for the operator to look at this object."
)
CONDITIONS_SCHEMA = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class EndpointCounts(Tolerant):
    ready: int = 0
    total: int = 0


class PoolStatus(Tolerant):
    observed_generation: int = 0
    conditions: Annotated[list[Condition], Meta(max_length=8, extra_json_schema=CONDITIONS_SCHEMA)] = field(
        default_factory=lambda: [PENDING]
    )
    endpoints: EndpointCounts | None = None


class PolicyStatus(Tolerant):
    observed_generation: int = 0
    conditions: Annotated[list[Condition], Meta(max_length=8, extra_json_schema=CONDITIONS_SCHEMA)] = field(
        default_factory=lambda: [PENDING]
    )
    revision: Annotated[str, Meta(description="Content hash that every expected replica acknowledged.")] | None = None
