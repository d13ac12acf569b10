"""From an engine's metrics page to what it says of one endpoint."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from forebay_operator.scrape.exposition import gauges, read_labels, series
from forebay_operator.scrape.mapping import MetricNames
from forebay_operator.scrape.metric import Metric

MAX_ENDPOINT_ADAPTERS: Final = 64
MAX_ADAPTER_NAME: Final = 253


class Reading(msgspec.Struct, frozen=True):
    """One endpoint's load: counts summed over label sets (models, engine ranks), KV use in [0,1] their mean.

    `tokens` are all prompt and generated tokens since the engine's start, None where it does not count them.
    `adapters` and `waiting_adapters` name the LoRA adapters with running and with waiting requests.
    """

    queued: float
    running: float
    kv_cache_utilization: float = 0.0
    tokens: float | None = None
    adapters: tuple[str, ...] = ()
    waiting_adapters: tuple[str, ...] = ()


def read_load(page: bytes, names: MetricNames, now: float = math.inf) -> Reading | None:
    """The endpoint's load, or None where the page lacks the queue's or the running requests' count.

    `now` is the present time in Unix seconds: times on the page that are a multiple of it are sums of several.
    """
    queued = _first(page, names.queued)
    running = _first(page, names.running)
    tokens = _tokens(page, names)
    if queued is running is None and tokens == 0:
        # In prometheus-client's multi-process mode vLLM's gauges are on the page from the first request on.
        queued = running = (0.0,)
    if queued is None or running is None:
        return None
    kv = _first(page, names.kv_cache_utilization) or (0.0,)
    at_work, waited_for = ((), ()) if names.adapters is None else _adapters(page, names.adapters, now)
    return Reading(
        queued=sum(queued),
        running=sum(running),
        kv_cache_utilization=min(1.0, sum(kv) / len(kv)),
        tokens=tokens,
        # vLLM 0.32 names every adapter that has a request in both lists.
        adapters=at_work if sum(running) else (),
        waiting_adapters=waited_for if sum(queued) else (),
    )


def _tokens(page: bytes, names: MetricNames) -> float | None:
    if (together := _first(page, names.tokens)) is not None:
        return sum(together)
    apart = (_first(page, names.prompt_tokens), _first(page, names.generation_tokens))
    return None if apart == (None, None) else sum(sum(found) for found in apart if found is not None)


def _first(page: bytes, metrics: tuple[Metric, ...]) -> tuple[float, ...] | None:
    for metric in metrics:
        if found := gauges(page, (metric,)):
            return found[metric]
    return None


def _adapters(page: bytes, metric: Metric, now: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The adapters of the newest series: every mix of adapters that ever was is on the page, its value when it was.

    Series that are equally new count together: some engines tell whole seconds.
    """
    found = [(_time(each.value, now), each.labels) for each in series(page, metric.name)]
    newest = max((time for time, _ in found), default=0.0)
    labels = [read_labels(text) for time, text in found if time == newest]
    return _names(labels, "running_lora_adapters"), _names(labels, "waiting_lora_adapters")


def _time(value: float, now: float) -> float:
    """vLLM with several API servers adds up the times at which each of them saw a mix; their mean is near the latest."""
    return value / max(1, round(value / now))


def _names(labels: Iterable[Mapping[str, str]], label: str) -> tuple[str, ...]:
    names = (name.strip() for each in labels for name in each.get(label, "").split(","))
    return tuple(dict.fromkeys(name for name in names if 0 < len(name) <= MAX_ADAPTER_NAME))[:MAX_ENDPOINT_ADAPTERS]
