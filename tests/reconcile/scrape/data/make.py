"""Writes tensorrt-llm.txt beside this file: `.venv/bin/python tests/reconcile/scrape/data/make.py`.

It is no recording: see README.md. Names, types, labels and bucket bounds are those of the engine's source, printed by
prometheus-client in the multi-process mode that `trtllm-serve` uses; help texts and numbers are ours.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LABELS = {"model_name": "nemotron-nano-3", "engine_type": "trtllm"}
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
PREFILL = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 640, 2560)
HISTOGRAMS: Mapping[str, Sequence[float]] = {
    "e2e_request_latency_seconds": LATENCY,
    "time_to_first_token_seconds": TTFT,
    "time_per_output_token_seconds": PER_TOKEN,
    "request_queue_time_seconds": LATENCY,
    "request_prefill_time_seconds": PREFILL,
    "request_decode_time_seconds": LATENCY,
    "request_inference_time_seconds": LATENCY,
    "prompt_cached_tokens_per_request": (0, 64, 128, 256, 512, 1024, 2048, 4096, 8192),
    "prefill_batch_tokens": (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768),
}
COUNTERS = {
    "prompt_tokens": 912034,
    "generation_tokens": 301220,
    "prompt_cached_tokens": 200110,
    "num_requests_completed": 4210,
    "kv_cache_reused_blocks": 9001,
    "kv_cache_missed_blocks": 20110,
    "kv_cache_iter_reused_blocks": 9001,
    "kv_cache_iter_full_reused_blocks": 8020,
    "kv_cache_iter_partial_reused_blocks": 981,
    "kv_cache_iter_missed_blocks": 20110,
    "kv_cache_gen_alloc_blocks": 10470,
}
GAUGES = {
    "num_requests_running": 8,
    "num_requests_waiting": 3,
    "kv_cache_utilization": 0.62,
    "kv_cache_hit_rate": 0.31,
    "kv_cache_iter_reuse_rate": 0.25,
    "kv_cache_max_blocks": 6239,
    "kv_cache_free_blocks": 2371,
    "kv_cache_used_blocks": 3868,
    "kv_cache_tokens_per_block": 32,
    "max_num_active_requests": 64,
    "iteration_latency_seconds": 0.0212,
    "gpu_memory_usage_bytes": 61203283968,
    "cpu_memory_usage_bytes": 0,
    "pinned_memory_usage_bytes": 0,
    "max_batch_size_static": 64,
    "max_batch_size_runtime": 64,
    "max_num_tokens_runtime": 8192,
    "num_context_requests": 1,
    "num_generation_requests": 7,
    "num_paused_requests": 0,
    "num_scheduled_requests": 8,
    "total_context_tokens": 212,
    "avg_decoded_tokens_per_iter": 1,
    "prefill_batch_occupancy": 1 / 64,
}


def tensorrt_llm() -> str:
    """The page, with 4242 for the number of the process that would print it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        # prometheus-client chooses its mode when it is imported.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        chance = random.Random(3)
        ignored = CollectorRegistry()
        for name, value in GAUGES.items():
            gauge = Gauge(f"trtllm_{name}", f"Gauge {name}.", tuple(LABELS), registry=ignored)
            gauge.labels(**LABELS).set(value)
        for name, count in COUNTERS.items():
            counter = Counter(f"trtllm_{name}_total", f"Counter {name}.", tuple(LABELS), registry=ignored)
            counter.labels(**LABELS).inc(count)
        labels = (*LABELS, "finished_reason")
        ended = Counter("trtllm_request_success_total", "Counter request_success.", labels, registry=ignored)
        for reason, count in (("stop", 4010), ("length", 200)):
            ended.labels(**LABELS, finished_reason=reason).inc(count)
        for name, bounds in HISTOGRAMS.items():
            histogram = Histogram(
                f"trtllm_{name}", f"Histogram {name}.", tuple(LABELS), buckets=bounds, registry=ignored
            )
            for _ in range(60):
                histogram.labels(**LABELS).observe(chance.lognormvariate(0, 2))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return re.sub(r'pid="\d+"', 'pid="4242"', generate_latest(registry).decode())


if __name__ == "__main__":
    (Path(__file__).parent / "tensorrt-llm.txt").write_text(tensorrt_llm())
