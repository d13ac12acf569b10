"""The scrape budget: how many pages a second are read at most, and by how much intervals stretch to keep to it.

All targets stretch alike, so that a pool that asked for a shorter interval than another still gets one. The stretch
moves in steps, up at once and down with some delay: the message that names it must not change with every endpoint.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from forebay_api.quantities import Duration, duration_seconds
from forebay_operator.scrape.targets import Target

DEFAULT_BUDGET: Final = 400.0
"""Scrapes a second; tests/bench/scrapes.py says what share of a core that is."""
STEPS: Final = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 25.0, 32.0, 40.0, 50.0, 64.0)
RELAX: Final = 0.9
"""A lower step is taken where it would leave this much of the budget."""


def wanted_rate(targets: Iterable[Target]) -> float:
    """Scrapes a second that the targets ask for."""
    return sum(1.0 / target.interval for target in targets)


def stretch(rate: float, budget: float, before: float) -> float:
    """The factor by which intervals grow so that `rate` (scrapes/s) fits into `budget`; 1 where it fits as it is.

    `before` is the factor until now. Beyond the last step the factor is exact.
    """
    needed = _step(rate / budget)
    if needed >= before:
        return needed
    return min(before, _step(rate / (budget * RELAX)))


def slowed(interval: Duration, factor: float) -> str:
    """What to say of a pool whose interval is stretched; empty where it is not."""
    if factor <= 1.0:
        return ""
    effective = duration_seconds(interval) * factor
    return (
        f"metrics are read every {effective:g}s instead of every {interval} (spec.telemetry.interval), because the "
        "operator's scrape budget is spent: raise intervals or --scrape-budget"
    )


def _step(factor: float) -> float:
    index = bisect_left(STEPS, factor)
    return STEPS[index] if index < len(STEPS) else factor
