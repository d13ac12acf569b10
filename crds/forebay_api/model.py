"""The models of a pool: names, lengths, what they can do and cost, and how well they do it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field

from forebay_api.base import CelRule, Strict
from forebay_api.quantities import ModelName, Money, Unit

Capability = Literal["Tools", "JSONSchema", "Vision", "Reasoning"]
Endpoint = Literal["ChatCompletions", "Completions", "Responses", "Embeddings"]
ReasoningLevel = Literal["Off", "Low", "Medium", "High"]


class Price(Strict, frozen=True):
    input_per_m_tok: Annotated[
        Money, Meta(description="US dollars per million prompt tokens, as a decimal string.")
    ] = "0"
    output_per_m_tok: Annotated[
        Money, Meta(description="US dollars per million generated tokens, as a decimal string.")
    ] = "0"


class Quality(Strict, frozen=True):
    default: Annotated[Unit, Meta(description="Stated quality in [0,1]: the prior before there is evidence.")]


class Reasoning(Strict, frozen=True):
    """How the `reasoning` levels of policies are written into the body for this model."""

    parameter: Annotated[
        Literal["ReasoningEffort", "ChatTemplateKwargs", "ThinkingBudget"],
        Meta(
            description="ReasoningEffort writes `reasoning_effort` (`reasoning.effort` for responses); ChatTemplateKwargs "
            "writes members of `chat_template_kwargs`; ThinkingBudget writes the integer `thinking_token_budget`."
        ),
    ]
    levels: Annotated[
        dict[ReasoningLevel, Any],
        Meta(
            max_length=4,
            description="Value written for each level: a string, an object or an integer of tokens, as the parameter asks.",
        ),
    ] = {}


class Model(Strict, frozen=True):
    """A model that every endpoint of the pool serves."""

    cel_rules: ClassVar = (
        CelRule(
            "!has(self.maxOutputTokens) || self.maxOutputTokens <= self.contextTokens",
            "maxOutputTokens cannot exceed contextTokens, which counts prompt and output together",
            field_path=".maxOutputTokens",
        ),
    )
    name: Annotated[ModelName, Meta(description="The name policies and callers use.")]
    upstream_name: (
        Annotated[ModelName, Meta(description="The name written into the body; `name` by default.")] | None
    ) = None
    endpoints: Annotated[
        list[Endpoint],
        Meta(
            min_length=1,
            max_length=4,
            description="Which OpenAI endpoints the model serves; all by default.",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ] = field(default_factory=lambda: ["ChatCompletions", "Completions", "Responses", "Embeddings"])
    context_tokens: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Context window: prompt tokens plus reserved output.")
    ] = 8192
    max_output_tokens: (
        Annotated[int, Meta(ge=1, le=100_000_000, description="Most tokens the model generates in one answer.")] | None
    ) = None
    capabilities: Annotated[
        list[Capability],
        Meta(
            max_length=4,
            description="What the model can do. A request that needs more is never sent to it.",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ] = []
    reasoning: Reasoning | None = None
    price: Annotated[Price, Meta(description="What a request costs.")] | None = None
    quality: Annotated[Quality, Meta(description="Stated quality.")] | None = None
