"""RoutingPolicy: from what the work is to how it is served."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from forebay_api.base import CelRule, ObjectMeta, Strict, for_each, unique
from forebay_api.quantities import BodySize, Duration, Hostname, ModelName, Name, Namespace, ObjectName, SectionName
from forebay_api.rule import Rule
from forebay_api.signal import ATOMIC, BY_NAME, Signal, TokenClaim
from forebay_api.status import PolicyStatus
from forebay_api.strategy import Strategy

Mode = Literal["Enforce", "Shadow"]


class Attach(Strict, frozen=True):
    hostnames: Annotated[
        list[Hostname],
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
            among="strategies",
        ),
        for_each(
            "rules",
            "r",
            "!has(r.use) || self.strategies.exists(s, s.name == r.use)",
            "a rule's use names no strategy of spec.strategies",
            at="use",
            among="strategies",
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
