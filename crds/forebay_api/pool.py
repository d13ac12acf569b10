"""ModelPool: interchangeable endpoints, what they can do, where they stand and what they cost."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from forebay_api.backend import Backend
from forebay_api.base import CelRule, ObjectMeta, Strict, positive
from forebay_api.model import Model
from forebay_api.quantities import Duration, Name
from forebay_api.status import PoolStatus
from forebay_api.telemetry import Saturation, Telemetry

Boundary = Literal["Edge", "Private", "Public"]
Tag = Annotated[str, Meta(min_length=1, max_length=63)]


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


class Capacity(Strict, frozen=True):
    max_concurrency: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Requests the whole pool runs at once; LeastBusy divides by it.")
    ]


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
