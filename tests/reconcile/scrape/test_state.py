"""Pool state from samples and reports, with time passed in."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from forebay_api.pool import PoolSpec
from forebay_api.wire import MAX_ADAPTERS, AdapterCounts, LoadReport, PoolState
from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape.demand import Demand
from forebay_operator.scrape.reading import Reading
from forebay_operator.scrape.sample import Outcome, Sample
from forebay_operator.scrape.state import PoolStates

Pool = Callable[..., PoolSpec]
NAME, ONE, TWO = "ai/small", "127.0.0.1:8001", "127.0.0.1:8002"


def read(endpoint: str, at: float, queued: float = 0, running: float = 0, kv: float = 0) -> Sample:
    return Sample(NAME, endpoint, at, "Read", Reading(queued, running, kv))


def missed(endpoint: str, at: float, outcome: Outcome = "Failed") -> Sample:
    return Sample(NAME, endpoint, at, outcome)


def configure(states: PoolStates, pools: dict[str, PoolSpec]) -> None:
    states.configure(pools, fixed_backends(pools))


def states_of(spec: PoolSpec) -> PoolStates:
    states = PoolStates()
    configure(states, {NAME: spec})
    return states


@pytest.fixture
def states(pool: Pool) -> PoolStates:
    return states_of(pool(saturation={"queueDepth": 5, "inFlight": 10}))


def observe(states: PoolStates, *samples: Sample, now: float) -> PoolState:
    """The state last told once these samples are in, time being `now`."""
    for sample in samples:
        states.observe(sample)
    states.tick(now)
    return states.told[NAME]


def test_a_pool_of_which_nothing_is_known_is_stale_and_assumed_ready(states: PoolStates) -> None:
    assert states.tick(0) == {NAME: PoolState(name=NAME, ready=2, total=2, stale=True)}


def test_counts_are_summed_and_kv_use_is_averaged_over_ready_endpoints(states: PoolStates) -> None:
    state = observe(states, read(ONE, 9, 2, 7, 0.2), read(TWO, 10, 1, 3, 0.4), now=10)
    assert state == PoolState(
        name=NAME, ready=2, total=2, queued=3, running=10, kv_cache_utilization=0.3, observed_at=9, stale=False
    )


def test_counts_are_as_old_as_the_oldest_reading_in_them_and_stale_by_the_newest(states: PoolStates) -> None:
    state = observe(states, read(ONE, 9), read(TWO, 13), now=13)
    assert (state.observed_at, state.stale) == (9, False)
    state = observe(states, now=14.5)
    assert (state.ready, state.observed_at, state.stale) == (1, 13, False)
    assert observe(states, now=18.5).stale


def test_a_reading_that_lags_does_not_keep_an_unchanged_state_from_being_told(states: PoolStates) -> None:
    observe(states, read(ONE, 10), read(TWO, 10), now=10)
    states.observe(read(TWO, 12.5))
    assert NAME in states.tick(12.5)


def test_an_endpoint_that_was_never_read_is_not_ready_while_another_is(states: PoolStates) -> None:
    state = observe(states, read(ONE, 10, 2), now=10)
    assert (state.ready, state.total, state.queued, state.stale) == (1, 2, 2, False)


def test_a_failed_scrape_leaves_the_last_reading_in_force_until_it_is_old(states: PoolStates) -> None:
    observe(states, read(ONE, 10, 2), read(TWO, 10, 2), now=10)
    state = observe(states, missed(ONE, 11), read(TWO, 14, 2), now=15)
    assert (state.ready, state.queued) == (2, 4)
    state = observe(states, read(TWO, 15.5, 2), now=15.6)
    assert (state.ready, state.queued) == (1, 2)


def test_an_endpoint_nobody_listens_on_is_out_at_once(states: PoolStates) -> None:
    observe(states, read(ONE, 10, 2), read(TWO, 10, 3), now=10)
    state = observe(states, missed(ONE, 10.5, "Down"), now=10.5)
    assert (state.ready, state.queued) == (1, 3)


def test_an_endpoint_that_comes_back_counts_at_once(states: PoolStates) -> None:
    observe(states, missed(ONE, 10, "Down"), read(TWO, 10), now=10)
    assert observe(states, read(ONE, 11), now=11).ready == 2


def test_a_pool_all_of_whose_endpoints_are_known_to_be_down_is_not_ready_and_not_stale(states: PoolStates) -> None:
    state = observe(states, missed(ONE, 10, "Down"), missed(TWO, 10, "Down"), now=10)
    assert (state.ready, state.stale, state.observed_at) == (0, False, 10)


def test_a_pool_that_is_down_in_part_and_unknown_in_part_is_stale_and_not_counted_out(states: PoolStates) -> None:
    state = observe(states, missed(ONE, 10, "Down"), missed(TWO, 10), now=10)
    assert (state.ready, state.stale) == (1, True)


def test_a_pool_grows_stale_although_nothing_arrives(states: PoolStates) -> None:
    observe(states, read(ONE, 10, 9), read(TWO, 10, 9), now=10)
    assert not observe(states, now=15).stale
    (state,) = states.tick(15.01).values()
    assert (state.stale, state.saturated, state.queued, state.observed_at) == (True, False, 0, 10)


def test_saturation_has_hysteresis_over_time(states: PoolStates) -> None:
    told = []
    for now, queued in enumerate((8, 10, 9, 8, 7, 9, 10)):
        state = observe(states, read(ONE, now, queued / 2), read(TWO, now, queued / 2), now=now)
        told.append(state.saturation_reason)
    # The mean per endpoint is half the sum: it starts at 5 and ends below 4.
    assert told == ["", "QueueDepth", "QueueDepth", "QueueDepth", "", "", "QueueDepth"]


def test_queue_depth_is_the_mean_over_the_endpoints_that_are_ready(states: PoolStates) -> None:
    assert observe(states, read(ONE, 10, 6), read(TWO, 10, 2), now=10).saturated is False
    assert observe(states, missed(TWO, 10.1, "Down"), now=10.1).saturated is True


def test_in_flight_is_summed_over_replicas_and_replaced_by_newer_reports(states: PoolStates) -> None:
    observe(states, read(ONE, 10), now=10)
    states.load(LoadReport(replica="a", in_flight={NAME: 9}), 10)
    states.load(LoadReport(replica="a", in_flight={NAME: 4}), 10.5)
    states.load(LoadReport(replica="b", in_flight={NAME: 5, "ai/other": 99}), 10.5)
    assert observe(states, now=11.5).in_flight == 9


def test_in_flight_saturates(states: PoolStates) -> None:
    states.load(LoadReport(replica="a", in_flight={NAME: 10}), 10)
    state = observe(states, read(ONE, 10), now=10)
    assert (state.saturated, state.saturation_reason) == (True, "InFlight")


def test_the_report_of_a_replica_that_fell_silent_stops_counting(states: PoolStates) -> None:
    states.load(LoadReport(replica="a", in_flight={NAME: 4}), 10)
    observe(states, read(ONE, 10), now=10)
    assert observe(states, read(ONE, 16), now=16).in_flight == 0


def test_a_replica_that_is_known_to_be_gone_stops_counting_at_once(states: PoolStates) -> None:
    states.load(LoadReport(replica="a", in_flight={NAME: 4}), 10)
    states.forget("a")
    assert observe(states, read(ONE, 10), now=10).in_flight == 0


def test_a_nonsensical_report_does_not_lower_the_sum(states: PoolStates) -> None:
    states.load(LoadReport(replica="a", in_flight={NAME: -7}), 10)
    states.load(LoadReport(replica="b", in_flight={NAME: 3}), 10)
    assert observe(states, read(ONE, 10), now=10).in_flight == 3


def test_a_pool_without_telemetry_knows_what_the_replicas_have_under_way(pool: Pool) -> None:
    states = states_of(pool(telemetry={"engine": "None"}, saturation={"inFlight": 10}))
    states.load(LoadReport(replica="a", in_flight={NAME: 12}), 10)
    states.tick(10)
    assert states.told[NAME] == PoolState(
        name=NAME, ready=2, total=2, in_flight=12, saturated=True, saturation_reason="InFlight", stale=False
    )
    states.tick(20)
    assert states.told[NAME] == PoolState(name=NAME, ready=2, total=2, stale=True)


def test_an_unchanged_state_is_told_once(states: PoolStates) -> None:
    observe(states, read(ONE, 10), now=10)
    assert states.tick(10.5) == {}
    states.observe(read(ONE, 11))
    assert states.tick(11) == {}


def test_a_changed_count_is_told_once_per_interval(states: PoolStates) -> None:
    observe(states, read(ONE, 10, 0, 1), now=10)
    states.observe(read(ONE, 10.3, 0, 2))
    assert states.tick(10.3) == {}
    states.observe(read(ONE, 10.9, 0, 3))
    assert states.tick(10.9) == {}
    assert states.tick(11)[NAME].running == 3


def test_readiness_and_saturation_do_not_wait_for_the_interval(states: PoolStates) -> None:
    observe(states, read(ONE, 10), read(TWO, 10), now=10)
    states.observe(missed(ONE, 10.1, "Down"))
    assert states.tick(10.1)[NAME].ready == 1
    states.observe(read(TWO, 10.2, 50))
    assert states.tick(10.2)[NAME].saturated


def test_noise_in_kv_use_below_a_hundredth_is_not_told(states: PoolStates) -> None:
    observe(states, read(ONE, 10, kv=0.501), now=10)
    states.observe(read(ONE, 11, kv=0.504))
    assert states.tick(11) == {}


def test_an_unchanged_state_is_told_again_before_a_reader_would_think_it_stale(states: PoolStates) -> None:
    told = []
    for now in range(20):
        states.observe(read(ONE, now))
        told += [now for _ in states.tick(now)]
    assert max(later - earlier for earlier, later in itertools.pairwise(told)) <= 3
    assert len(told) < 10


def test_what_is_known_of_an_endpoint_outlives_an_edit_of_its_pool(states: PoolStates, pool: Pool) -> None:
    observe(states, read(ONE, 10, 1), read(TWO, 10, 2), now=10)
    configure(states, {NAME: pool(8002, 8003)})
    assert observe(states, now=10.1).queued == 2
    states.observe(read(ONE, 10.2, 7))
    assert observe(states, now=11.5).queued == 2


def test_a_pool_that_is_gone_is_told_no_more(states: PoolStates) -> None:
    states.tick(10)
    states.configure({}, {})
    states.observe(read(ONE, 11))
    assert states.tick(11) == {}
    assert states.told == {}


def test_a_pool_that_comes_back_is_told_afresh(states: PoolStates, pool: Pool) -> None:
    states.tick(10)
    states.configure({}, {})
    configure(states, {NAME: pool()})
    assert list(states.tick(11)) == [NAME]


step = st.tuples(
    st.floats(0, 3), st.sampled_from([ONE, TWO]), st.sampled_from(["Read", "Down", "Failed"]), st.floats(0, 20)
)


@given(st.lists(step, max_size=40))
def test_whatever_came_before_silence_ends_in_staleness(
    pool: Pool, steps: list[tuple[float, str, Outcome, float]]
) -> None:
    states, now = states_of(pool(saturation={"queueDepth": 5})), 0.0
    for pause, endpoint, outcome, queued in steps:
        now += pause
        reading = Reading(queued, 0) if outcome == "Read" else None
        states.observe(Sample(NAME, endpoint, now, outcome, reading))
        states.tick(now)
        state = states.told[NAME]
        assert 0 <= state.ready <= state.total == 2
        assert not (state.stale and state.saturated)
    states.tick(now + 5.001)
    last = states.told[NAME]
    assert last.stale
    assert not last.saturated
    assert last.ready == 2


def test_a_pool_without_endpoints_has_none_ready_and_is_not_stale(pool: Pool) -> None:
    states = PoolStates()
    states.configure({NAME: pool()}, {NAME: Backend()})
    state = observe(states, now=10)
    assert (state.ready, state.total, state.stale) == (0, 0, False)


def test_endpoints_that_take_no_requests_count_in_the_total_until_they_drain(pool: Pool) -> None:
    states = PoolStates()
    ready, unready, leaving = (Endpoint("127.0.0.1", port) for port in (8001, 8002, 8003))
    endpoints = (ready, replace(unready, ready=False), replace(leaving, ready=False, draining=True))
    states.configure({NAME: pool()}, {NAME: Backend(endpoints)})
    state = observe(states, read(ONE, 10), now=10)
    assert (state.ready, state.total) == (1, 2)


def test_adapters_are_counted_over_fresh_endpoints(states: PoolStates) -> None:
    one = Sample(NAME, ONE, 10, "Read", Reading(0, 1, adapters=("sql", "chat")))
    two = Sample(NAME, TWO, 10, "Read", Reading(0, 1, adapters=("sql",), waiting_adapters=("law",)))
    state = observe(states, one, two, now=10)
    assert list(state.adapters.items()) == [
        ("sql", AdapterCounts(2, 0)),
        ("chat", AdapterCounts(1, 0)),
        ("law", AdapterCounts(0, 1)),
    ]


def test_adapters_of_a_pool_are_bounded(states: PoolStates) -> None:
    names = tuple(f"lora-{n:03}" for n in range(60))
    first = Sample(NAME, ONE, 10, "Read", Reading(0, 1, adapters=names))
    second = Sample(NAME, TWO, 10, "Read", Reading(0, 1, adapters=tuple(f"more-{name}" for name in names)))
    assert len(observe(states, first, second, now=10).adapters) == MAX_ADAPTERS


def test_demand_is_measured_between_scrapes(states: PoolStates) -> None:
    assert states.demand(NAME, 10) == Demand(None, None)
    for second in range(60):
        states.observe(Sample(NAME, ONE, 10 + second, "Read", Reading(4, 8, tokens=1000.0 + 200 * second)))
    found = states.demand(NAME, 69)
    assert found.served == pytest.approx(200)
    assert found.wanted == pytest.approx(300)
    assert states.demand(NAME, 80) == Demand(None, None)
    assert states.demand("ai/gone", 80) == Demand(None, None)


def test_a_pool_is_tried_once_every_endpoint_was_looked_at(states: PoolStates) -> None:
    assert not states.tried(NAME)
    observe(states, read(ONE, 10), now=10)
    assert not states.tried(NAME)
    observe(states, missed(TWO, 10, "Failed"), now=10)
    assert states.tried(NAME)


def test_a_pool_is_not_tried_before_its_state_says_what_was_found(states: PoolStates) -> None:
    """Who looks in between would take a state that was told when nothing was known for what has been found."""
    states.begin_anew(10)
    states.tick(10)
    states.observe(read(ONE, 10.05))
    states.observe(read(TWO, 10.05))
    assert states.told[NAME].stale
    assert not states.tried(NAME)
    states.tick(10.1)
    assert not states.told[NAME].stale
    assert states.tried(NAME)


def test_an_operator_that_leads_again_has_not_looked_at_anything_yet(states: PoolStates) -> None:
    observe(states, read(ONE, 10, 7), read(TWO, 10), now=10)
    states.begin_anew(10)
    assert not states.tried(NAME)
    assert observe(states, now=10).stale


def test_a_pool_without_telemetry_is_tried_once_a_replica_has_reported_or_none_does(pool: Pool) -> None:
    mute = states_of(pool(telemetry={"engine": "None"}))
    mute.tick(9)
    assert mute.tried(NAME)
    mute.begin_anew(10)
    mute.tick(14)
    assert not mute.tried(NAME)
    mute.tick(15.1)
    assert mute.tried(NAME)
    mute.begin_anew(20)
    mute.load(LoadReport(replica="a", in_flight={}), 20)
    mute.tick(20)
    assert mute.tried(NAME)
