"""Metric families that one thread writes as plain numbers, and that are frozen before another one renders them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

Labels = tuple[str, ...]
MAX_SERIES: Final = 20_000
"""Per family; what is beyond is left out."""


class Count:
    """A counter. Label values come from fixed words of ours."""

    def __init__(self, name: str, help_: str, labels: Sequence[str] = ()) -> None:
        self._name, self._help, self._labels = name, help_, labels
        self._cells: dict[Labels, float] = {} if labels else {(): 0.0}

    def add(self, labels: Labels = (), amount: float = 1.0) -> None:
        if labels in self._cells or len(self._cells) < MAX_SERIES:
            self._cells[labels] = self._cells.get(labels, 0.0) + amount

    def freeze(self) -> Metric:
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, value in self._cells.items():
            family.add_metric(labels, value)
        return family


class Spread:
    """A histogram without labels; `bounds` are upper bucket bounds, ascending, without infinity."""

    def __init__(self, name: str, help_: str, bounds: Sequence[float]) -> None:
        self._name, self._help, self._bounds = name, help_, tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def freeze(self) -> Metric:
        buckets, running = [], 0.0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            running += count
            buckets.append((bound, running))
        family = HistogramMetricFamily(self._name, self._help)
        family.add_metric((), buckets, self._sum)
        return family


def gauge(name: str, help_: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Metric:
    """A family of what is the case now."""
    family = GaugeMetricFamily(name, help_, labels=labels)
    for count, (key, value) in enumerate(values.items()):
        if count >= MAX_SERIES:
            break
        family.add_metric(key, value)
    return family
