"""RoutingPolicy: from what the work is to how it is served."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from forebay_api.base import CelRule, ObjectMeta, Strict, for_each, unique
from forebay_api.pool import Boundary, Capability, ReasoningLevel, Tag
from forebay_api.quantities import BodySize, Duration, ModelName, Name, Namespace, ObjectName, SectionName
from forebay_api.signal import ATOMIC, BY_NAME, Signal, TokenClaim
from forebay_api.status import PolicyStatus

Mode = Literal["Enforce", "Shadow"]
Algorithm = Literal["RoundRobin", "Weighted", "LeastBusy"]


class Attach(Strict, frozen=True):
    hostnames: Annotated[
        list[
            Annotated[
                str,
                Meta(
                    pattern=r"^(\*|(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?)$",
                    max_length=253,
                    examples=["llm.example.com", "*.example.com", "*"],
                ),
            ]
        ],
        Meta(
            min_length=1,
            max_length=16,
            description="Exact names, `*.suffix` or `*`; the most specific one wins.",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ] = field(default_factory=lambda: ["*"])
    path_prefix: Annotated[
        str,
        Meta(
            pattern=r"^/([-A-Za-z0-9._~]+(/[-A-Za-z0-9._~]+)*)?$",
            max_length=128,
            description="Whole path segments; removed before the upstream sees the path. The longest one wins.",
            examples=["/", "/team-a"],
        ),
    ] = "/"

    @property
    def prefix(self) -> str:
        """`path_prefix` as paths are compared with it: ``""`` for the root, else ``/a/b`` without a trailing slash."""
        return self.path_prefix.rstrip("/")


class TargetRef(Strict, frozen=True, kw_only=True):
    """What a policy is attached to where a Gateway API implementation carries the traffic."""

    group: Annotated[Literal["gateway.networking.k8s.io"], Meta(description="API group of the target.")] = (
        "gateway.networking.k8s.io"
    )
    kind: Annotated[Literal["Gateway", "HTTPRoute"], Meta(description="Kind of the target.")]
    name: Annotated[ObjectName, Meta(description="Name of the target.")]
    namespace: (
        Annotated[
            Namespace,
            Meta(
                description="Namespace of the target; the policy's own by default. Another one needs a ReferenceGrant "
                "there."
            ),
        ]
        | None
    ) = None
    section_name: (
        Annotated[
            SectionName,
            Meta(description="One listener of the Gateway, or one rule of the HTTPRoute; all of them by default."),
        ]
        | None
    ) = None


class FailOpen(Strict, frozen=True):
    pool: Annotated[Name, Meta(description="Pool that answers while the data plane is unreachable.")]
    model: Annotated[ModelName, Meta(description="Model of that pool.")]


class DecisionBudget(Strict, frozen=True):
    cel_rules: ClassVar = (
        CelRule(
            "duration(self.time) > duration('0s') && duration(self.time) <= duration('1s')",
            "time must be longer than 0s and at most 1s: Envoy waits no longer than 2s for a decision",
            field_path=".time",
        ),
    )
    time: Annotated[Duration, Meta(description="Deadline for one decision; what is not known by then is unknown.")] = (
        "20ms"
    )


class IdentitySource(Strict, frozen=True):
    """A trusted header or a claim of a verified token: exactly one."""

    cel_rules: ClassVar = (
        CelRule("has(self.header) != has(self.jwt)", "an identity has exactly one source: set header or jwt"),
    )
    header: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9][-a-z0-9_]*$",
                max_length=64,
                description="Lower-case name of a header that something before Forebay sets and clients cannot.",
                examples=["x-tenant"],
            ),
        ]
        | None
    ) = None
    jwt: (
        Annotated[TokenClaim, Meta(description="A claim of a verified token: a text, a number or a boolean.")] | None
    ) = None


class Identity(Strict, frozen=True):
    tenant: Annotated[IdentitySource, Meta(description="Source of `tenant`; empty text by default.")] | None = None
    user: Annotated[IdentitySource, Meta(description="Source of `user`; empty text by default.")] | None = None


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


class Constrain(Strict, frozen=True):
    """Requirements on whoever serves the request; they add up over rules and only ever tighten."""

    cel_rules: ClassVar = (
        CelRule(
            "has(self.boundary) || has(self.regions) || has(self.compliance) || has(self.capabilities)",
            "name at least one of boundary, regions, compliance or capabilities",
        ),
    )
    boundary: Annotated[Boundary, Meta(description="Farthest place allowed.")] | None = None
    regions: (
        Annotated[
            list[Tag],
            Meta(
                min_length=1,
                max_length=16,
                description="Allowed regions.",
                extra_json_schema={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None
    ) = None
    compliance: (
        Annotated[
            list[Tag],
            Meta(
                min_length=1,
                max_length=16,
                description="Regimes the pool must satisfy, all of them.",
                extra_json_schema={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None
    ) = None
    capabilities: (
        Annotated[
            list[Capability],
            Meta(
                min_length=1,
                max_length=4,
                description="Capabilities the model must have, all of them.",
                extra_json_schema={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None
    ) = None


class Reject(Strict, frozen=True, kw_only=True):
    status: Annotated[int, Meta(ge=400, le=499, description="HTTP status.")] = 403
    message: Annotated[str, Meta(min_length=1, max_length=1024, description="What the caller reads.")]


class Respond(Strict, frozen=True):
    message: Annotated[
        str,
        Meta(min_length=1, max_length=16384, description="The whole answer; no model is asked. Not for embeddings."),
    ]


class Rule(Strict, frozen=True):
    """`constrain` rules add up; the first other rule that matches decides. Exactly one action."""

    cel_rules: ClassVar = (
        CelRule(
            "[has(self.use), has(self.constrain), has(self.reject), has(self.respond)].filter(x, x).size() == 1",
            "set exactly one of use, constrain, reject or respond",
        ),
        CelRule("!has(self.reasoning) || has(self.use)", "reasoning goes with use"),
        CelRule(
            "!has(self.onUnknown) || !has(self.constrain)",
            "constrain always counts an unknown condition as matched: remove onUnknown",
        ),
        CelRule(
            "!has(self.onUnknown) || !has(self.reject) || self.onUnknown == 'Skip'",
            "reject knows only onUnknown: Skip; without it an unknown condition answers 503",
        ),
    )
    name: Annotated[Name, Meta(description="Stands in every decision record.")]
    when: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="CEL over `request`, `signals`, `pools`, `tenant` and `user`; must be a boolean.",
        ),
    ]
    on_unknown: (
        Annotated[
            Literal["Skip", "Match"],
            Meta(
                description="What an undecidable condition means for use, respond (Skip by default) and reject (503 by default)."
            ),
        ]
        | None
    ) = None
    use: Annotated[Name, Meta(description="Serve by this strategy.")] | None = None
    constrain: Annotated[Constrain, Meta(description="Narrow who may serve.")] | None = None
    reject: Annotated[Reject, Meta(description="Refuse.")] | None = None
    respond: Annotated[Respond, Meta(description="Answer without a model.")] | None = None
    reasoning: Annotated[ReasoningLevel, Meta(description="Overrides the strategy's level.")] | None = None


class Default(Strict, frozen=True):
    use: Annotated[Name, Meta(description="Strategy when no rule decides.")]


class Limits(Strict, frozen=True):
    reasoning_tokens: (
        Annotated[int, Meta(ge=1, le=10_000_000, description="Cap on a ThinkingBudget written or asked for.")] | None
    ) = None
    output_tokens: (
        Annotated[
            int,
            Meta(ge=1, le=10_000_000, description="Cap on the answer's tokens; also set where the caller set none."),
        ]
        | None
    ) = None


class PolicySpec(Strict, frozen=True, kw_only=True):
    """Which requests a policy is asked about, and what becomes of them."""

    attach: Annotated[
        Attach,
        Meta(
            description="Which requests this policy is asked about, from headers alone; every host and path where there are "
            "no targetRefs either. For Forebay's own Envoy."
        ),
    ] = Attach()
    target_refs: Annotated[
        list[TargetRef],
        Meta(
            max_length=16,
            description="Gateways and HTTPRoutes whose requests this policy is asked about, where a Gateway API "
            "implementation carries them. In place of attach.",
            extra_json_schema=ATOMIC,
        ),
    ] = []
    mode: Annotated[
        Mode,
        Meta(description="Shadow decides and records beside the attachment's Enforce policy, and changes nothing."),
    ] = "Enforce"
    models: Annotated[
        list[
            Annotated[
                str,
                Meta(pattern=r"^[!-)+-{}~]*\*?$", min_length=1, max_length=253, examples=["auto", "forebay/*", "*"]),
            ]
        ],
        Meta(
            min_length=1,
            max_length=64,
            description="Virtual model names it answers; a trailing `*` matches any ending.",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ] = field(default_factory=lambda: ["auto"])
    fail_open: (
        Annotated[
            FailOpen,
            Meta(
                description="Who answers while the data plane is unreachable; refused beside reject rules or outside `constrain`."
            ),
        ]
        | None
    ) = None
    max_request_bytes: Annotated[BodySize, Meta(description="Largest body, after gunzip; at most 64Mi.")] = "8Mi"
    decision_budget: Annotated[DecisionBudget, Meta(description="What a decision may cost.")] = DecisionBudget()
    identity: Annotated[Identity, Meta(description="Where tenant and user come from.")] = Identity()
    signals: Annotated[list[Signal], Meta(max_length=64, description="Named facts.", extra_json_schema=ATOMIC)] = []
    strategies: Annotated[
        list[Strategy], Meta(min_length=1, max_length=32, description="Ways to serve.", extra_json_schema=BY_NAME)
    ]
    rules: Annotated[list[Rule], Meta(max_length=128, description="In order.", extra_json_schema=ATOMIC)] = []
    default: Annotated[Default, Meta(description="When no rule decides.")]
    limits: Annotated[Limits, Meta(description="Caps written into the body.")] = Limits()

    implied: ClassVar = frozenset({"attach"})
    cel_rules: ClassVar = (
        CelRule(
            "!has(self.attach) || self.targetRefs.size() == 0",
            "set attach or targetRefs, not both: attach is for Forebay's own Envoy, targetRefs for a Gateway API implementation",
            field_path=".targetRefs",
        ),
        for_each(
            "rules",
            "r",
            "!has(self.failOpen) || !has(r.reject)",
            "failOpen would let requests past the reject rules: remove one of them",
            at="reject",
        ),
        CelRule(
            "self.strategies.exists(s, s.name == self.default.use)",
            "default.use names no strategy of spec.strategies",
            field_path=".default.use",
        ),
        for_each(
            "rules",
            "r",
            "!has(r.use) || self.strategies.exists(s, s.name == r.use)",
            "a rule's use names no strategy of spec.strategies",
            at="use",
        ),
        CelRule(
            "self.mode != 'Shadow' || !has(self.failOpen)",
            "a Shadow policy serves nothing, so it cannot have failOpen",
            field_path=".failOpen",
        ),
        unique("signals", "name", "two signals have the same name: rename one"),
        unique(
            "rules",
            "name",
            "two rules have the same name, so decision records could not tell them apart: rename one",
        ),
    )


class RoutingPolicy(Strict, frozen=True):
    """From what the work is to how it is served."""

    api_version: Literal["forebay.dev/v1alpha1"]
    kind: Literal["RoutingPolicy"]
    metadata: ObjectMeta
    spec: PolicySpec
    status: PolicyStatus | None = None
