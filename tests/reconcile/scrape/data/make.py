"""Writes tensorrt-llm.txt beside this file: `.venv/bin/python tests/reconcile/scrape/data/make.py`.

It is no recording: see README.md. Metric names, types, labels and bucket bounds are those of the engine's source; help
texts and numbers are ours.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

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


if __name__ == "__main__":
    (HERE / "tensorrt-llm.txt").write_text(tensorrt_llm())
