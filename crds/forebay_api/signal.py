"""Signals: named facts about a request, one struct a kind."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from forebay_api.base import CelRule, Strict
from forebay_api.quantities import Unit

Scope = Literal["LatestTurn", "Conversation"]
EncoderKind = Literal["Static", "Transformer"]
Phrase = Annotated[str, Meta(min_length=1, max_length=4096)]
SignalName = Annotated[str, Meta(pattern=r"^[a-z][a-zA-Z0-9_]{0,62}$", max_length=63, examples=["code", "has_card"])]
ATOMIC = {"x-kubernetes-list-type": "atomic"}
BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}


class Keyword(Strict, frozen=True):
    any: Annotated[
        list[Phrase],
        Meta(
            min_length=1,
            max_length=1000,
            description="Whole words or phrases; one is enough.",
            extra_json_schema=ATOMIC,
        ),
    ]
    case_sensitive: Annotated[bool, Meta(description="Compare letters as they are.")] = False
    scope: Annotated[Scope, Meta(description="The latest human turn, or all text of the request.")] = "LatestTurn"


class Regex(Strict, frozen=True):
    pattern: Annotated[str, Meta(min_length=1, max_length=4096, description="RE2 syntax: linear in the text's length.")]
    scope: Annotated[Scope, Meta(description="The latest human turn, or all text of the request.")] = "LatestTurn"


class LabelledExamples(Strict, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=63, description="The label.")]
    examples: Annotated[
        list[Phrase],
        Meta(min_length=1, max_length=256, description="Texts that mean this label.", extra_json_schema=ATOMIC),
    ]


class Similarity(Strict, frozen=True, kw_only=True):
    """Highest cosine between the latest human turn and any example; the label is the best example's."""

    encoder: Annotated[
        EncoderKind, Meta(description="Static: a table, tens of microseconds. Transformer: milliseconds, finer.")
    ] = "Static"
    labels: Annotated[
        list[LabelledExamples],
        Meta(min_length=1, max_length=64, description="Labels and their examples.", extra_json_schema=BY_NAME),
    ]
    threshold: Annotated[Unit, Meta(description="Least cosine that counts as matched.")]


class Signal(Strict, frozen=True):
    """A named fact about the request; computed only where something asks for it. Exactly one kind."""

    cel_rules: ClassVar = (
        CelRule(
            "[has(self.keyword), has(self.regex), has(self.similarity)].filter(x, x).size() == 1",
            "set exactly one of keyword, regex or similarity",
        ),
    )
    name: Annotated[SignalName, Meta(description="Rules say `signals.<name>`.")]
    keyword: Annotated[Keyword, Meta(description="Words and phrases.")] | None = None
    regex: Annotated[Regex, Meta(description="A regular expression.")] | None = None
    similarity: Annotated[Similarity, Meta(description="Closeness in meaning to examples.")] | None = None
