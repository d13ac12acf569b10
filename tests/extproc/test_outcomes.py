"""Access-log entries -> outcomes -> what is under way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from streams import a_plane, log_entry, log_message, until

from forebay_api.wire import PoolState
from forebay_extproc.outcomes.intake import Intake
from forebay_extproc.outcomes.ledger import Ledger
from forebay_extproc.outcomes.neighbours import Neighbours
from forebay_extproc.outcomes.peers import MAX_WAITING, Peers
from forebay_extproc.telemetry.metrics import Metrics
from forebay_extproc.wire.access_log import read_outcomes


class Clock:
    """Unix seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def state(observed_at: float | None, *, stale: bool = False) -> dict[str, PoolState]:
    return {"ai/small": PoolState(name="ai/small", observed_at=observed_at, stale=stale)}


def test_an_entry_tells_who_served_how_and_how_fast() -> None:
    [outcome] = read_outcomes(log_message(log_entry("d1", "r0", ttfb_us="250000")))
    assert (outcome.decision, outcome.replica, outcome.pool, outcome.model) == ("d1", "r0", "ai/small", "qwen")
    assert (outcome.status_class, outcome.ttfb_seconds, outcome.duration_seconds) == ("2xx", 0.25, 0.12)


def test_on_a_fallback_chain_the_response_says_who_served() -> None:
    entry = log_entry("d1", "r0")
    entry.response.response_headers["x-forebay-pool"] = "ai/big"
    entry.response.response_headers["x-forebay-model"] = "llama"
    [outcome] = read_outcomes(log_message(entry))
    assert (outcome.pool, outcome.model) == ("ai/big", "llama")


def test_without_a_body_there_is_no_time_to_first_byte() -> None:
    [outcome] = read_outcomes(log_message(log_entry("d1", "r0", ttfb_us="-")))
    assert outcome.ttfb_seconds is None


def test_flags_have_envoys_short_names() -> None:
    entry = log_entry("d1", "r0", status=503)
    entry.common_properties.response_flags.no_healthy_upstream = True
    entry.common_properties.response_flags.upstream_connection_failure = True
    [outcome] = read_outcomes(log_message(entry))
    assert set(outcome.flags) == {"UH", "UF"}


def test_a_caller_who_left_has_no_status() -> None:
    [outcome] = read_outcomes(log_message(log_entry("d1", "r0", status=0)))
    assert outcome.status_class == "none"


def test_an_entry_of_an_open_stream_is_no_outcome() -> None:
    entry = log_entry("d1", "r0")
    entry.common_properties.intermediate_log_entry = True
    assert read_outcomes(log_message(entry)) == []


def test_a_request_counts_until_its_entry_comes(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.enter("d1", "ai/small", "qwen")
    assert ledger.by_pool() == {"ai/small": 1}
    assert ledger.by_model() == {("ai/small", "qwen"): 1}
    assert ledger.strike("d1")
    assert ledger.by_pool() == {"ai/small": 0}
    assert not ledger.strike("d1")


def test_an_entry_that_never_comes_expires(clock: Clock) -> None:
    ledger = Ledger(clock, ttl_seconds=60.0)
    ledger.enter("d1", "ai/small", "qwen")
    clock.now += 30
    ledger.enter("d2", "ai/small", "qwen")
    clock.now += 31
    assert ledger.expire() == 1
    assert ledger.by_pool() == {"ai/small": 1}
    assert ledger.since_scrape("ai/small") == 1


def test_the_ledger_is_bounded(clock: Clock) -> None:
    ledger = Ledger(clock, max_entries=3)
    for number in range(5):
        ledger.enter(f"d{number}", "ai/small", "qwen")
    assert len(ledger) == 3
    assert not ledger.strike("d0")


def test_a_pool_that_is_gone_is_forgotten_once_nothing_of_it_is_under_way(clock: Clock) -> None:
    ledger = Ledger(clock)
    for turn in range(50):
        ledger.enter(f"d{turn}", f"ai/brief-{turn}", "m")
        ledger.observe({f"ai/brief-{turn}": PoolState(name=f"ai/brief-{turn}", observed_at=clock.now)})
        ledger.strike(f"d{turn}")
    ledger.enter("long", "ai/long", "m")
    ledger.observe(state(clock.now))
    assert ledger.by_model() == {("ai/long", "m"): 1.0}
    assert ledger.by_pool() == {"ai/long": 1}
    ledger.strike("long")
    ledger.observe(state(clock.now))
    assert ledger.by_model() == {}


def test_a_request_that_a_scrape_has_seen_is_in_the_scrapes_counts(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.enter("seen", "ai/small", "qwen")
    clock.now += 1
    ledger.observe(state(clock.now))
    clock.now += 1
    ledger.enter("new", "ai/small", "qwen")
    assert ledger.since_scrape("ai/small") == 1
    ledger.strike("seen")
    assert ledger.since_scrape("ai/small") == 1
    ledger.strike("new")
    assert ledger.since_scrape("ai/small") == 0


def test_stale_state_has_counted_nothing(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.enter("d1", "ai/small", "qwen")
    ledger.observe(state(clock.now + 1))
    assert ledger.since_scrape("ai/small") == 0
    ledger.observe(state(clock.now + 1, stale=True))
    assert ledger.since_scrape("ai/small") == 1


async def test_an_entry_is_counted_here_and_struck_out_where_it_was_decided(clock: Clock) -> None:
    metrics, ledger, peers = Metrics(), Ledger(clock), Peers({"r1": "127.0.0.1:1"})
    intake = Intake("r0", ledger, peers, metrics)
    metrics.vocabulary.learn(["ai/small", "qwen"])
    ledger.enter("mine", "ai/small", "qwen")
    intake.entries(read_outcomes(log_message(log_entry("mine", "r0"), log_entry("theirs", "r1"))))
    assert len(ledger) == 0
    labels = {"pool": "ai/small", "model": "qwen", "decided_by": "DataPlane", "status": "2xx"}
    assert metrics.registry.get_sample_value("forebay_outcomes_total", labels) == 2


def test_an_entry_without_a_decision_is_known_by_its_request_id(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.enter("d1", "ai/small", "qwen", "req-1")
    ledger.enter("d2", "ai/small", "qwen", "req-2")
    assert ledger.strike_request("req-1")
    assert not ledger.strike_request("req-1")
    assert ledger.by_pool() == {"ai/small": 1}
    assert not ledger.strike("d1")
    assert ledger.strike("d2")
    assert not ledger.strike_request("req-2")


def test_a_request_id_that_callers_choose_twice_ends_one_request_a_time(clock: Clock) -> None:
    ledger = Ledger(clock)
    for decision in ("d1", "d2", "d3"):
        ledger.enter(decision, "ai/small", "qwen", "same")
    assert ledger.strike("d2")
    assert ledger.strike_request("same")
    assert ledger.by_pool() == {"ai/small": 1}
    assert ledger.strike("d3")


def test_a_doubtful_request_lives_long_only_if_its_request_id_can_end_it(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.enter("named", "ai/small", "qwen", "req-1")
    ledger.enter("nameless", "ai/small", "qwen")
    ledger.enter("too-long", "ai/small", "qwen", "r" * 1000)
    ledger.enter("told", "ai/small", "qwen")
    for decision in ("named", "nameless", "too-long"):
        ledger.doubt(decision)
    clock.now += 6
    assert ledger.expire() == 2
    assert ledger.strike("named")
    assert ledger.strike("told")


async def test_an_entry_that_names_nobody_is_struck_out_here_or_told_to_every_peer(clock: Clock) -> None:
    told: list[str] = []

    class Recorded(Peers):
        def tell_all(self, requests: Iterable[str]) -> None:
            told.extend(requests)

    ledger = Ledger(clock)
    intake = Intake("r0", ledger, Recorded({"r1": "127.0.0.1:1"}), Metrics())
    ledger.enter("mine", "ai/small", "qwen", "req-mine")
    entries = [log_entry("", "", request=name) for name in ("req-mine", "req-theirs")]
    for entry in entries:
        entry.common_properties.metadata.Clear()
    intake.entries(read_outcomes(log_message(*entries)))
    assert (len(ledger), told) == (0, ["req-theirs"])


async def test_a_caller_who_left_is_struck_out_at_the_peer_that_decided(tmp_path: Path) -> None:
    async with (
        a_plane(tmp_path, replica="r1") as (there, envoy_there),
        a_plane(tmp_path, peers={"r1": f"unix:{tmp_path}/r1.sock"}) as (_, envoy_here),
    ):
        await envoy_there.ask(x_request_id="req-1")
        assert len(there.ledger) == 1
        entry = log_entry("", "", request="req-1", status=0)
        entry.common_properties.metadata.Clear()
        await envoy_here.log(entry)
        await until(lambda: len(there.ledger) == 0)


async def test_reports_for_an_unknown_peer_or_a_full_queue_are_dropped() -> None:
    peers = Peers({"r1": "127.0.0.1:1"})
    peers.tell("nobody", ["d1"])
    peers.tell("r1", (f"d{number}" for number in range(MAX_WAITING + 5)))
    assert peers.dropped == 6


async def test_in_a_cluster_peers_are_the_addresses_of_a_service_but_ones_own() -> None:
    found = ("10.0.0.1:7", "10.0.0.2:7", "[fd00::3]:7")

    async def look_up(_: Any) -> tuple[str, ...]:
        return found

    peers = Peers({}, port=7)
    neighbours = Neighbours(peers, "planes:7", "10.0.0.1", look_up)
    await neighbours.look()
    peers.tell_all(["q1"])
    assert set(peers._waiting) == {"10.0.0.2", "fd00::3"}
    found = ("10.0.0.2:7",)
    await neighbours.look()
    assert set(peers._waiting) == {"10.0.0.2"}
    assert peers.dropped == 1, "what waited for one that is gone is lost"
    found = ()
    await neighbours.look()
    assert set(peers._waiting) == {"10.0.0.2"}, "no answer of a name server ends a replica"


async def test_a_replica_is_told_of_its_decisions_before_any_name_server_knows_it() -> None:
    peers = Peers({}, port=7)
    peers.tell("10.0.0.9", ["d1"])
    peers.tell("no-address", ["d2"])
    assert peers._addresses == {"10.0.0.9": "10.0.0.9:7"}
    assert peers.dropped == 1
