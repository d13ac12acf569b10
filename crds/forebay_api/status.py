"""Status of both kinds: what the operator found, and what Envoy and the data plane have acknowledged."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from forebay_api.base import Tolerant


class Condition(Tolerant, frozen=True):
    """metav1.Condition."""

    type: Annotated[
        str,
        Meta(
            max_length=316,
            description="Ready, Accepted, ResolvedRefs, Programmed, Saturated; Stalled only while the spec has to be mended; "
            "FullySupported with targetRefs.",
        ),
    ]
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
    """Endpoints of a pool; written with `load`."""

    ready: Annotated[int, Meta(ge=0, description="Endpoints that take traffic.")] = 0
    total: Annotated[int, Meta(ge=0, description="All endpoints, but for those that are being shut down.")] = 0


class PoolLoad(Tolerant, frozen=True):
    """What a pool had to do at `observedAt`. Written at most every 15 s and only when a number has moved."""

    queued: Annotated[int, Meta(ge=0, description="Requests that waited, over all endpoints.")] = 0
    running: Annotated[int, Meta(ge=0, description="Requests that were worked on, over all endpoints.")] = 0
    kv_cache_utilization: Annotated[
        float, Meta(ge=0, le=1, description="Mean KV-cache use over ready endpoints, in hundredths.")
    ] = 0.0
    observed_at: Annotated[
        str, Meta(max_length=64, description="When this was so.", extra_json_schema={"format": "date-time"})
    ] = "1970-01-01T00:00:00Z"


class AdapterStatus(Tolerant, frozen=True):
    """A LoRA adapter that endpoints of the pool name."""

    name: Annotated[str, Meta(max_length=253, description="The adapter's name, as the engine tells it.")]
    running: Annotated[int, Meta(ge=0, description="Endpoints that are running requests with it.")] = 0
    waiting: Annotated[int, Meta(ge=0, description="Endpoints where requests wait for it.")] = 0


Adapters = Annotated[
    list[AdapterStatus],
    Meta(
        max_length=64,
        description="LoRA adapters at work, those on most endpoints first; written with `load`.",
        extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    ),
]


class PoolStatus(Tolerant, frozen=True):
    """What the operator has found; written by it alone."""

    observed_generation: ObservedGeneration = 0
    conditions: Conditions = field(default_factory=lambda: [PENDING])
    endpoints: EndpointCounts | None = None
    load: PoolLoad | None = None
    adapters: Adapters | None = None


class AncestorRef(Tolerant, frozen=True, kw_only=True):
    """What an entry speaks of: a Gateway, or a target that leads to none."""

    group: Annotated[str, Meta(max_length=253, description="API group.")] = "gateway.networking.k8s.io"
    kind: Annotated[str, Meta(max_length=63, description="Kind.")] = "Gateway"
    namespace: Annotated[str, Meta(max_length=63, description="Namespace.")] = ""
    name: Annotated[str, Meta(max_length=253, description="Name.")]
    section_name: (
        Annotated[str, Meta(max_length=253, description="Listener or rule, where the target names one.")] | None
    ) = None
    port: Annotated[int, Meta(ge=1, le=65535, description="Port; Forebay never sets it.")] | None = None


class AncestorStatus(Tolerant, frozen=True, kw_only=True):
    """PolicyAncestorStatus of the Gateway API: how the policy stands with one ancestor of its targets."""

    ancestor_ref: Annotated[AncestorRef, Meta(description="Which ancestor.")]
    controller_name: Annotated[str, Meta(min_length=1, max_length=253, description="Who says so.")]
    conditions: Conditions = []


MAX_ANCESTORS = 16
Ancestors = Annotated[
    list[AncestorStatus],
    Meta(
        max_length=MAX_ANCESTORS,
        description="With targetRefs: how the policy stands with each Gateway. Entries of other controllers are kept.",
        extra_json_schema={"x-kubernetes-list-type": "atomic"},
    ),
]


class PolicyStatus(Tolerant, frozen=True):
    """What the operator has found, and what every replica runs; written by the operator alone."""

    observed_generation: ObservedGeneration = 0
    conditions: Conditions = field(default_factory=lambda: [PENDING])
    revision: (
        Annotated[str, Meta(max_length=128, description="Content hash that every expected replica acknowledged.")]
        | None
    ) = None
    ancestors: Ancestors = []
