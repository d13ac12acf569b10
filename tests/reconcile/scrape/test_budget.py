"""The scrape budget: intervals stretch together, in steps, and what is known counts for as much longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.pool import PoolSpec
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape.budget import DEFAULT_BUDGET, slowed, stretch, wanted_rate
from forebay_operator.scrape.reading import Reading
from forebay_operator.scrape.sample import Sample
from forebay_operator.scrape.scraper import Scraper
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import Target, scrape_targets

Pool = Callable[..., PoolSpec]
rates = st.floats(0, 1e6)


def targets_of(pool: PoolSpec) -> tuple[Target, ...]:
    return scrape_targets({"p": pool}, fixed_backends({"p": pool}))


def test_what_fits_is_not_stretched() -> None:
    assert stretch(200, DEFAULT_BUDGET, 1.0) == 1.0
    assert stretch(0, DEFAULT_BUDGET, 1.0) == 1.0


@pytest.mark.parametrize(("rate", "factor"), [(101, 1.25), (200, 2.0), (201, 2.5), (240, 2.5), (6400, 64.0)])
def test_what_does_not_fit_is_stretched_until_it_does(rate: float, factor: float) -> None:
    assert stretch(rate, 100, 1.0) == factor


def test_a_rate_that_wavers_around_a_step_does_not_move_the_stretch() -> None:
    factor = stretch(101, 100, 1.0)
    for rate in (99, 101, 95, 100, 92):
        factor = stretch(rate, 100, factor)
        assert factor == 1.25
    assert stretch(90, 100, factor) == 1.0


@given(rates, rates, st.floats(1, 1000))
def test_the_budget_holds(before: float, rate: float, budget: float) -> None:
    factor = stretch(rate, budget, stretch(before, budget, 1.0))
    assert factor >= 1.0
    assert rate / factor <= budget * (1 + 1e-9)


def test_intervals_say_how_many_scrapes_a_second_they_ask_for(pool: Pool) -> None:
    fast = targets_of(pool(1, 2, telemetry={"engine": "vLLM", "interval": "250ms"}))
    slow = targets_of(pool(3, telemetry={"engine": "vLLM", "interval": "10s", "staleAfter": "20s"}))
    assert wanted_rate((*fast, *slow)) == pytest.approx(8.1)


def test_a_scraper_over_its_budget_says_so_once(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="forebay_operator.scrape.scraper")
    scraper = Scraper(lambda _: None, budget=2.0)
    scraper.set_targets(targets_of(pool(1, 2, 3, 4)))
    scraper.set_targets(targets_of(pool(1, 2, 3, 5)))
    assert scraper.stretch == 2.0
    scraper.set_targets(targets_of(pool(1)))
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "4 endpoints ask for 4 scrapes a second and the budget is 2: every interval is stretched by 2"),
        ("INFO", "1 scrapes a second are within the budget of 2: intervals are as asked"),
    ]


def test_a_pool_that_is_read_more_slowly_is_not_called_stale(pool: Pool) -> None:
    pools = {"ai/small": pool(8001)}
    states = PoolStates()
    states.configure(pools, fixed_backends(pools))
    states.observe(Sample("ai/small", "127.0.0.1:8001", 10, "Read", Reading(0, 1), stretch=4.0))
    states.tick(29)
    assert not states.told["ai/small"].stale
    assert states.stretch("ai/small") == 4.0
    states.tick(30.1)
    assert states.told["ai/small"].stale


def test_a_stretched_pool_says_how_often_it_is_read_and_why() -> None:
    assert slowed("1s", 1.0) == ""
    assert slowed("1s", 2.5).startswith("metrics are read every 2.5s instead of every 1s (spec.telemetry.interval)")
