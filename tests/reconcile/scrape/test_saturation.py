"""Saturation: any threshold starts it, all that were reached must be left to end it, nothing in between changes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.telemetry import Saturation
from forebay_operator.scrape.saturation import RELEASE, Cause, Causes, Measures, saturation_causes

LIMITS = Saturation(queue_depth=5, kv_cache_utilization=0.8, in_flight=64)
CAUSES: Causes = ("QueueDepth", "KVCache", "InFlight")
active = st.sets(st.sampled_from(CAUSES)).map(lambda chosen: tuple(c for c in CAUSES if c in chosen))
measures = st.builds(Measures, st.floats(0, 20), st.floats(0, 1), st.integers(0, 200))


@pytest.mark.parametrize(
    ("seen", "causes"),
    [
        (Measures(queue_depth=4.99, kv_cache_utilization=0.79, in_flight=63), ()),
        (Measures(queue_depth=5), ("QueueDepth",)),
        (Measures(kv_cache_utilization=0.8), ("KVCache",)),
        (Measures(in_flight=64), ("InFlight",)),
        (Measures(queue_depth=9, in_flight=99), ("QueueDepth", "InFlight")),
    ],
)
def test_any_measure_that_reaches_its_threshold_saturates(seen: Measures, causes: Causes) -> None:
    assert saturation_causes(LIMITS, seen, ()) == causes


def test_it_lasts_until_the_measure_is_below_four_fifths() -> None:
    assert saturation_causes(LIMITS, Measures(queue_depth=4.0), ("QueueDepth",)) == ("QueueDepth",)
    assert saturation_causes(LIMITS, Measures(queue_depth=3.99), ("QueueDepth",)) == ()


def test_a_measure_that_never_reached_its_threshold_holds_nothing() -> None:
    causes = saturation_causes(LIMITS, Measures(queue_depth=6, kv_cache_utilization=0.66), ())
    assert causes == ("QueueDepth",)
    assert saturation_causes(LIMITS, Measures(queue_depth=0, kv_cache_utilization=0.66), causes) == ()


def test_it_lasts_while_another_measure_that_reached_its_threshold_is_within_its_band() -> None:
    causes = saturation_causes(LIMITS, Measures(queue_depth=6, in_flight=64), ())
    assert saturation_causes(LIMITS, Measures(queue_depth=0, in_flight=60), causes) == ("InFlight",)


def test_without_thresholds_nothing_saturates() -> None:
    assert saturation_causes(None, Measures(queue_depth=1e6), ()) == ()
    assert saturation_causes(Saturation(), Measures(queue_depth=1e6), ("QueueDepth",)) == ()


def test_a_threshold_that_is_taken_away_ends_what_it_caused() -> None:
    assert saturation_causes(Saturation(in_flight=64), Measures(queue_depth=9), ("QueueDepth",)) == ()


def band() -> st.SearchStrategy[Measures]:
    """Each measure at or above the release point of its threshold, and below the threshold."""
    return st.builds(
        Measures,
        st.floats(5 * RELEASE, 5, exclude_max=True),
        st.floats(0.8 * RELEASE + 1e-9, 0.8, exclude_max=True),
        st.integers(52, 63),
    )


@given(active, st.lists(band(), max_size=30))
def test_it_never_flaps_inside_the_band(start: Causes, seen: list[Measures]) -> None:
    causes = start
    for each in seen:
        causes = saturation_causes(LIMITS, each, causes)
        assert causes == start


@given(st.lists(measures, max_size=40))
def test_each_measure_counts_from_its_threshold_to_its_own_release_point(seen: list[Measures]) -> None:
    causes: Causes = ()
    reached: set[Cause] = set()
    for each in seen:
        causes = saturation_causes(LIMITS, each, causes)
        shares = dict(
            zip(CAUSES, (each.queue_depth / 5, each.kv_cache_utilization / 0.8, each.in_flight / 64), strict=True)
        )
        reached = {cause for cause, share in shares.items() if share >= (RELEASE if cause in reached else 1)}
        assert {cause for cause in causes if abs(shares[cause] - RELEASE) > 1e-9} <= reached
        assert {cause for cause in reached if abs(shares[cause] - RELEASE) > 1e-9} <= set(causes)
        reached = set(causes)


@given(measures, active)
def test_looking_twice_at_the_same_changes_nothing(seen: Measures, before: Causes) -> None:
    once = saturation_causes(LIMITS, seen, before)
    assert saturation_causes(LIMITS, seen, once) == once
