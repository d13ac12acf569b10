"""Signals: named facts about a request, one struct a kind."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, field
from msgspec.structs import fields

from forebay_api.base import CelRule, Strict
from forebay_api.policy_data import ConfigMapKey, ListSource
from forebay_api.quantities import Unit

Scope = Literal["LatestTurn", "Conversation"]
EncoderKind = Literal["Static", "Transformer"]
ClassifierModel = Literal[
    "domain",
    "injection",
    "difficulty",
    "task",
    "risk",
    "uncertainty",
    "factuality",
    "needsRetrieval",
    "needsTools",
    "reasoning",
]
Entity = Literal[
    "CreditCard",
    "IBAN",
    "Email",
    "Phone",
    "IPAddress",
    "NationalID",
    "Secret",
    "CryptoAddress",
    "URLCredentials",
]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", max_length=2, examples=["US", "DE"])]
MAX_PHRASE: Final = 4096
"""Letters of a phrase or an example."""
MAX_PHRASES: Final = 10_000
"""Of a keyword signal, wherever they are kept."""
MAX_EXAMPLES: Final = 256
"""Of a label, wherever they are kept."""
Phrase = Annotated[str, Meta(min_length=1, max_length=MAX_PHRASE)]
SignalName = Annotated[str, Meta(pattern=r"^[a-z][a-zA-Z0-9_]{0,62}$", max_length=63, examples=["code", "has_card"])]
ATOMIC = {"x-kubernetes-list-type": "atomic"}
SET = {"x-kubernetes-list-type": "set"}
KINDS = (
    *("keyword", "regex", "similarity", "classifier"),
    *("pii", "language", "structure", "toolResult", "reask", "claims"),
)
"""Members of Signal, one a kind, as manifests spell them."""
BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}


class Keyword(Strict, frozen=True):
    cel_rules: ClassVar = (CelRule("has(self.any) || has(self.anyFrom)", "set any, anyFrom or both"),)
    any: (
        Annotated[
            list[Phrase],
            Meta(
                min_length=1,
                max_length=MAX_PHRASES,
                description="Whole words or phrases; one is enough.",
                extra_json_schema=ATOMIC,
            ),
        ]
        | None
    ) = None
    any_from: (
        Annotated[ListSource, Meta(description="More of `any`, kept in a ConfigMap; 10,000 in all at most.")] | None
    ) = None
    case_sensitive: Annotated[
        bool, Meta(description="Compare letters as they are; by default case and compatibility forms are folded.")
    ] = False
    scope: Annotated[Scope, Meta(description="The latest human turn, or all text of the request.")] = "LatestTurn"


class Regex(Strict, frozen=True):
    pattern: Annotated[str, Meta(min_length=1, max_length=4096, description="RE2 syntax: linear in the text's length.")]
    scope: Annotated[Scope, Meta(description="The latest human turn, or all text of the request.")] = "LatestTurn"


class LabelledExamples(Strict, frozen=True):
    cel_rules: ClassVar = (
        CelRule("has(self.examples) || has(self.examplesFrom)", "set examples, examplesFrom or both"),
    )
    name: Annotated[str, Meta(min_length=1, max_length=63, description="The label.")]
    examples: (
        Annotated[
            list[Phrase],
            Meta(
                min_length=1,
                max_length=MAX_EXAMPLES,
                description="Texts that mean this label.",
                extra_json_schema=ATOMIC,
            ),
        ]
        | None
    ) = None
    examples_from: (
        Annotated[ListSource, Meta(description="More of `examples`, kept in a ConfigMap; 256 in all at most.")] | None
    ) = None


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


class HeadArtifact(Strict, frozen=True, kw_only=True):
    """A model that `forebay train` made. Exactly one of path and configMapRef."""

    cel_rules: ClassVar = (
        CelRule("has(self.path) != has(self.configMapRef)", "set exactly one of path or configMapRef"),
    )
    path: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_][-A-Za-z0-9._]*(/[A-Za-z0-9_][-A-Za-z0-9._]*)*$",
                max_length=253,
                description="File under the data plane's artefact folder; with `forebay up`, the folder of the manifests.",
                examples=["tickets.head"],
            ),
        ]
        | None
    ) = None
    config_map_ref: (
        Annotated[
            ConfigMapKey,
            Meta(description="The key of its `binaryData` that holds the file; data planes get it with the policy."),
        ]
        | None
    ) = None
    digest: Annotated[
        str,
        Meta(
            pattern=r"^sha256:[0-9a-f]{64}$",
            max_length=71,
            description="Of the file; `forebay train` prints it.",
            examples=["sha256:" + 8 * "0a1b2c3d"],
        ),
    ]


class Classifier(Strict, frozen=True, kw_only=True):
    """What a trained model, or a documented rule, says of the latest human turn. Exactly one of model and artifact."""

    cel_rules: ClassVar = (CelRule("has(self.model) != has(self.artifact)", "set exactly one of model or artifact"),)
    model: Annotated[ClassifierModel, Meta(description="A model that ships; docs/models.md describes each.")] | None = (
        None
    )
    artifact: Annotated[HeadArtifact, Meta(description="A model of your own.")] | None = None
    labels: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=63)]],
            Meta(
                min_length=1,
                max_length=64,
                description="Labels that count as matched, one is enough; by default whatever the model looks for.",
                extra_json_schema=SET,
            ),
        ]
        | None
    ) = None
    threshold: (
        Annotated[Unit, Meta(description="Least score that counts as matched; by default the model's own.")] | None
    ) = None
    scope: Annotated[
        Literal["LatestTurn", "ToolResults"],
        Meta(
            description="The latest human turn, or what tools gave back since then, window by window; the highest score counts."
        ),
    ] = "LatestTurn"


class Pii(Strict, frozen=True, kw_only=True):
    """Personal data and secrets, found by their form and, where they have one, by their check digits."""

    entities: Annotated[
        list[Entity],
        Meta(min_length=1, max_length=9, description="What is looked for.", extra_json_schema=SET),
    ]
    countries: (
        Annotated[
            list[Country],
            Meta(
                min_length=1,
                max_length=100,
                description="Whose national ids count; by default those of all countries that are known.",
                extra_json_schema=SET,
            ),
        ]
        | None
    ) = None
    least: Annotated[
        int, Meta(ge=1, le=1000, description="Findings, of all entities together, that count as matched.")
    ] = 1
    scope: Annotated[Scope, Meta(description="The latest human turn, or all text of the request.")] = "Conversation"


class Language(Strict, frozen=True, kw_only=True):
    """The language that most of the text is written in."""

    is_: Annotated[
        list[Annotated[str, Meta(pattern=r"^[a-z]{2,3}$", max_length=3, examples=["fr", "haw"])]],
        Meta(min_length=1, max_length=64, description="ISO 639 codes; one is enough.", extra_json_schema=SET),
    ] = field(name="is")
    confidence: Annotated[
        Unit, Meta(description="Least share of the text, as far as its language can be told; below it is unknown.")
    ] = 0.6
    scope: Annotated[Scope, Meta(description="The latest human turn, or all text of the request.")] = "LatestTurn"


class Structure(Strict, frozen=True):
    """The request's shape as numbers that rules compare; it never matches by itself."""

    scope: Annotated[Scope, Meta(description="Whose code share: the latest human turn's, or all text's.")] = (
        "LatestTurn"
    )


class ToolResult(Strict, frozen=True):
    """Failures in what tools gave back."""

    failures: Annotated[int, Meta(ge=1, le=1000, description="Failed results that count as matched.")] = 1
    scope: Annotated[Scope, Meta(description="Results since the latest human turn, or all results of the request.")] = (
        "LatestTurn"
    )


class Reask(Strict, frozen=True):
    """The user says again what an earlier turn said."""

    max_distance: Annotated[
        Unit, Meta(description="Jaccard distance between the words of two turns, below which one repeats the other.")
    ] = 0.45
    lookback: Annotated[
        int, Meta(ge=1, le=16, description="How many earlier human turns the latest one is compared with.")
    ] = 4


class TokenClaim(Strict, frozen=True, kw_only=True):
    """A claim of a token that Envoy has verified."""

    provider: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=253,
                description="Name of the listener's JWT provider whose tokens count; those of every provider by default.",
                examples=["corp"],
            ),
        ]
        | None
    ) = None
    claim: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            description="Name of the claim; where the token has none of that whole name, dots go into objects.",
            examples=["plan", "realm_access.roles"],
        ),
    ]


class Claims(Strict, frozen=True, kw_only=True):
    """What a trusted header or a verified token says about the caller: its plan, groups or scopes."""

    cel_rules: ClassVar = (CelRule("has(self.header) != has(self.jwt)", "set exactly one of header or jwt"),)
    header: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9][-a-z0-9_]*$",
                max_length=64,
                description="Lower-case name of a header that something before Forebay sets and clients cannot.",
                examples=["x-plan"],
            ),
        ]
        | None
    ) = None
    jwt: Annotated[TokenClaim, Meta(description="A claim of a verified token.")] | None = None
    any: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=256)]],
        Meta(
            min_length=1,
            max_length=256,
            description="Values; one is enough. The header may hold several, split at commas and spaces; so may the "
            "claims `scope` and `scp`, and a claim may be a list.",
            extra_json_schema=SET,
        ),
    ]


class Signal(Strict, frozen=True):
    """A named fact about the request; computed only where something asks for it. Exactly one kind."""

    cel_rules: ClassVar = (
        CelRule(
            f"[{', '.join(f'has(self.{kind})' for kind in KINDS)}].filter(x, x).size() == 1",
            f"set exactly one of {', '.join(KINDS[:-1])} or {KINDS[-1]}",
        ),
    )
    name: Annotated[SignalName, Meta(description="Rules say `signals.<name>`.")]
    keyword: Annotated[Keyword, Meta(description="Words and phrases.")] | None = None
    regex: Annotated[Regex, Meta(description="A regular expression.")] | None = None
    similarity: Annotated[Similarity, Meta(description="Closeness in meaning to examples.")] | None = None
    classifier: Annotated[Classifier, Meta(description="A model's judgement.")] | None = None
    pii: Annotated[Pii, Meta(description="Personal data and secrets.")] | None = None
    language: Annotated[Language, Meta(description="The language of the text.")] | None = None
    structure: Annotated[Structure, Meta(description="The request's shape.")] | None = None
    tool_result: Annotated[ToolResult, Meta(description="Failures of tools.")] | None = None
    reask: Annotated[Reask, Meta(description="The user repeats himself.")] | None = None
    claims: (
        Annotated[Claims, Meta(description="What a trusted header or a verified token says of the caller.")] | None
    ) = None

    @property
    def kind(self) -> str:
        """The one kind that is set, as manifests spell it."""
        return next(kind for kind, member in MEMBERS.items() if getattr(self, member) is not None)

    @property
    def spec(self) -> Strict:
        """What the kind that is set says."""
        return getattr(self, MEMBERS[self.kind])  # type: ignore[no-any-return]


MEMBERS: Final = {member.encode_name: member.name for member in fields(Signal) if member.encode_name in KINDS}
"""Kind, as manifests spell it -> member of Signal."""
