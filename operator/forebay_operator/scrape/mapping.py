"""Which metric of each engine means what; a new engine is a new entry.

Of the metrics given for a measure the first that a page holds counts: engines rename metrics between releases. vLLM's
and SGLang's names were read from running engines (their pages are test data), TensorRT-LLM's and those of Triton's
TensorRT-LLM backend from `tensorrt_llm/metrics/collector.py` and `custom_metrics_reporter.cc`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from forebay_api.telemetry import CustomMetrics, Engine, Telemetry
from forebay_operator.scrape.metric import Metric


class MetricNames(msgspec.Struct, frozen=True):
    """Metrics under which one engine publishes a measure, newest first.

    `queued`, `running` and `kv_cache_utilization` are gauges; `prompt_tokens` and `generation_tokens` counters, empty
    where the engine has none. `tokens` counts both, and comes before them: some engines add a request's tokens to theirs
    when it ends, and to this one at once. `adapters` is a gauge whose value is when its labels, the LoRA adapters, were
    so.
    """

    queued: tuple[Metric, ...]
    running: tuple[Metric, ...]
    kv_cache_utilization: tuple[Metric, ...] = ()
    tokens: tuple[Metric, ...] = ()
    prompt_tokens: tuple[Metric, ...] = ()
    generation_tokens: tuple[Metric, ...] = ()
    adapters: Metric | None = None


class EngineMetrics(msgspec.Struct, frozen=True):
    """Where an engine's page is, unless the manifest says otherwise, and what to read there."""

    names: MetricNames
    path: str = "/metrics"


# SGLang repeats its counts by priority where it schedules by priority; the whole is the series without one. Every stage
# of a pipeline has a scheduler with the same queue, and every rank tells it under --enable-metrics-for-all-schedulers;
# `dp_rank` alone tells queues apart.
_WHOLE: Final = (("priority", ""),)
_RANKS: Final = ("tp_rank", "pp_rank", "moe_ep_rank")

ENGINES: Final[Mapping[Engine, EngineMetrics]] = {
    "vLLM": EngineMetrics(
        MetricNames(
            queued=(Metric("vllm:num_requests_waiting"),),
            running=(Metric("vllm:num_requests_running"),),
            kv_cache_utilization=(Metric("vllm:kv_cache_usage_perc"), Metric("vllm:gpu_cache_usage_perc")),
            prompt_tokens=(Metric("vllm:prompt_tokens_total"),),
            generation_tokens=(Metric("vllm:generation_tokens_total"),),
            adapters=Metric("vllm:lora_requests_info"),
        )
    ),
    "SGLang": EngineMetrics(
        MetricNames(
            queued=(Metric("sglang:num_queue_reqs", _WHOLE, _RANKS),),
            running=(Metric("sglang:num_running_reqs", _WHOLE, _RANKS),),
            kv_cache_utilization=(Metric("sglang:token_usage", (), _RANKS),),
            tokens=(Metric("sglang:realtime_tokens_total", (), _RANKS),),
            prompt_tokens=(Metric("sglang:prompt_tokens_total"),),
            generation_tokens=(Metric("sglang:generation_tokens_total"),),
        )
    ),
    "TensorRTLLM": EngineMetrics(
        MetricNames(
            queued=(Metric("trtllm_num_requests_waiting"),),
            running=(Metric("trtllm_num_requests_running"),),
            kv_cache_utilization=(Metric("trtllm_kv_cache_utilization"),),
            prompt_tokens=(Metric("trtllm_prompt_tokens_total"),),
            generation_tokens=(Metric("trtllm_generation_tokens_total"),),
        ),
        # trtllm-serve answers /metrics with statistics in JSON.
        path="/prometheus/metrics",
    ),
    "Triton": EngineMetrics(
        MetricNames(
            queued=(Metric("nv_trt_llm_request_metrics", (("request_type", "waiting"),)),),
            running=(Metric("nv_trt_llm_request_metrics", (("request_type", "scheduled"),)),),
            kv_cache_utilization=(Metric("nv_trt_llm_kv_cache_block_metrics", (("kv_cache_block_type", "fraction"),)),),
            # The sums of histograms over whole requests.
            prompt_tokens=(Metric("nv_llm_input_token_len_sum"),),
            generation_tokens=(Metric("nv_llm_output_token_len_sum"),),
        )
    ),
}


def engine_metrics(telemetry: Telemetry) -> EngineMetrics | None:
    """What to read for a pool; None where its engine tells nothing."""
    if telemetry.engine == "Custom":
        return None if telemetry.custom is None else EngineMetrics(_custom(telemetry.custom))
    return ENGINES.get(telemetry.engine)


def _custom(metrics: CustomMetrics) -> MetricNames:
    kv = metrics.kv_cache_utilization
    return MetricNames(
        queued=(Metric.of(metrics.queued),),
        running=(Metric.of(metrics.running),),
        kv_cache_utilization=() if kv is None else (Metric.of(kv),),
    )
