"""Work that cannot finish in time is dropped, not queued."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator

import msgspec
import pytest
from streams import until

from forebay_decision.work import Ahead, Skipped, Work
from forebay_extproc.driver import Driver
from forebay_extproc.lane import Lane


class Task(msgspec.Struct):
    """Work of a test; waits for `gate` where there is one."""

    expected_seconds: float = 0.001
    inline: bool = False
    result: object = "done"
    gate: threading.Event | None = None
    begun: list[str] = []
    label: str = "task"

    def run(self) -> object:
        self.begun.append(threading.current_thread().name)
        if self.gate is not None:
            assert self.gate.wait(60)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane(time.monotonic)
    yield lane
    lane.close()


def asks(*tasks: Work) -> Generator[Work, object, list[object]]:
    results: list[object] = []
    for task in tasks:
        results.append((yield task))  # noqa: PERF401  a comprehension cannot yield
    return results


def soon(seconds: float = 30.0) -> float:
    return time.monotonic() + seconds


async def test_cheap_work_runs_on_the_spot(lane: Lane) -> None:
    task = Task(inline=True)
    assert await a_driver(lane).drive(asks(task), soon()) == ["done"]
    assert task.begun == [threading.current_thread().name]


async def test_other_work_runs_on_the_encoders_thread(lane: Lane) -> None:
    task = Task()
    assert await a_driver(lane).drive(asks(task), soon()) == ["done"]
    assert task.begun == ["encoder_0"]


async def test_work_that_would_take_longer_than_is_left_is_not_begun(lane: Lane) -> None:
    task = Task(expected_seconds=60.0)
    assert await a_driver(lane).drive(asks(task), soon()) == [Skipped("deadline")]
    assert task.begun == []


async def test_cheap_work_past_the_deadline_is_not_begun(lane: Lane) -> None:
    task = Task(inline=True)
    assert await a_driver(lane).drive(asks(task), time.monotonic() - 1) == [Skipped("deadline")]
    assert task.begun == []


async def test_work_that_would_wait_too_long_is_refused_at_once(lane: Lane) -> None:
    gate = threading.Event()
    first = asyncio.ensure_future(lane.run(Task(expected_seconds=60.0, gate=gate), soon(120)))
    await until(lambda: not lane.idle)
    assert await lane.run(Task(), soon()) == Skipped("encoder busy")
    gate.set()
    assert await first == "done"
    assert lane.idle


async def test_work_that_overruns_its_deadline_is_given_up(lane: Lane) -> None:
    gate = threading.Event()
    assert await lane.run(Task(gate=gate), soon(0.05)) == Skipped("deadline")
    gate.set()
    await until(lambda: lane.idle)
    assert await lane.run(Task(result="next"), soon()) == "next"


async def test_work_that_fails_makes_its_signal_unknown(lane: Lane) -> None:
    assert await lane.run(Task(result=ValueError("a prompt")), soon()) == Skipped("error")
    assert lane.idle


async def test_the_message_of_a_failure_is_not_logged(lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    await lane.run(Task(result=ValueError("a prompt")), soon())
    assert "work failed" in caplog.text
    assert "a prompt" not in caplog.text


async def test_cancelling_withdraws_what_has_not_begun(lane: Lane) -> None:
    gate = threading.Event()
    first = asyncio.ensure_future(lane.run(Task(gate=gate), soon()))
    second_task = Task()
    second = asyncio.ensure_future(lane.run(second_task, soon()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    gate.set()
    await first
    assert second_task.begun == []
    assert lane.idle


async def test_cancelling_a_decision_closes_its_generator(lane: Lane) -> None:
    gate = threading.Event()
    closed = []

    def steps() -> Generator[Work, object, None]:
        try:
            yield Task(gate=gate)
        finally:
            closed.append(True)

    drive = asyncio.ensure_future(a_driver(lane).drive(steps(), soon()))
    await until(lambda: not lane.idle)
    drive.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drive
    gate.set()
    assert closed == [True]


async def test_each_reason_for_dropped_work_is_told(lane: Lane) -> None:
    reasons: list[str] = []
    driver = a_driver(lane, reasons.append)
    await driver.drive(asks(Task(expected_seconds=60.0), Task(result=ValueError())), soon())
    assert reasons == ["deadline", "error"]


def a_driver(lane: Lane, skipped: Callable[[str], None] = lambda _: None) -> Driver:
    return Driver(lane, time.monotonic, skipped, ahead=True)


class Keyed(Task):
    key: str = "k"


async def test_work_of_one_key_is_done_once_and_remembered(lane: Lane) -> None:
    tasks = [Keyed(result=at) for at in range(3)]
    assert await asyncio.gather(*(lane.run(task, soon()) for task in tasks)) == [0, 0, 0]
    assert await lane.run(Keyed(result=4), soon()) == 0
    assert [len(task.begun) for task in tasks] == [1, 0, 0]


async def test_work_of_another_key_is_done_itself(lane: Lane) -> None:
    assert await lane.run(Keyed(result=1, key="a"), soon()) == 1
    assert await lane.run(Keyed(result=2, key="b"), soon()) == 2


async def test_a_failure_is_not_remembered(lane: Lane) -> None:
    assert await lane.run(Keyed(result=ValueError()), soon()) == Skipped("error")
    assert await lane.run(Keyed(result=1), soon()) == 1


async def test_whoever_waits_for_withdrawn_work_does_it_itself(lane: Lane) -> None:
    gate = threading.Event()
    first = asyncio.ensure_future(lane.run(Task(gate=gate), soon()))
    led = asyncio.ensure_future(lane.run(Keyed(result=1), soon()))
    await asyncio.sleep(0)
    follower = asyncio.ensure_future(lane.run(Keyed(result=2), soon()))
    await asyncio.sleep(0)
    led.cancel()
    gate.set()
    assert await follower == 2
    await first


async def test_waiting_for_the_same_work_ends_at_the_own_deadline(lane: Lane) -> None:
    gate = threading.Event()
    first = asyncio.ensure_future(lane.run(Keyed(gate=gate, result=1), soon()))
    await asyncio.sleep(0)
    assert await lane.run(Keyed(), soon(0.05)) == Skipped("deadline")
    gate.set()
    assert await first == 1


async def test_only_so_many_results_are_remembered(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_extproc.lane.RESULTS", 2)
    for key in "abc":
        await lane.run(Keyed(result=key, key=key), soon())
    again = Keyed(result="new", key="a")
    assert await lane.run(again, soon()) == "new"


class Begins(Task):
    """Says when it begins."""

    def run(self) -> object:
        self.begun.append(threading.current_thread().name)
        if isinstance(self.result, threading.Event):
            self.result.set()
        assert self.gate is None or self.gate.wait(60)
        return "done"


class Announced(Begins):
    key: str = "k"


def ahead_of(work: Work, *, asked: bool) -> Generator[Work, object, object]:
    yield Ahead("a policy", work)
    assert (yield Task(inline=True, result="light")) == "light"
    return (yield work) if asked else None


async def test_work_is_begun_ahead_while_something_else_is_done(lane: Lane) -> None:
    begun = threading.Event()
    work = Keyed()

    def steps() -> Generator[Work, object, object]:
        yield Ahead("a policy", Announced(result=begun))
        # On the loop, without a turn of it in between.
        assert begun.wait(60)
        return (yield work)

    assert await a_driver(lane).drive(steps(), soon()) == "done"
    assert work.begun == []


async def test_work_is_done_once_though_begun_ahead(lane: Lane) -> None:
    work = Keyed(result="row")
    assert await a_driver(lane).drive(ahead_of(work, asked=True), soon()) == "row"
    assert work.begun == ["encoder_0"]


async def test_nothing_is_begun_ahead_for_those_that_seldom_ask_for_it(lane: Lane) -> None:
    driver = a_driver(lane)
    works = [Keyed(key=str(number)) for number in range(60)]
    for work in works[:20]:
        await driver.drive(ahead_of(work, asked=False), soon())
    await until(lambda: lane.idle)
    assert 0 < sum(len(work.begun) for work in works[:20]) < 5
    for work in works[20:]:
        await driver.drive(ahead_of(work, asked=True), soon())
    assert await driver.drive(ahead_of(begun := Keyed(key="now"), asked=False), soon()) is None
    await until(lambda: lane.idle)
    assert len(begun.begun) == 1


async def test_nothing_is_begun_ahead_without_a_core_for_it(lane: Lane) -> None:
    work = Keyed()
    assert await Driver(lane, time.monotonic, lambda _: None).drive(ahead_of(work, asked=False), soon()) is None
    assert lane.idle
    assert work.begun == []


async def test_nothing_is_begun_ahead_on_a_busy_lane(lane: Lane) -> None:
    gate, work = threading.Event(), Keyed()
    first = asyncio.ensure_future(lane.run(Task(gate=gate), soon()))
    await until(lambda: not lane.idle)
    await a_driver(lane).drive(ahead_of(work, asked=False), soon())
    gate.set()
    await first
    await until(lambda: lane.idle)
    assert work.begun == []


async def test_as_much_is_done_at_once_as_there_are_threads() -> None:
    lane = Lane(time.monotonic, threads=2)
    here, there = threading.Event(), threading.Event()
    # Each waits for the other to have begun.
    tasks = [Begins(result=here, gate=there), Begins(result=there, gate=here)]
    assert await asyncio.gather(*(lane.run(task, soon()) for task in tasks)) == ["done", "done"]
    assert sorted(name for task in tasks for name in task.begun) == ["encoder_0", "encoder_1"]
    lane.close()


async def test_nothing_waits_while_a_thread_is_free() -> None:
    lane = Lane(time.monotonic, threads=2)
    gate = threading.Event()
    first = asyncio.ensure_future(lane.run(Task(expected_seconds=60.0, gate=gate), soon(120)))
    await until(lambda: not lane.idle)
    assert lane.waiting_seconds() == 0.0
    assert await lane.run(Task(), soon()) == "done"
    gate.set()
    assert await first == "done"
    lane.close()


async def test_results_that_are_ready_together_come_back_by_one_wake_up() -> None:
    together: list[int] = []
    lane = Lane(time.monotonic, returned=together.append)
    third = threading.Event()
    runs = [asyncio.ensure_future(lane.run(task, soon())) for task in (Task(), Task(), Begins(result=third))]
    await asyncio.sleep(0)
    # The loop is held up here until the first two are done.
    assert third.wait(60)
    assert await asyncio.gather(*runs) == ["done"] * 3
    assert together[0] >= 2
    assert sum(together) == 3
    lane.close()


async def test_what_comes_to_its_turn_past_its_deadline_is_not_begun() -> None:
    now = [100.0]
    lane = Lane(lambda: now[0])
    gate, late = threading.Event(), Task()
    first = asyncio.ensure_future(lane.run(Task(gate=gate), 200.0))
    second = asyncio.ensure_future(lane.run(late, 105.0))
    await until(lambda: lane.waiting_seconds() > 0.0)
    now[0] = 106.0
    gate.set()
    assert await asyncio.gather(first, second) == ["done", Skipped("deadline")]
    assert late.begun == []
    lane.close()


async def test_only_so_much_work_is_accepted(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forebay_extproc.lane.MAX_WAITING", 2)
    gate = threading.Event()
    accepted = [asyncio.ensure_future(lane.run(Task(gate=gate, expected_seconds=1e-6), soon())) for _ in range(2)]
    await asyncio.sleep(0)
    assert await lane.run(Task(expected_seconds=1e-6), soon()) == Skipped("encoder busy")
    gate.set()
    assert await asyncio.gather(*accepted) == ["done", "done"]


async def test_what_waits_when_the_lane_is_closed_is_told_at_once(lane: Lane) -> None:
    gate = threading.Event()
    held = Task(gate=gate)
    first = asyncio.ensure_future(lane.run(held, soon()))
    await until(lambda: bool(held.begun))
    second = asyncio.ensure_future(lane.run(Task(), soon(60.0)))
    await until(lambda: lane.waiting_seconds() > 0.0)
    lane.close()
    assert await second == Skipped("deadline")
    gate.set()
    assert await first == "done"
