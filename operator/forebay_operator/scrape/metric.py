"""A metric as it is looked for on a page: its name, and the labels that a series must have to count."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.telemetry import Metric as MetricSpec


class Metric(msgspec.Struct, frozen=True):
    """`labels` are pairs of label and value. As in Prometheus, an empty value asks that the label be absent or empty,
    and labels that are not named may be anything. `ranks` are labels of parts that all tell the same number: of series
    that differ in nothing else, the greatest counts."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()
    ranks: tuple[str, ...] = ()

    def __str__(self) -> str:
        pairs = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{pairs}}}" if pairs else self.name

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels counts."""
        return all(labels.get(name, "") == value for name, value in self.labels)

    @classmethod
    def of(cls, spec: MetricSpec) -> Metric:
        """The metric that a manifest names."""
        return cls(spec.name, tuple(sorted(spec.labels.items())))
