"""Tallies: counters and histograms that cost the request path one dictionary look-up.

prometheus-client takes a lock for every increment, and a decision with twenty signals makes some sixty of them. Here
one thread writes plain numbers, and prometheus-client's own families are built from them when somebody scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from forebay_extproc.telemetry.vocabulary import Vocabulary

Labels = tuple[str, ...]
MAX_SERIES: Final = 20_000
"""Per metric: the bound should the configuration itself name too much."""


class Tally:
    """A counter with labels. Written by one thread; `collect` may run on another.

    Label values that `vocabulary` does not know are counted as ``other``.
    """

    def __init__(self, name: str, help_: str, labels: Sequence[str], vocabulary: Vocabulary) -> None:
        self._name = name
        self._help = help_
        self._labels = labels
        self._vocabulary = vocabulary
        self._cells: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        cells = self._cells
        if labels in cells:
            cells[labels] += amount
            return
        known = self._vocabulary.bound(labels, full=len(cells) >= MAX_SERIES)
        cells[known] = cells.get(known, 0.0) + amount

    def collect(self) -> Metric:
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, value in list(self._cells.items()):
            family.add_metric(labels, value)
        return family


class Distribution:
    """A histogram with labels; `bounds` are upper bucket bounds, ascending, without infinity."""

    def __init__(
        self, name: str, help_: str, labels: Sequence[str], vocabulary: Vocabulary, bounds: Sequence[float]
    ) -> None:
        self._name = name
        self._help = help_
        self._labels = labels
        self._vocabulary = vocabulary
        self._bounds = tuple(bounds)
        self._cells: dict[Labels, list[float]] = {}

    def observe(self, labels: Labels, value: float) -> None:
        cell = self._cells.get(labels)
        if cell is None:
            known = self._vocabulary.bound(labels, full=len(self._cells) >= MAX_SERIES)
            # One number a bucket, one for what is beyond the last, and the sum.
            cell = self._cells.setdefault(known, [0.0] * (len(self._bounds) + 2))
        cell[bisect_left(self._bounds, value)] += 1.0
        cell[-1] += value

    def collect(self) -> Metric:
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, cell in list(self._cells.items()):
            *counts, total = list(cell)
            buckets, running = [], 0.0
            for bound, count in zip((*map(str, self._bounds), "+Inf"), counts, strict=True):
                running += count
                buckets.append((bound, running))
            family.add_metric(labels, buckets, total)
        return family


def gauge(name: str, help_: str, labels: Sequence[str], values: Mapping[Labels, float]) -> Metric:
    """A family of what is the case now."""
    family = GaugeMetricFamily(name, help_, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


class Collection:
    """A prometheus-client collector made of functions."""

    def __init__(self, parts: Iterable[Callable[[], Metric]]) -> None:
        self._parts = tuple(parts)

    def collect(self) -> Iterable[Metric]:
        return [part() for part in self._parts]
