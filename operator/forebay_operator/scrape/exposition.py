"""Reads a few metrics out of a Prometheus text page without parsing the rest.

A vLLM page is mostly histograms: a hundred kilobytes around three numbers. So the wanted names are searched for, and
only their lines are looked at. Lines that make no sense are skipped: a scrape must survive whatever a server prints.

Source: Prometheus text exposition format 0.0.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from forebay_operator.scrape.metric import Metric

_AFTER_NAME: Final = frozenset(b" \t{")
_LABEL: Final = re.compile(rb'([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")


class Series(NamedTuple):
    """One line of a metric: what stands between its braces, and its value."""

    labels: bytes
    value: float


def gauges(page: bytes, metrics: Iterable[Metric]) -> dict[Metric, tuple[float, ...]]:
    """The finite, non-negative values of each wanted metric, one per label set; metrics not found are left out."""
    found: dict[Metric, tuple[float, ...]] = {}
    for metric in metrics:
        counted = [each for each in series(page, metric.name) if _counts(each.labels, metric)]
        if counted:
            found[metric] = _values(counted, metric.ranks)
    return found


def series(page: bytes, name: str) -> Iterator[Series]:
    """The lines of the metric `name` whose value is finite and not negative."""
    needle = name.encode()
    at = page.find(needle)
    while at >= 0:
        after = at + len(needle)
        if (at == 0 or page[at - 1] == _NEWLINE) and after < len(page) and page[after] in _AFTER_NAME:
            end = page.find(b"\n", after)
            found = _series(page[after : end if end >= 0 else len(page)])
            if found is not None:
                yield found
        at = page.find(needle, after)


def read_labels(text: bytes) -> dict[str, str]:
    """The labels in what stands between the braces; what makes no sense is skipped."""
    return {name.decode(): _text(value) for name, value in _LABEL.findall(text)}


_NEWLINE: Final = ord("\n")


def _series(rest: bytes) -> Series | None:
    """The line's ``{labels} number [timestamp]``. Neither number nor timestamp holds a brace, so the last one ends the
    labels, whatever their quoted text contains."""
    labels, brace, numbers = rest.rpartition(b"}")
    if (rest[:1] == b"{") != bool(brace):
        return None
    fields = numbers.split()
    if not 1 <= len(fields) <= 2:
        return None
    try:
        value = float(fields[0])
    except ValueError:
        return None
    return Series(labels[1:], value) if math.isfinite(value) and value >= 0 else None


def _counts(labels: bytes, metric: Metric) -> bool:
    if not metric.labels:
        return True
    # Most series lack the value that is asked for, which a search says sooner than a look at every label.
    if b"\\" not in labels and any(value.encode() not in labels for _, value in metric.labels):
        return False
    return metric.matches(read_labels(labels))


def _values(counted: list[Series], ranks: tuple[str, ...]) -> tuple[float, ...]:
    if len(counted) == 1 or not ranks:
        return tuple(each.value for each in counted)
    greatest: dict[frozenset[tuple[str, str]], float] = {}
    for each in counted:
        key = frozenset(pair for pair in read_labels(each.labels).items() if pair[0] not in ranks)
        greatest[key] = max(each.value, greatest.get(key, 0.0))
    return tuple(greatest.values())


def _text(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
