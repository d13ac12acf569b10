"""The writer of statuses: only what differs, the newest only, and never in a hurry with an API server in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from forebay_api.status import Condition, PoolLoad, PoolStatus
from forebay_operator.cluster import statuses
from forebay_operator.cluster.change import Identity
from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.gaps import TRY_SECONDS
from forebay_operator.cluster.kinds import POOLS
from forebay_operator.cluster.leading.fence import NotLeading
from forebay_operator.cluster.statuses import STILL_SECONDS, SWINGS, StatusWriter

POOL = Identity("ai", "small", "uid-1")


def status(state: str = "True", message: str = "", generation: int = 1) -> PoolStatus:
    return PoolStatus(generation, [Condition("Ready", state, "Ready", message, observed_generation=generation)])  # type: ignore[arg-type]


class ScriptedApi:
    """Answers with what stands in `script`, then well. `gate` set lets answers out."""

    def __init__(self) -> None:
        self.script: list[ApiError] = []
        self.asked: list[str] = []
        self.written: list[tuple[str, Any]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> Any:
        self.asked.append(path)
        await self.gate.wait()
        if self.script:
            raise self.script.pop(0)
        self.written.append((body["metadata"]["uid"], msgspec.convert(body["status"], PoolStatus)))
        return {"metadata": {"resourceVersion": str(100 + len(self.written))}}


class Bench:
    """A writer that runs, its scripted API server and its clock, which stands still until it is moved."""

    def __init__(self) -> None:
        self.api = ScriptedApi()
        self.now = 1000.0
        self.results: list[str] = []
        self.told: list[tuple[Any, Any]] = []
        self.writer = StatusWriter(
            self.api,  # type: ignore[arg-type]
            on_written=lambda resource, identity, before, now: self.told.append((before, now)),
            on_result=lambda resource, result: self.results.append(result),
            clock=lambda: self.now,
        )

    def show(self, shown: PoolStatus | None, version: int, identity: Identity = POOL) -> None:
        self.writer.shown(POOLS, identity, None if shown is None else msgspec.to_builtins(shown), str(version))

    def want(self, wanted: PoolStatus) -> None:
        self.writer.want(POOLS, POOL.key, wanted)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.writer.tick()

    async def settle(self) -> None:
        """Until everything that is due was tried."""
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(statuses, "REST_SECONDS", 0.0)
    made = Bench()
    running = asyncio.create_task(made.writer.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_stands_there_already_is_not_written(bench: Bench) -> None:
    bench.show(status(), 1)
    bench.want(status())
    await bench.settle()
    assert bench.api.asked == []


async def test_a_transition_is_written_at_once_and_told_with_what_stood_before(bench: Bench) -> None:
    bench.show(status("False"), 1)
    bench.want(status("True"))
    await bench.settle()
    assert bench.api.written == [("uid-1", status("True"))]
    assert bench.api.asked == ["/apis/forebay.dev/v1alpha1/namespaces/ai/modelpools/small/status"]
    assert bench.told == [(status("False"), status("True"))]
    assert bench.results == ["written"]


async def test_of_many_only_the_newest_is_written(bench: Bench) -> None:
    bench.show(None, 1)
    bench.api.gate.clear()
    bench.want(status("False"))
    await bench.settle()
    for state in ("True", "Unknown", "False", "True"):
        bench.want(status(state))
    bench.api.gate.set()
    await bench.settle()
    assert [written for _, written in bench.api.written] == [status("True")] or [
        written for _, written in bench.api.written
    ] == [status("False"), status("True")]


async def test_a_status_that_is_true_again_before_its_turn_is_not_written(bench: Bench) -> None:
    bench.show(status("True"), 1)
    bench.want(status("False"))
    bench.want(status("True"))
    await bench.settle()
    assert bench.api.asked == []


async def test_what_merely_moves_waits_since_the_last_write(bench: Bench) -> None:
    bench.show(status("False"), 1)
    bench.want(status("True", "one"))
    await bench.settle()
    bench.want(status("True", "two"))
    await bench.settle()
    bench.pass_(STILL_SECONDS - 0.1)
    await bench.settle()
    assert len(bench.api.written) == 1
    bench.pass_(0.2)
    await bench.settle()
    assert [written for _, written in bench.api.written] == [status("True", "one"), status("True", "two")]


async def test_an_object_that_swings_to_and_fro_is_written_seldom_and_truly_in_the_end(bench: Bench) -> None:
    bench.show(status("False"), 1)
    for turn in range(100):
        bench.want(status("True" if turn % 2 else "False", str(turn)))
        await bench.settle()
        bench.pass_(0.3)
    assert len(bench.api.written) <= 2 * SWINGS, "it has swung for 30 s"
    bench.want(status("False", "at last"))
    bench.pass_(STILL_SECONDS)
    await bench.settle()
    assert bench.api.written[-1] == ("uid-1", status("False", "at last"))
    bench.want(status("True", generation=2))
    await bench.settle()
    assert bench.api.written[-1] == ("uid-1", status("True", generation=2)), "an edit is answered at once"


async def test_a_newer_generation_is_said_at_once(bench: Bench) -> None:
    bench.show(status("True", "one"), 1)
    bench.want(status("True", "two"))
    await bench.settle()
    bench.want(status("True", "two", generation=2))
    await bench.settle()
    assert len(bench.api.written) == 2


async def test_another_writer_is_corrected_once(bench: Bench) -> None:
    bench.show(status("True"), 1)
    bench.want(status("True"))
    bench.show(status("False"), 2)
    await bench.settle()
    assert [written for _, written in bench.api.written] == [status("True")]
    bench.show(status("True"), 101)
    await bench.settle()
    assert len(bench.api.asked) == 1


async def test_news_from_before_our_own_write_is_no_news(bench: Bench) -> None:
    bench.show(status("False"), 1)
    bench.want(status("True"))
    await bench.settle()
    bench.show(status("False"), 2)  # the answer said version 101
    await bench.settle()
    assert len(bench.api.asked) == 1


@pytest.mark.parametrize("code", [404, 409, 422, 429, 500, 0])
async def test_a_write_that_fails_is_tried_again_ever_later_and_never_in_a_hot_loop(bench: Bench, code: int) -> None:
    bench.api.script = [ApiError(code, "no", "not now") for _ in range(20)]
    bench.show(status("False"), 1)
    bench.want(status("True"))
    await bench.settle()
    assert len(bench.api.asked) == 1
    attempts = []
    for second in range(600):
        bench.pass_(1.0)
        await bench.settle()
        if len(bench.api.asked) > len(attempts) + 1:
            attempts.append(second)
    assert len(attempts) < 16
    pauses = [b - a for a, b in pairwise(attempts)]
    assert max(pauses) <= 61, "within a minute of the API server's recovery it is written"
    assert pauses == sorted(pauses)
    assert set(bench.results) == {"conflict" if code in (404, 409) else "failed"}


async def test_after_failures_it_is_written_once_and_the_next_failure_starts_anew(bench: Bench) -> None:
    bench.api.script = [ApiError(500, "", "") for _ in range(3)]
    bench.show(status("False"), 1)
    bench.want(status("True"))
    for _ in range(10):
        await bench.settle()
        bench.pass_(1.0)
    assert bench.results == ["failed", "failed", "failed", "written"]
    bench.api.script = [ApiError(500, "", "")]
    bench.want(status("False"))
    await bench.settle()
    bench.pass_(1.0)
    await bench.settle()
    assert bench.results[-2:] == ["failed", "written"]


async def test_one_object_that_cannot_be_written_keeps_no_other_waiting(bench: Bench) -> None:
    bench.api.script = [ApiError(422, "Invalid", "no")]
    bench.show(None, 1)
    bench.want(status())
    await bench.settle()
    other = Identity("ai", "other", "uid-2")
    bench.show(None, 1, other)
    bench.writer.want(POOLS, other.key, status())
    await bench.settle()
    assert [uid for uid, _ in bench.api.written] == ["uid-2"]


async def test_a_deleted_object_is_written_no_more(bench: Bench) -> None:
    bench.api.script = [ApiError(404, "NotFound", "")]
    bench.show(status("False"), 1)
    bench.want(status("True"))
    await bench.settle()
    bench.writer.gone(POOLS, POOL)
    bench.pass_(100.0)
    await bench.settle()
    assert len(bench.api.asked) == 1
    assert bench.writer.stored(POOLS, POOL.key) is None


async def test_the_deletion_of_a_former_incarnation_is_passed_over(bench: Bench) -> None:
    bench.show(None, 1)
    bench.writer.gone(POOLS, Identity("ai", "small", "uid-0"))
    bench.want(status())
    await bench.settle()
    assert len(bench.api.written) == 1


async def test_what_was_true_of_an_object_is_not_said_of_one_that_takes_its_name(bench: Bench) -> None:
    bench.api.script = [ApiError(409, "Conflict", "uid")]
    bench.show(status("False"), 1)
    bench.want(status("True"))
    await bench.settle()
    bench.show(None, 7, Identity("ai", "small", "uid-2"))
    bench.pass_(100.0)
    await bench.settle()
    assert len(bench.api.asked) == 1
    bench.want(status("True"))
    await bench.settle()
    assert [uid for uid, _ in bench.api.written] == ["uid-2"]


async def test_a_write_that_may_not_begin_is_no_failure_and_no_hot_loop(bench: Bench) -> None:
    bench.api.script = [NotLeading() for _ in range(3)]
    bench.show(status("False"), 1)
    bench.want(status("True"))
    await bench.settle()
    assert (len(bench.api.asked), bench.results) == (1, [])
    for _ in range(4):
        bench.pass_(1.0)
        await bench.settle()
    assert bench.results == ["written"]


async def test_without_leadership_nothing_is_written(bench: Bench) -> None:
    bench.show(status("False"), 1)
    bench.want(status("True"))
    bench.writer.withdraw()
    bench.pass_(100.0)
    await bench.settle()
    assert bench.api.asked == []


async def test_a_status_that_cannot_be_read_is_written_anew(bench: Bench) -> None:
    bench.writer.shown(POOLS, POOL, {"conditions": "odd"}, "1")
    bench.want(status())
    await bench.settle()
    assert len(bench.api.written) == 1


def lacks(field: str) -> ApiError:
    """What an API server says whose definition is older than the operator."""
    return ApiError(
        500,
        "",
        "failed to create typed patch object (ai/small; forebay.dev/v1alpha1, Kind=ModelPool): "
        f".status.{field}: field not declared in schema",
    )


def loaded(state: str = "True", queued: int = 1) -> PoolStatus:
    return msgspec.structs.replace(status(state), load=PoolLoad(queued=queued))


async def test_a_field_that_older_definitions_lack_is_left_out_and_the_rest_is_told(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.api.script = [lacks("load")]
    bench.show(status("False"), 1)
    bench.want(loaded())
    await bench.settle()
    assert bench.api.written == [("uid-1", status("True"))]
    assert bench.results == ["failed", "written"]
    assert bench.writer.gaps.missing == {"ModelPool": {"load"}}
    assert "lacks status.load, which is left out: apply the CRDs of this version" in caplog.text


async def test_what_is_left_out_is_no_reason_to_write(bench: Bench) -> None:
    bench.api.script = [lacks("load")]
    bench.show(status("False"), 1)
    bench.want(loaded())
    await bench.settle()
    for queued in range(2, 5):
        bench.pass_(STILL_SECONDS)
        bench.want(loaded(queued=queued))
        await bench.settle()
    assert len(bench.api.asked) == 2


async def test_once_the_definitions_are_there_everything_is_told(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.api.script = [lacks("load")]
    bench.show(status("False"), 1)
    bench.want(loaded())
    await bench.settle()
    bench.api.script = [lacks("load")]
    bench.pass_(TRY_SECONDS)
    await bench.settle()
    assert len(bench.api.written) == 1, "they are not there yet"
    bench.pass_(TRY_SECONDS)
    await bench.settle()
    assert bench.api.written[-1] == ("uid-1", loaded())
    assert caplog.text.count("left out") == 1


@pytest.mark.parametrize("field", ['conditions[type="Ready"].why', "observedGeneration", "someoneElses"])
async def test_a_status_without_its_conditions_is_never_told(bench: Bench, field: str) -> None:
    bench.api.script = [lacks(field) for _ in range(20)]
    bench.show(status("False"), 1)
    bench.want(loaded())
    for _ in range(5):
        await bench.settle()
        bench.pass_(1.0)
    assert bench.api.written == []
    assert 1 < len(bench.api.asked) < 6
