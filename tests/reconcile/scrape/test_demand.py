"""Demand: measured tokens a second, and what waiting requests would add."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_operator.scrape.demand import FADE_SECONDS, NOTHING_FLOWS, Demand, Flow, demand, moved


def steady(tokens: float, running: float, queued: float, *, seconds: int = 300) -> Flow:
    flow = NOTHING_FLOWS
    for _ in range(seconds):
        flow = flow.after(1.0, tokens, running, queued)
    return flow


def test_an_endpoint_that_was_read_once_says_nothing() -> None:
    assert demand([NOTHING_FLOWS]) == Demand(None, None)
    assert demand([]) == Demand(None, None)


def test_without_a_queue_what_is_wanted_is_what_is_served() -> None:
    found = demand([steady(400, running=8, queued=0)])
    assert found.served == pytest.approx(400)
    assert found.wanted == pytest.approx(400)


def test_requests_that_wait_want_the_speed_of_those_that_run() -> None:
    found = demand([steady(400, running=8, queued=4)])
    assert found.served == pytest.approx(400)
    assert found.wanted == pytest.approx(600)


def test_endpoints_add_up() -> None:
    found = demand([steady(400, running=8, queued=4), steady(100, running=4, queued=0)])
    assert found.served == pytest.approx(500)
    assert found.wanted == pytest.approx(500 * 16 / 12)


def test_an_idle_pool_wants_nothing() -> None:
    assert demand([steady(0, running=0, queued=0)]) == Demand(0.0, 0.0)


def test_a_queue_in_front_of_nothing_cannot_be_told_in_tokens() -> None:
    assert demand([steady(0, running=0, queued=3)]).wanted is None


def test_old_scrapes_fade() -> None:
    flow = steady(1000, running=8, queued=0)
    for _ in range(int(5 * FADE_SECONDS)):
        flow = flow.after(1.0, 0, 0, 0)
    served = demand([flow]).served
    assert served is not None
    assert 0 < served < 10


def test_the_rate_does_not_depend_on_how_often_one_looks() -> None:
    often, seldom = NOTHING_FLOWS, NOTHING_FLOWS
    for _ in range(600):
        often = often.after(0.1, 50, 4, 1)
    for _ in range(6):
        seldom = seldom.after(10, 5000, 4, 1)
    assert demand([often]).served == pytest.approx(500)
    assert demand([seldom]).served == pytest.approx(500)


def test_a_counter_that_fell_has_counted_from_zero() -> None:
    assert moved(100, 150) == 50
    assert moved(100, 20) == 20


@given(st.lists(st.tuples(st.floats(-1, 100), st.floats(0, 1e9), st.floats(0, 1e4), st.floats(0, 1e4)), max_size=30))
def test_whatever_is_scraped_demand_is_no_less_than_what_is_served(
    scrapes: list[tuple[float, float, float, float]],
) -> None:
    flow = NOTHING_FLOWS
    for scrape in scrapes:
        flow = flow.after(*scrape)
    found = demand([flow])
    if found.served is not None and found.wanted is not None:
        assert found.wanted >= found.served >= 0
