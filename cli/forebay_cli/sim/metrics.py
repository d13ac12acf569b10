"""vLLM's metrics under vLLM's names, labels and buckets, read from the simulated engine's real state.

Source: vLLM's ``v1/metrics/loggers.py``. Gauges are read when scraped, so they cannot lag behind the queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from forebay_cli.sim.config import SimConfig

FinishedReason = Literal["stop", "length", "abort", "error"]
METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST
BLOCK_TOKENS = 16

_LABELS = ("model_name", "engine")
_TTFT_BUCKETS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_LATENCY_BUCKETS = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0),
    *(40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)


class Readings(Protocol):
    """What gauges read of an engine when they are scraped."""

    @property
    def running(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def kv_usage(self) -> float:
        """In [0, 1]."""
        ...

    @property
    def waiting_loras(self) -> Iterable[str]: ...
    @property
    def running_loras(self) -> Iterable[str]: ...
    def wall_clock(self) -> float:
        """Seconds since the epoch."""
        ...


class EngineMetrics:
    """One engine's counters and histograms, to which the engine reports; its gauges read the engine."""

    def __init__(self, config: SimConfig, engine: Readings) -> None:
        self._registry = CollectorRegistry()
        labels = (config.models[0], "0")
        self._add_gauges(config, engine, labels)
        registry = self._registry

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, _LABELS, registry=registry).labels(*labels)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, _LABELS, buckets=buckets, registry=registry).labels(*labels)

        self._prompt_tokens = counter("vllm:prompt_tokens", "Number of prefill tokens processed.")
        self._generation_tokens = counter("vllm:generation_tokens", "Number of generation tokens processed.")
        success = Counter(
            "vllm:request_success",
            "Count of successfully processed requests.",
            (*_LABELS, "finished_reason"),
            registry=registry,
        )
        reasons: tuple[FinishedReason, ...] = ("stop", "length", "abort", "error")
        self._success = {reason: success.labels(*labels, reason) for reason in reasons}
        self._ttft = histogram(
            "vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", _TTFT_BUCKETS
        )
        self._e2e = histogram(
            "vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", _LATENCY_BUCKETS
        )
        self._queue_time = histogram(
            "vllm:request_queue_time_seconds",
            "Histogram of time spent in WAITING phase for request.",
            _LATENCY_BUCKETS,
        )

    def _add_gauges(self, config: SimConfig, engine: Readings, labels: tuple[str, str]) -> None:
        readings = (
            (
                "vllm:num_requests_running",
                "Number of requests in model execution batches.",
                lambda: engine.running,
            ),
            ("vllm:num_requests_waiting", "Number of requests waiting to be processed.", lambda: engine.waiting),
            ("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", lambda: engine.kv_usage),
        )
        for name, text, read in readings:
            Gauge(name, text, _LABELS, registry=self._registry).labels(*labels).set_function(read)
        blocks = str(max(1, config.kv_tokens // BLOCK_TOKENS))
        Gauge(
            "vllm:cache_config_info",
            "Information of the LLMEngine CacheConfig",
            ("block_size", "engine", "num_gpu_blocks"),
            registry=self._registry,
        ).labels(str(BLOCK_TOKENS), "0", blocks).set(1)
        self._registry.register(_LoraCollector(config, engine))

    def observe_admission(self, queued_seconds: float, prompt_tokens: int) -> None:
        self._queue_time.observe(queued_seconds)
        self._prompt_tokens.inc(prompt_tokens)

    def observe_first_token(self, seconds: float) -> None:
        self._ttft.observe(seconds)

    def observe_finish(self, reason: FinishedReason, seconds: float, tokens: int) -> None:
        self._success[reason].inc()
        self._generation_tokens.inc(tokens)
        self._e2e.observe(seconds)

    def exposition(self) -> bytes:
        """The Prometheus text format that METRICS_CONTENT_TYPE names."""
        return generate_latest(self._registry)


class _LoraCollector(Collector):
    """vLLM's odd one out: adapter names in labels, the time of the reading as value, no model_name."""

    def __init__(self, config: SimConfig, engine: Readings) -> None:
        self._max_lora = str(len(config.loras))
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "vllm:lora_requests_info",
            "Running stats on lora requests.",
            labels=("max_lora", "waiting_lora_adapters", "running_lora_adapters"),
        )
        adapters = (",".join(self._engine.waiting_loras), ",".join(self._engine.running_loras))
        family.add_metric((self._max_lora, *adapters), self._engine.wall_clock())
        yield family
