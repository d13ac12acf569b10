"""Bursts of changes: however they arrive, each waits for less than a tenth of a second, and few pictures are made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forebay_operator.cluster.burst import MOST_SECONDS, QUIET_SECONDS, Burst

LONGEST = 0.1
"""What a change may wait at most, as is said to users."""


def taken(arrivals: list[float]) -> list[Burst]:
    """The bursts that are made of changes that arrive then, by a loop that is never late."""
    bursts: list[Burst] = []
    for at in arrivals:
        if bursts and at < bursts[-1].due:
            bursts[-1] = bursts[-1].joined(at)
        else:
            bursts.append(Burst(at, at))
    return bursts


gaps = st.lists(st.one_of(st.floats(0.0, 2 * QUIET_SECONDS), st.floats(0.0, 2.0)), min_size=1, max_size=100)


def arrivals_of(gaps: list[float]) -> list[float]:
    now, arrivals = 1000.0, []
    for gap in gaps:
        now += gap
        arrivals.append(now)
    return arrivals


@given(gaps=gaps)
def test_no_change_waits_for_a_tenth_of_a_second(gaps: list[float]) -> None:
    assert max(burst.due - burst.first for burst in taken(arrivals_of(gaps))) < LONGEST


@given(gaps=gaps)
def test_of_those_taken_one_after_another_each_has_waited_for_quiet_or_as_long_as_it_may(gaps: list[float]) -> None:
    for burst in taken(arrivals_of(gaps)):
        quiet = burst.due - burst.last >= QUIET_SECONDS - 1e-6
        longest = burst.due - burst.first >= MOST_SECONDS - 1e-6
        assert quiet or longest


def test_a_single_change_waits_for_quiet_alone() -> None:
    assert Burst(5.0, 5.0).due == 5.0 + QUIET_SECONDS


def test_a_thousand_changes_in_a_second_make_a_dozen_pictures() -> None:
    assert len(taken([number / 1000 for number in range(1000)])) <= 1 / MOST_SECONDS + 1


def test_changes_that_come_out_of_order_from_several_threads_count_from_the_earliest() -> None:
    assert Burst(5.0, 5.0).joined(4.99) == Burst(4.99, 5.0)
