"""Which metric of each engine means what; a new engine is a new entry.

Of the names given for a measure the first that a page holds counts: engines rename metrics between releases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from forebay_api.pool import Engine


class MetricNames(msgspec.Struct, frozen=True):
    """Names under which one engine publishes a measure, newest first."""

    queued: tuple[str, ...]
    running: tuple[str, ...]
    kv_cache_utilization: tuple[str, ...]

    def all(self) -> tuple[str, ...]:
        return (*self.queued, *self.running, *self.kv_cache_utilization)


METRIC_NAMES: Final[Mapping[Engine, MetricNames]] = {
    "vLLM": MetricNames(
        queued=("vllm:num_requests_waiting",),
        running=("vllm:num_requests_running",),
        kv_cache_utilization=("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    ),
}
