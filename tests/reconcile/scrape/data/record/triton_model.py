"""Publishes what Triton's TensorRT-LLM backend publishes, through Triton's own custom-metrics interface.

Families, help texts, labels and their order are those of that backend's custom_metrics_reporter.cc; numbers are ours.
"""

import os
import sys
import time

sys.path.append(os.environ["NUMPY_FOLDER"])
import numpy as np
import triton_python_backend_utils as pb_utils

GAUGES = {
    "nv_trt_llm_request_metrics": (
        "TRT LLM request metrics",
        "request_type",
        {"active": 17, "max": 512, "scheduled": 12, "context": 1, "waiting": 5},
    ),
    "nv_trt_llm_runtime_memory_metrics": (
        "TRT LLM runtime memory metrics",
        "memory_type",
        {"cpu": 0, "gpu": 1610236, "pinned": 0},
    ),
    "nv_trt_llm_kv_cache_block_metrics": (
        "TRT LLM KV cache block metrics",
        "kv_cache_block_type",
        {"max": 6239, "free": 3198, "used": 3041, "tokens_per": 64, "reused": 0, "fraction": 3041 / 6239},
    ),
    "nv_trt_llm_inflight_batcher_metrics": (
        "TRT LLM inflight_batcher-specific metrics",
        "inflight_batcher_specific_metric",
        {"total_context_tokens": 212, "generation_requests": 11, "micro_batch_id": 0, "paused_requests": 0},
    ),
    "nv_trt_llm_general_metrics": (
        "General TRT LLM metrics",
        "general_type",
        {"timestamp": 1764057600000000, "iteration_counter": 10231},
    ),
}
TRANSFERS = {"kv_cache_transfer_ms": 0, "request_count": 0}
BUCKETS = [10.0, 50.0, 100.0, 500.0, 1000.0]


class TritonPythonModel:
    def initialize(self, args):
        own = {"model": args["model_name"], "version": args["model_version"]}
        self.kept = []
        for name, (text, label, values) in GAUGES.items():
            family = pb_utils.MetricFamily(name=name, description=text, kind=pb_utils.MetricFamily.GAUGE)
            for value, number in values.items():
                metric = family.Metric(labels={**own, label: value})
                metric.set(number)
                self.kept += [family, metric]
        family = pb_utils.MetricFamily(
            name="nv_trt_llm_disaggregated_serving_metrics",
            description="TRT LLM disaggregated serving metrics",
            kind=pb_utils.MetricFamily.COUNTER,
        )
        for value in TRANSFERS:
            self.kept += [family, family.Metric(labels={**own, "disaggregated_serving_type": value})]
        self.lengths = []
        for kind in ("output", "input"):
            family = pb_utils.MetricFamily(
                name=f"nv_llm_{kind}_token_len",
                description="TRT LLM response metrics",
                kind=pb_utils.MetricFamily.HISTOGRAM,
            )
            labels = {**own, "response_metric_type": f"total_{kind}_tokens"}
            metric = family.Metric(labels=labels, buckets=BUCKETS)
            self.kept.append(family)
            self.lengths.append(metric)

    def execute(self, requests):
        answers = []
        for request in requests:
            asked = int(pb_utils.get_input_tensor_by_name(request, "TOKENS").as_numpy()[0])
            time.sleep(0.05)
            for metric, tokens in zip(self.lengths, (asked, 3 * asked), strict=True):
                metric.observe(tokens)
            answers.append(pb_utils.InferenceResponse([pb_utils.Tensor("DONE", np.array([1], np.int32))]))
        return answers
