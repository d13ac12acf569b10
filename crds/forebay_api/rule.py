"""Rules: what a policy says of a request, in order."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from forebay_api.base import CelRule, Strict
from forebay_api.model import Capability, ReasoningLevel
from forebay_api.pool import Boundary, Tag
from forebay_api.quantities import Name


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
