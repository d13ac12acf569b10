"""Reads a few gauges out of a Prometheus text page without parsing the rest.

A vLLM page is mostly histograms: a hundred kilobytes around three numbers. So the wanted names are searched for, and
only their lines are looked at. Lines that make no sense are skipped: a scrape must survive whatever a server prints.

Source: Prometheus text exposition format 0.0.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from forebay_operator.scrape.mapping import MetricNames

_AFTER_NAME = frozenset(b" \t{")


class Reading(msgspec.Struct, frozen=True):
    """One endpoint's load: counts summed over label sets (models, engine ranks), KV use in [0,1] their mean."""

    queued: float
    running: float
    kv_cache_utilization: float = 0.0


def gauges(page: bytes, names: Iterable[str]) -> dict[str, tuple[float, ...]]:
    """The finite, non-negative values of each wanted family, one per label set; families not found are left out."""
    text = b"\n" + page
    found: dict[str, tuple[float, ...]] = {}
    for name in names:
        values = tuple(_values(text, b"\n" + name.encode()))
        if values:
            found[name] = values
    return found


def read_load(page: bytes, names: MetricNames) -> Reading | None:
    """The endpoint's load, or None where the page lacks the queue's or the running requests' count."""
    found = gauges(page, names.all())
    queued = _first(found, names.queued)
    running = _first(found, names.running)
    if queued is None or running is None:
        return None
    kv = _first(found, names.kv_cache_utilization) or (0.0,)
    return Reading(sum(queued), sum(running), min(1.0, sum(kv) / len(kv)))


def _first(found: dict[str, tuple[float, ...]], names: tuple[str, ...]) -> tuple[float, ...] | None:
    return next((found[name] for name in names if name in found), None)


def _values(text: bytes, needle: bytes) -> Iterable[float]:
    at = text.find(needle)
    while at >= 0:
        after = at + len(needle)
        end = text.find(b"\n", after)
        rest = text[after : end if end >= 0 else len(text)]
        if rest and rest[0] in _AFTER_NAME:
            value = _value(rest)
            if value is not None:
                yield value
        at = text.find(needle, after)


def _value(rest: bytes) -> float | None:
    """The number in ``{labels} number [timestamp]``. Neither number nor timestamp holds a brace, so the last one ends
    the labels, whatever their quoted text contains."""
    fields = rest.rpartition(b"}")[2].split() if rest[:1] == b"{" else rest.split()
    if rest[:1] == b"{" and b"}" not in rest:
        return None
    if not 1 <= len(fields) <= 2:
        return None
    try:
        value = float(fields[0])
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
