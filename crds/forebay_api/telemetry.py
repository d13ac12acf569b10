"""What is read of a pool's load, and when that is too much."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from forebay_api.base import CelRule, Strict
from forebay_api.quantities import Duration, Port, Unit

Engine = Literal["None", "vLLM", "SGLang", "TensorRTLLM", "Triton", "Custom"]


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
