"""Ageing pool state by itself: the operator, which marks state stale, may be the one that is gone."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from forebay_api.pool import PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_api.wire import PoolState

AGING_SECONDS = 0.5
"""How often the silence of the operator is looked at."""


def stale_after(pools: Mapping[str, PoolSpec]) -> dict[str, float]:
    """Seconds after which each pool's state counts no more."""
    return {name: duration_seconds(spec.telemetry.stale_after) for name, spec in pools.items()}


def aged(states: Mapping[str, PoolState], limits: Mapping[str, float], silent: float) -> Mapping[str, PoolState]:
    """The states as they are to be read when nothing was heard for `silent` seconds: the same object if none is due."""
    due = [name for name, state in states.items() if not state.stale and silent > limits.get(name, 0.0)]
    return {**states, **{name: replace(states[name], stale=True) for name in due}} if due else states
