"""Load in the status: seldom, only when a number has moved, and never against what conditions say."""

from __future__ import annotations

from typing import Any

import pytest

from forebay_api.status import AdapterStatus, Condition, EndpointCounts, PoolLoad, PoolStatus
from forebay_api.wire import AdapterCounts, PoolState
from forebay_operator.scrape.load_status import EVERY_SECONDS, LoadStatuses

NAME = "ai/small"
READY = Condition(type="Ready", status="True", reason="Ready", message="2 of 2 endpoints ready")
DOWN = Condition(type="Ready", status="False", reason="NoReadyEndpoints", message="0 of 2 endpoints ready")


def state(queued: float = 0, running: float = 0, *, at: float = 1000.0, **members: Any) -> PoolState:
    known: dict[str, Any] = {"ready": 2, "total": 2, "stale": False, "observed_at": at}
    return PoolState(name=NAME, queued=queued, running=running, **(known | members))


class Writer:
    """Writes what differs, as the status writer does, and counts."""

    def __init__(self, stands: PoolStatus | None = None) -> None:
        self.loads = LoadStatuses()
        self.stands = stands
        self.writes = 0

    def look(self, known: PoolState | None, now: float, condition: Condition = READY) -> PoolStatus:
        status = self.loads.complete(NAME, PoolStatus(conditions=[condition]), known, self.stands, now)
        self.writes += status != self.stands
        self.stands = status
        return status


@pytest.fixture
def writer() -> Writer:
    return Writer()


def test_the_first_state_is_shown_at_once(writer: Writer) -> None:
    status = writer.look(state(2, 17, kv_cache_utilization=0.41), 1000)
    assert status.endpoints == EndpointCounts(2, 2)
    assert status.load == PoolLoad(2, 17, 0.41, "1970-01-01T00:16:40Z")


def test_load_that_moves_all_the_time_is_written_every_fifteen_seconds(writer: Writer) -> None:
    for second in range(61):
        writer.look(state(running=second, at=1000 + second), 1000 + second)
    assert writer.writes == 1 + 60 // EVERY_SECONDS


def test_load_that_does_not_move_is_written_once(writer: Writer) -> None:
    for second in range(120):
        writer.look(state(running=3, at=1000 + second), 1000 + second)
    assert writer.writes == 1


def test_load_that_moves_after_a_long_rest_is_written_at_once(writer: Writer) -> None:
    writer.look(state(running=3), 1000)
    writer.look(state(running=3), 1100)
    assert writer.look(state(running=4), 1101).load == PoolLoad(0, 4, 0.0, "1970-01-01T00:16:40Z")


def test_a_condition_does_not_wait_and_takes_the_load_along(writer: Writer) -> None:
    writer.look(state(running=3), 1000)
    status = writer.look(state(ready=0), 1001, DOWN)
    assert status.conditions == [DOWN]
    assert status.endpoints == EndpointCounts(0, 2)
    assert writer.writes == 2


def test_endpoints_that_come_and_go_wait_like_load(writer: Writer) -> None:
    writer.look(state(), 1000)
    assert writer.look(state(ready=1), 1001).endpoints == EndpointCounts(2, 2)
    assert writer.look(state(ready=1), 1015).endpoints == EndpointCounts(1, 2)


def test_load_that_nobody_can_read_is_shown_no_more(writer: Writer) -> None:
    writer.look(state(running=3), 1000)
    assert writer.look(state(stale=True), 1020).load is None


def test_adapters_are_listed(writer: Writer) -> None:
    status = writer.look(state(adapters={"sql": AdapterCounts(2, 1)}), 1000)
    assert status.adapters == [AdapterStatus("sql", 2, 1)]


def test_a_new_leader_writes_nothing_before_it_has_read_anything() -> None:
    stands = Writer().look(state(2, 17), 1000)
    successor = Writer(stands)
    successor.look(None, 2000)
    successor.look(PoolState(name=NAME, ready=2, total=2), 2001)
    assert successor.writes == 0


def test_a_new_leader_writes_nothing_where_the_load_is_the_same() -> None:
    successor = Writer(Writer().look(state(2, 17), 1000))
    successor.look(state(2, 17, at=2000), 2000)
    assert successor.writes == 0


def test_a_new_leader_writes_no_number_sooner_than_the_one_before_would_have() -> None:
    successor = Writer(Writer().look(state(2, 17), 1000))
    successor.look(state(2, 18), 1002)
    assert successor.writes == 0
    successor.look(state(2, 18), 1002 + EVERY_SECONDS)
    assert successor.writes == 1


def test_a_pool_that_comes_back_is_shown_afresh(writer: Writer) -> None:
    writer.look(state(running=3), 1000)
    writer.loads.forget(NAME)
    writer.stands = None
    assert writer.look(state(running=9), 1001).load == PoolLoad(0, 9, 0.0, "1970-01-01T00:16:40Z")
