"""Which LoRA adapters a pool's endpoints name, counted over endpoints and bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from forebay_api.wire import MAX_ADAPTERS, AdapterCounts
from forebay_operator.scrape.reading import Reading


def count_adapters(readings: Iterable[Reading]) -> dict[str, AdapterCounts]:
    """On how many endpoints each adapter is at work or waited for: MAX_ADAPTERS of them, those on most endpoints first,
    then by name."""
    running: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for reading in readings:
        running.update(reading.adapters)
        waiting.update(reading.waiting_adapters)
    names = sorted(running.keys() | waiting.keys(), key=lambda name: (-running[name], -waiting[name], name))
    return {name: AdapterCounts(running[name], waiting[name]) for name in names[:MAX_ADAPTERS]}
