"""Saturation: any measure starts it, all must fall to end it, nothing in between changes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.pool import Saturation
from forebay_operator.scrape.saturation import RELEASE, Cause, Measures, saturation_cause

LIMITS = Saturation(queue_depth=5, kv_cache_utilization=0.8, in_flight=64)
CAUSES: tuple[Cause, ...] = ("", "QueueDepth", "KVCache", "InFlight")
measures = st.builds(Measures, st.floats(0, 20), st.floats(0, 1), st.integers(0, 200))


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (Measures(queue_depth=4.99, kv_cache_utilization=0.79, in_flight=63), ""),
        (Measures(queue_depth=5), "QueueDepth"),
        (Measures(kv_cache_utilization=0.8), "KVCache"),
        (Measures(in_flight=64), "InFlight"),
        (Measures(queue_depth=9, in_flight=99), "QueueDepth"),
    ],
)
def test_any_measure_that_reaches_its_threshold_saturates(seen: Measures, cause: Cause) -> None:
    assert saturation_cause(LIMITS, seen, "") == cause


def test_it_lasts_until_the_measure_is_below_four_fifths() -> None:
    assert saturation_cause(LIMITS, Measures(queue_depth=4.0), "QueueDepth") == "QueueDepth"
    assert saturation_cause(LIMITS, Measures(queue_depth=3.99), "QueueDepth") == ""


def test_it_lasts_while_another_measure_is_within_its_band() -> None:
    assert saturation_cause(LIMITS, Measures(queue_depth=0, in_flight=60), "QueueDepth") == "InFlight"


def test_without_thresholds_nothing_saturates() -> None:
    assert saturation_cause(None, Measures(queue_depth=1e6), "") == ""
    assert saturation_cause(Saturation(), Measures(queue_depth=1e6), "QueueDepth") == ""


def test_a_threshold_that_is_taken_away_ends_what_it_caused() -> None:
    assert saturation_cause(Saturation(in_flight=64), Measures(queue_depth=9), "QueueDepth") == ""


def band() -> st.SearchStrategy[Measures]:
    """Each measure at or above the release point of its threshold, and below the threshold."""
    return st.builds(
        Measures,
        st.floats(5 * RELEASE, 5, exclude_max=True),
        st.floats(0.8 * RELEASE + 1e-9, 0.8, exclude_max=True),
        st.integers(52, 63),
    )


@given(st.sampled_from(CAUSES), st.lists(band(), max_size=30))
def test_it_never_flaps_inside_the_band(start: Cause, seen: list[Measures]) -> None:
    cause = start
    for each in seen:
        cause = saturation_cause(LIMITS, each, cause)
        assert cause == start


@given(st.lists(measures, max_size=40))
def test_it_ends_only_below_every_release_point_and_starts_only_at_a_threshold(seen: list[Measures]) -> None:
    cause: Cause = ""
    for each in seen:
        before, cause = cause, saturation_cause(LIMITS, each, cause)
        shares = (each.queue_depth / 5, each.kv_cache_utilization / 0.8, each.in_flight / 64)
        if cause and not before:
            assert max(shares) >= 1
        if before and not cause:
            assert max(shares) < RELEASE + 1e-9
        if max(shares) >= 1:
            assert cause


@given(measures, st.sampled_from(CAUSES))
def test_looking_twice_at_the_same_changes_nothing(seen: Measures, before: Cause) -> None:
    once = saturation_cause(LIMITS, seen, before)
    assert saturation_cause(LIMITS, seen, once) == once
