"""Writes the engines' pages beside this file: `.venv/bin/python tests/reconcile/scrape/data/make.py`.

These are no recordings: see README.md. Metric names, types, labels and bucket bounds are those of the engines' sources;
help texts and numbers are ours.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

HERE = Path(__file__).parent
LATENCY = (0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680)
TTFT = (
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
    20,
    40,
    80,
    160,
    640,
    2560,
)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80)
COUNTS = tuple(mantissa * 10**power for power in range(5) for mantissa in (1, 2, 5))[:14]
STEPS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
HTTP = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60)
HANDLERS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/models",
    "/health",
    "/metrics",
    "/tokenize",
)
Labels = Mapping[str, str]


class Page:
    """Families of one engine's page, every one with the same label sets, filled with repeatable numbers."""

    def __init__(self, label_sets: Sequence[Labels], seed: int) -> None:
        self.registry = CollectorRegistry()
        self._sets = label_sets
        self._random = random.Random(seed)

    def gauges(self, values: Mapping[str, float | Sequence[float]]) -> None:
        for name, given in values.items():
            family = Gauge(name, f"Gauge {name}.", tuple(self._sets[0]), registry=self.registry)
            each = given if isinstance(given, Sequence) else [given] * len(self._sets)
            for labels, value in zip(self._sets, each, strict=True):
                family.labels(**labels).set(value)

    def counters(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            family = Counter(name, f"Counter {name}.", tuple(self._sets[0]), registry=self.registry)
            for labels in self._sets:
                family.labels(**labels).inc(value)

    def histograms(self, bounds: Mapping[str, Sequence[float]], sets: Sequence[Labels] | None = None) -> None:
        for name, buckets in bounds.items():
            label_sets = sets or self._sets
            family = Histogram(
                name, f"Histogram {name}.", tuple(label_sets[0]), buckets=buckets, registry=self.registry
            )
            for labels in label_sets:
                child = family.labels(**labels)
                for _ in range(60):
                    child.observe(self._random.lognormvariate(0, 2))

    def text(self, *, created: bool) -> str:
        text = generate_latest(self.registry).decode()
        if created:
            return re.sub(r"(?m)^(\S+_created\{.*\}) .*$", r"\1 1.7640576e+09", text)
        return re.sub(r"(?m)^(# (HELP|TYPE) )?\S+_created[{ ].*\n", "", text)


def vllm(engines: int = 1) -> str:
    model = "Qwen/Qwen2.5-7B-Instruct"
    page = Page([{"model_name": model, "engine": str(engine)} for engine in range(engines)], seed=1)
    page.gauges(
        {
            "vllm:num_requests_running": [17.0, *[3.0] * (engines - 1)],
            "vllm:num_requests_waiting": [2.0, *[0.0] * (engines - 1)],
            "vllm:gpu_cache_usage_perc": 0.4137931034482758,
            "vllm:kv_cache_usage_perc": 0.4137931034482758,
        }
    )
    page.counters(
        {
            "vllm:gpu_prefix_cache_queries": 8128902,
            "vllm:gpu_prefix_cache_hits": 2113514,
            "vllm:prefix_cache_queries": 8128902,
            "vllm:prefix_cache_hits": 2113514,
            "vllm:num_preemptions": 12,
            "vllm:prompt_tokens": 8128902,
            "vllm:generation_tokens": 7557572,
        }
    )
    tokens = ("request_prompt_tokens", "request_generation_tokens", "request_max_num_generation_tokens")
    times = ("e2e_request_latency", "request_queue_time", "request_inference_time", "request_prefill_time")
    page.histograms(
        {
            **{f"vllm:{name}": COUNTS for name in (*tokens, "request_params_max_tokens")},
            "vllm:iteration_tokens_total": STEPS,
            "vllm:request_params_n": (1, 2, 5, 10, 20),
            "vllm:time_to_first_token_seconds": TTFT,
            "vllm:time_per_output_token_seconds": PER_TOKEN,
            "vllm:inter_token_latency_seconds": PER_TOKEN,
            **{f"vllm:{name}_seconds": LATENCY for name in (*times, "request_decode_time")},
        }
    )
    adapters = Gauge(
        "vllm:lora_requests_info",
        "Gauge vllm:lora_requests_info.",
        ("max_lora", "waiting_lora_adapters", "running_lora_adapters"),
        registry=page.registry,
    )
    history = [
        ("", "sql-lora"),
        ("sql-lora", "chat-lora"),
        ("chat-lora", "sql-lora,chat-lora"),
        ("", "sql-lora,chat-lora"),
    ]
    for second, (waiting, running) in enumerate(history):
        adapters.labels("4", waiting, running).set(1764057600.5 + second)
    adapters.labels("4", "", "").set(1764057000.25)
    _http(page)
    return page.text(created=True)


def sglang() -> str:
    ranks = [
        {"model_name": "meta-llama/Llama-3.1-8B-Instruct", "engine_type": "unified", "tp_rank": "0", "pp_rank": "0"},
    ]
    page = Page(ranks, seed=2)
    zero = ("pending_prealloc_token_usage", "swa_token_usage", "mamba_usage", "num_grammar_queue_reqs")
    more = ("num_running_reqs_offline_batch", "num_retracted_reqs", "num_paused_reqs", "spec_accept_length")
    transfer = [f"num_{part}_queue_reqs" for part in ("prefill_prealloc", "prefill_inflight", "decode_prealloc")]
    page.gauges(
        {
            "sglang:num_running_reqs": 46.0,
            "sglang:num_queue_reqs": 9.0,
            "sglang:token_usage": 0.28,
            "sglang:num_used_tokens": 123859.0,
            "sglang:decode_sum_seq_lens": 121004.0,
            "sglang:gen_throughput": 1286.50814177726902,
            "sglang:cache_hit_rate": 0.0075,
            "sglang:max_total_num_tokens": 442353.0,
            **{f"sglang:{name}": 0.0 for name in (*zero, *more, *transfer)},
        }
    )
    page.counters(
        {
            "sglang:prompt_tokens": 8128902,
            "sglang:generation_tokens": 7557572,
            "sglang:cached_tokens": 61010,
            "sglang:num_requests": 12345,
        }
    )
    times = ("time_to_first_token", "inter_token_latency", "e2e_request_latency", "queue_time", "per_stage_req_latency")
    page.histograms({f"sglang:{name}_seconds": TTFT for name in times})
    page.histograms({"sglang:prompt_tokens_histogram": COUNTS, "sglang:generation_tokens_histogram": COUNTS})
    whole = page.text(created=False)
    # Scheduling by priority repeats the counts.
    for name, counts in (("num_running_reqs", (30.0, 16.0)), ("num_queue_reqs", (9.0, 0.0))):
        for line in re.findall(rf"(?m)^sglang:{name}\{{.*$", whole):
            labels = line.partition("{")[2].rpartition("}")[0]
            parts = [f'sglang:{name}{{{labels},priority="{n}"}} {count}' for n, count in enumerate(counts)]
            whole = whole.replace(line, "\n".join([line.replace("} ", ',priority=""} '), *parts]))
    return whole


def tensorrt_llm() -> str:
    page = Page([{"model_name": "nemotron-nano-3", "engine_type": "trtllm", "pid": "4242"}], seed=3)
    zero = ("num_paused_requests", "cpu_memory_usage_bytes", "kv_cache_host_utilization", "kv_cache_iter_reuse_rate")
    page.gauges(
        {
            "trtllm_num_requests_running": 8.0,
            "trtllm_num_requests_waiting": 3.0,
            "trtllm_kv_cache_utilization": 0.62,
            "trtllm_kv_cache_hit_rate": 0.31,
            "trtllm_max_num_active_requests": 64.0,
            "trtllm_kv_cache_max_blocks": 6239.0,
            "trtllm_kv_cache_free_blocks": 2371.0,
            "trtllm_kv_cache_used_blocks": 3868.0,
            "trtllm_kv_cache_tokens_per_block": 32.0,
            "trtllm_num_scheduled_requests": 8.0,
            "trtllm_gpu_memory_usage_bytes": 61203283968.0,
            **{f"trtllm_{name}": 0.0 for name in zero},
        }
    )
    page.counters(
        {
            "trtllm_prompt_tokens": 912034,
            "trtllm_generation_tokens": 301220,
            "trtllm_request_success": 4210,
            "trtllm_num_requests_completed": 4210,
            "trtllm_kv_cache_reused_blocks": 9001,
            "trtllm_kv_cache_missed_blocks": 20110,
        }
    )
    times = ("e2e_request_latency", "request_queue_time", "request_decode_time", "request_inference_time")
    page.histograms(
        {
            "trtllm_time_to_first_token_seconds": TTFT,
            "trtllm_time_per_output_token_seconds": PER_TOKEN,
            **{f"trtllm_{name}_seconds": LATENCY for name in times},
        }
    )
    return page.text(created=False)


def triton() -> str:
    """Triton's own serialiser: integers without a fraction, a histogram's count and sum before its buckets."""
    labels = 'model="tensorrt_llm"'
    groups: Mapping[tuple[str, str], Mapping[str, float]] = {
        ("request", "request_type"): {"waiting": 5, "context": 1, "scheduled": 12, "max": 512, "active": 17},
        ("runtime_memory", "memory_type"): {"pinned": 0, "gpu": 1610236, "cpu": 0},
        ("kv_cache_block", "kv_cache_block_type"): {
            "fraction": 0.4875,
            "reused": 0,
            "tokens_per": 64,
            "used": 3041,
            "free": 3198,
            "max": 6239,
        },
        ("disaggregated_serving", "disaggregated_serving_type"): {"kv_cache_transfer_ms": 0, "request_count": 0},
        ("inflight_batcher", "inflight_batcher_specific_metric"): {
            "paused_requests": 0,
            "micro_batch_id": 0,
            "generation_requests": 11,
            "total_context_tokens": 212,
        },
        ("general", "general_type"): {"iteration_counter": 10231, "timestamp": 1764057600000000},
    }
    lines = []
    counters = ("request_success", "request_failure", "count", "exec_count", "request_duration_us", "queue_duration_us")
    for name in counters:
        lines += _family(f"nv_inference_{name}", "counter", [(f'{{{labels},version="1"}}', 4210)])
    for (group, label), values in groups.items():
        kind = "counter" if group == "disaggregated_serving" else "gauge"
        series = [(f'{{{labels},{label}="{value}",version="1"}}', number) for value, number in values.items()]
        lines += _family(f"nv_trt_llm_{group}_metrics", kind, series)
    for name, kind, total in (("input", "input", 912034), ("output", "output", 301220)):
        inner = f'{labels},response_metric_type="total_{kind}_tokens",version="1"'
        family = f"nv_llm_{name}_token_len"
        lines += [f"# HELP {family} TRT LLM response metrics", f"# TYPE {family} histogram"]
        lines += [f"{family}_count{{{inner}}} 4210", f"{family}_sum{{{inner}}} {total}"]
        lines += [f'{family}_bucket{{{inner},le="{le}"}} {n}' for le, n in _buckets()]
    for gpu in range(8):
        uuid = f"GPU-00000000-0000-0000-0000-00000000000{gpu}"
        for name in ("utilization", "memory_total_bytes", "memory_used_bytes", "power_usage", "power_limit"):
            lines += _family(f"nv_gpu_{name}", "gauge", [(f'{{gpu_uuid="{uuid}"}}', gpu)], head=gpu == 0)
    return "\n".join(lines) + "\n"


def _buckets() -> Iterable[tuple[str, int]]:
    return (("10", 120), ("50", 900), ("100", 2100), ("500", 4100), ("1000", 4200), ("+Inf", 4210))


def _family(name: str, kind: str, series: Iterable[tuple[str, Any]], *, head: bool = True) -> list[str]:
    lines = [f"# HELP {name} Metric {name}.", f"# TYPE {name} {kind}"] if head else []
    return lines + [f"{name}{labels} {value}" for labels, value in series]


def _http(page: Page) -> None:
    """What the web framework adds: most of the page, and nothing of it is read."""
    sets = [{"handler": handler, "method": "POST"} for handler in HANDLERS]
    page.histograms({"http_request_duration_seconds": (0.1, 0.5, 1)}, sets)
    page.histograms({"http_request_duration_highr_seconds": HTTP}, [{"status": "2xx"}])
    page.histograms({"http_request_size_bytes": (256, 1024), "http_response_size_bytes": (256, 1024)}, sets)


if __name__ == "__main__":
    pages = {"vllm": vllm(), "sglang": sglang(), "tensorrt-llm": tensorrt_llm(), "triton": triton()}
    for name, text in pages.items():
        (HERE / f"{name}.txt").write_text(text)
        print(f"{name}.txt: {len(text)} bytes")
