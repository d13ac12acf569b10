"""ModelPool: interchangeable endpoints, what they can do, where they stand and what they cost."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, field

from forebay_api.base import CelRule, ObjectMeta, Strict
from forebay_api.quantities import (
    HOST_PATTERN,
    Duration,
    ModelName,
    Money,
    Name,
    Namespace,
    ObjectName,
    PortName,
    Unit,
)
from forebay_api.status import PoolStatus

Boundary = Literal["Edge", "Private", "Public"]
Capability = Literal["Tools", "JSONSchema", "Vision", "Reasoning"]
Endpoint = Literal["ChatCompletions", "Completions", "Responses", "Embeddings"]
ReasoningLevel = Literal["Off", "Low", "Medium", "High"]
Engine = Literal["None", "vLLM", "SGLang", "TensorRTLLM", "Triton", "Custom"]
Port = Annotated[int, Meta(ge=1, le=65535)]
Tag = Annotated[str, Meta(min_length=1, max_length=63)]


def positive(field: str) -> CelRule:
    """The rule that a Duration is longer than nothing, without which Envoy refuses it or never waits."""
    return CelRule(f"duration(self.{field}) > duration('0s')", f"{field} must be longer than 0s", f".{field}")


class Address(Strict, frozen=True):
    host: Annotated[
        str,
        Meta(
            pattern=r"^[-A-Za-z0-9.:]+$",
            max_length=253,
            description="IP address or resolvable host name.",
            examples=["10.0.0.7", "gpu-1.internal"],
        ),
    ]
    port: Annotated[Port, Meta(description="TCP port of the inference server.")]


class External(Strict, frozen=True):
    hostname: Annotated[
        str,
        Meta(
            pattern=HOST_PATTERN,
            max_length=253,
            description="Host name; sent as SNI and Host, and checked against the certificate.",
            examples=["api.example.com"],
        ),
    ]
    port: Annotated[Port, Meta(description="TCP port.")] = 443


class ServiceRef(Strict, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of the Service.")]
    namespace: (
        Annotated[
            Namespace,
            Meta(
                description="Namespace of the Service; the pool's own by default. Another one needs a ReferenceGrant there."
            ),
        ]
        | None
    ) = None
    port: Annotated[
        Port | PortName,
        Meta(description="Port of the Service, by number or by name.", examples=["8000", "http"]),
    ]


class InferencePoolRef(Strict, frozen=True):
    name: Annotated[ObjectName, Meta(description="Name of the InferencePool (inference.networking.k8s.io/v1).")]
    namespace: (
        Annotated[
            Namespace,
            Meta(
                description="Namespace of the InferencePool; the pool's own by default. Another one needs a ReferenceGrant "
                "there."
            ),
        ]
        | None
    ) = None
    objective: (
        Annotated[
            ObjectName,
            Meta(
                description="InferenceObjective that the endpoint picker is told for every request; the caller's own "
                "`x-gateway-inference-objective` header by default."
            ),
        ]
        | None
    ) = None


class Backend(Strict, frozen=True):
    """Where the endpoints are: exactly one member."""

    cel_rules: ClassVar = (
        CelRule(
            "[has(self.service), has(self.inferencePool), has(self.external), has(self.addresses)]"
            ".filter(x, x).size() == 1",
            "set exactly one of service, inferencePool, external or addresses",
        ),
    )
    service: (
        Annotated[
            ServiceRef,
            Meta(
                description="A Service whose endpoints are followed, reached in plain HTTP. Locally forebay.yaml maps it to "
                "addresses."
            ),
        ]
        | None
    ) = None
    inference_pool: (
        Annotated[
            InferencePoolRef,
            Meta(
                description="An InferencePool: its endpoint picker, where it has one, chooses the replica. Locally "
                "forebay.yaml maps it to addresses."
            ),
        ]
        | None
    ) = None
    addresses: (
        Annotated[
            list[Address],
            Meta(
                min_length=1,
                max_length=256,
                description="Fixed endpoints, reached in plain HTTP.",
                extra_json_schema={"x-kubernetes-list-type": "atomic"},
            ),
        ]
        | None
    ) = None
    external: (
        Annotated[External, Meta(description="A bought endpoint: TLS, SNI and the system's trust store by default.")]
        | None
    ) = None


class Placement(Strict, frozen=True):
    boundary: Annotated[
        Boundary, Meta(description="How far from home the text travels: Edge, then Private, then Public.")
    ] = "Public"
    region: Annotated[Tag, Meta(description="Region label that `constrain.regions` compares.")] | None = None
    compliance: Annotated[
        list[Tag],
        Meta(
            max_length=16,
            description="Regimes this pool satisfies, e.g. HIPAA.",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ] = []


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


class Capacity(Strict, frozen=True):
    max_concurrency: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Requests the whole pool runs at once; LeastBusy divides by it.")
    ]


class Metric(Strict, frozen=True):
    """One gauge on a metrics page; its series are summed, or averaged for a utilisation."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$",
            max_length=200,
            description="Name of the metric, as it stands on the page.",
            examples=["tgi_queue_size"],
        ),
    ]
    labels: Annotated[
        dict[str, Annotated[str, Meta(max_length=200)]],
        Meta(
            max_length=8,
            description="Labels that a series must have to count; an empty value means that the label is absent or empty.",
        ),
    ] = {}


class CustomMetrics(Strict, frozen=True):
    """Which metrics mean what, for an engine that Forebay does not know."""

    queued: Annotated[Metric, Meta(description="Requests that wait.")]
    running: Annotated[Metric, Meta(description="Requests that are being worked on.")]
    kv_cache_utilization: (
        Annotated[Metric, Meta(description="Share of the KV cache in use, in [0,1]; 0 where none is named.")] | None
    ) = None


class Telemetry(Strict, frozen=True):
    cel_rules: ClassVar = (
        CelRule(
            "self.engine != 'Custom' || has(self.custom)",
            "engine Custom has no metric names of its own: set custom.queued and custom.running",
            field_path=".custom",
        ),
        CelRule(
            "self.engine == 'Custom' || !has(self.custom)",
            "custom is read only where engine is Custom: set engine to Custom or remove custom",
            field_path=".custom",
        ),
        CelRule(
            "duration(self.interval) >= duration('100ms')",
            "interval must be at least 100ms",
            field_path=".interval",
        ),
        CelRule(
            "duration(self.staleAfter) >= duration(self.interval)",
            "staleAfter below interval would make every reading stale: raise it to interval or more",
            field_path=".staleAfter",
        ),
    )
    engine: Annotated[Engine, Meta(description="Whose metric names to read; None reads nothing.")] = "None"
    interval: Annotated[Duration, Meta(description="Time between scrapes of one endpoint.")] = "1s"
    stale_after: Annotated[Duration, Meta(description="Age at which state stops counting in scores.")] = "5s"
    port: Annotated[Port, Meta(description="Metrics port, where it is not the serving port.")] | None = None
    path: (
        Annotated[
            str,
            Meta(
                pattern=r"^/[!-~]*$",
                max_length=128,
                description="Metrics path, where it is not the engine's own: /metrics, or /prometheus/metrics for TensorRTLLM.",
                examples=["/metrics"],
            ),
        ]
        | None
    ) = None
    custom: (
        Annotated[CustomMetrics, Meta(description="The metrics to read; exactly where engine is Custom.")] | None
    ) = None


class Saturation(Strict, frozen=True):
    """Any one threshold saturates the pool; it ends when every measure is below 80 % of its threshold."""

    cel_rules: ClassVar = (
        CelRule(
            "has(self.queueDepth) || has(self.kvCacheUtilization) || has(self.inFlight)",
            "set at least one of queueDepth, kvCacheUtilization or inFlight, or remove saturation",
        ),
    )
    queue_depth: (
        Annotated[float, Meta(gt=0, le=1_000_000, description="Mean waiting requests per ready endpoint.")] | None
    ) = None
    kv_cache_utilization: Annotated[Unit, Meta(description="Mean KV-cache use over ready endpoints.")] | None = None
    in_flight: (
        Annotated[int, Meta(ge=1, le=1_000_000, description="Requests of this pool that Forebay has under way.")] | None
    ) = None


class SecretKey(Strict, frozen=True):
    name: Annotated[Name, Meta(description="Secret in the pool's namespace.")]
    key: Annotated[str, Meta(min_length=1, max_length=253, description="Key inside the Secret.")]


class Credential(Strict, frozen=True):
    secret_ref: Annotated[
        SecretKey,
        Meta(
            description="Sent upstream as `Authorization: Bearer`, by Envoy. Locally forebay.yaml maps it to a file or variable."
        ),
    ]


class OutlierDetection(Strict, frozen=True):
    cel_rules: ClassVar = (positive("ejectionTime"),)
    consecutive_failures: Annotated[
        int, Meta(ge=1, le=1000, description="5xx answers or broken connections in a row that eject an endpoint.")
    ] = 5
    ejection_time: Annotated[Duration, Meta(description="How long an ejected endpoint rests the first time.")] = "5s"


class Resilience(Strict, frozen=True):
    cel_rules: ClassVar = (positive("connectTimeout"), positive("requestTimeout"), positive("streamIdleTimeout"))
    connect_timeout: Annotated[Duration, Meta(description="TCP and TLS set-up.")] = "2s"
    request_timeout: Annotated[Duration, Meta(description="Whole request including a streamed answer.")] = "10m"
    stream_idle_timeout: Annotated[Duration, Meta(description="Longest silence within an answer.")] = "60s"
    retries: Annotated[
        int, Meta(ge=0, le=5, description="Attempts on other endpoints before any byte of the answer was sent.")
    ] = 2
    outlier_detection: Annotated[
        OutlierDetection, Meta(description="When an endpoint that fails is left alone for a while.")
    ] = OutlierDetection()


class PoolSpec(Strict, frozen=True, kw_only=True):
    """What a pool is."""

    dialect: Annotated[Literal["OpenAI"], Meta(description="Wire format of the endpoints.")] = "OpenAI"
    backend: Backend
    placement: Annotated[Placement, Meta(description="Where the text goes when it goes here.")] = Placement()
    models: Annotated[
        list[Model],
        Meta(
            min_length=1,
            max_length=64,
            description="Models every endpoint of the pool serves.",
            extra_json_schema={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]
    capacity: Annotated[Capacity, Meta(description="How much the pool can run at once.")] | None = None
    forward_client_credentials: Annotated[
        bool, Meta(description="Let the caller's Authorization, API-key headers and cookies reach this pool.")
    ] = False
    telemetry: Annotated[Telemetry, Meta(description="How pool state is read.")] = Telemetry()
    saturation: Annotated[Saturation, Meta(description="When the pool takes no more work.")] | None = None
    credentials: Annotated[
        list[Credential],
        Meta(
            max_length=1,
            description="The pool's own credential.",
            extra_json_schema={"x-kubernetes-list-type": "atomic"},
        ),
    ] = []
    resilience: Annotated[Resilience, Meta(description="Time-outs, retries and ejection.")] = Resilience()

    cel_rules: ClassVar = (
        CelRule(
            "!self.forwardClientCredentials || self.credentials.size() == 0",
            "forwardClientCredentials and credentials exclude each other: either the caller's credential reaches the pool or the pool's own",
            field_path=".forwardClientCredentials",
        ),
        CelRule(
            "!has(self.saturation) || self.telemetry.engine != 'None' || "
            "!(has(self.saturation.queueDepth) || has(self.saturation.kvCacheUtilization))",
            "saturation.queueDepth and saturation.kvCacheUtilization are read from telemetry: set telemetry.engine",
            field_path=".saturation",
        ),
        CelRule(
            "!has(self.saturation) || !has(self.saturation.kvCacheUtilization) || !has(self.telemetry.custom) || "
            "has(self.telemetry.custom.kvCacheUtilization)",
            "saturation.kvCacheUtilization is read from the metric telemetry.custom.kvCacheUtilization: name that metric",
            field_path=".saturation.kvCacheUtilization",
        ),
    )


class ModelPool(Strict, frozen=True):
    """Interchangeable endpoints, what they can do, where they stand and what they cost."""

    api_version: Literal["forebay.dev/v1alpha1"]
    kind: Literal["ModelPool"]
    metadata: ObjectMeta
    spec: PoolSpec
    status: PoolStatus | None = None
