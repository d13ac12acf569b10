"""Many large bodies at once, over real gRPC streams and in a real process."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from streams import POOLS, Envoy, a_plane, a_pool, body, chat, headers, metric, said
from test_app import a_process, keep_a_copy

from forebay_extproc import bodies, processor

MEBI = 1 << 20
LARGE = str(8 * MEBI)
UNLIMITED = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


def refusal(reply: ext_proc.ProcessingResponse) -> tuple[int, str, str]:
    """Status, code and Retry-After of an answer."""
    answer = reply.immediate_response
    retry = {o.header.key: o.header.raw_value.decode() for o in answer.headers.set_headers}.get("retry-after", "")
    return answer.status.code, json.loads(answer.body)["error"]["code"], retry


async def begun(envoy: Envoy, length: str) -> Any:
    """A stream whose body may come now."""
    call = envoy.open()
    await call.write(headers(content_length=length))
    assert (await call.read()).WhichOneof("response") == "request_headers"
    return call


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for room for long."""
    monkeypatch.setattr(processor, "ROOM_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
async def test_a_body_for_which_there_is_no_room_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with a_plane(tmp_path, body_memory=64 * MEBI) as (plane, envoy):
        calls = [await begun(envoy, LARGE) for _ in range(2)]
        assert refusal(await envoy.send(headers(content_length=LARGE))) == (503, "overloaded", "1")
        # Small ones go on, and so does what had room.
        assert said(await envoy.ask(content_length=str(len(chat()))))["pool"] == "ai/small"
        for call in calls:
            await call.write(body())
            assert said(await call.read())["pool"] == "ai/small"
            assert await call.read() is grpc.aio.EOF
        assert plane.bodies.taken == 0
        assert said(await envoy.ask(content_length=str(len(chat()))))["pool"] == "ai/small"
        assert metric(plane, "forebay_bodies_refused_total", reason="full") == 1
        assert metric(plane, "forebay_body_bytes_limit") == 64 * MEBI


@pytest.mark.usefixtures("impatient")
async def test_a_body_of_unknown_length_counts_as_the_largest_until_it_is_there(tmp_path: Path) -> None:
    async with a_plane(tmp_path, body_memory=64 * MEBI) as (plane, envoy):
        calls = []
        for _ in range(2):
            calls.append(envoy.open())
            await calls[-1].write(headers())
            await calls[-1].read()
        assert metric(plane, "forebay_body_bytes") == 2 * bodies.COPIES * 8 * MEBI
        assert refusal(await envoy.send(headers())) == (503, "overloaded", "1")
        for call in calls:
            await call.write(body())
            assert said(await call.read())["pool"] == "ai/small"


async def test_many_callers_who_do_not_say_how_long_their_bodies_are_wait_for_each_other(tmp_path: Path) -> None:
    async def ask(envoy: Envoy) -> str:
        return said(await envoy.ask())["pool"]

    async with a_plane(tmp_path, body_memory=64 * MEBI) as (plane, envoy):
        assert await asyncio.gather(*(ask(envoy) for _ in range(90))) == ["ai/small"] * 90
        assert metric(plane, "forebay_body_bytes") == 0


async def test_who_does_not_send_a_body_gives_way_and_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENT_SECONDS", 0.05)
    async with a_plane(tmp_path, body_memory=64 * MEBI) as (plane, envoy):
        slow = [await begun(envoy, LARGE) for _ in range(2)]
        await asyncio.sleep(0.1)
        assert said(await envoy.ask(content_length=LARGE))["pool"] == "ai/small"
        reply = await slow[0].read()
        assert refusal(reply) == (503, "overloaded", "1")
        assert await slow[0].read() is grpc.aio.EOF
        assert await slow[0].code() is grpc.StatusCode.OK
        # The other one had not to give way.
        await slow[1].write(body())
        assert said(await slow[1].read())["pool"] == "ai/small"
        assert metric(plane, "forebay_bodies_refused_total", reason="late") == 1


async def test_a_caller_who_leaves_leaves_the_room(tmp_path: Path) -> None:
    async with a_plane(tmp_path, body_memory=64 * MEBI) as (plane, envoy):
        calls = [await begun(envoy, LARGE) for _ in range(2)]
        for call in calls:
            call.cancel()
        async with asyncio.timeout(10):
            while plane.bodies.taken:  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0.005)
        assert said(await envoy.ask(content_length=LARGE))["pool"] == "ai/small"


async def test_sixty_whole_bodies_at_once_stay_within_the_budget_of_a_process(tmp_path: Path) -> None:
    """Of 8 MiB each, 480 MiB in all: without a budget they take three times as much."""
    copy = tmp_path / "last-good"
    models = [{"name": "m", "upstreamName": "up/m", "contextTokens": 100_000_000}]
    keep_a_copy(copy, {name: a_pool(models=models) for name in POOLS})
    budget = 160
    arguments = ("--listen", f"unix:{tmp_path}/dp.sock", "--operator", f"unix:{tmp_path}/no", "--last-good", str(copy))
    data = chat("hello world " * (8 * MEBI // 12 - 10))
    message = body(data)
    answers: Counter[str] = Counter()

    async def ask(channel: grpc.aio.Channel) -> None:
        call = Envoy(channel).open()
        await call.write(headers(content_length=str(len(data))))
        reply = await call.read()
        if reply.WhichOneof("response") == "request_headers":
            await call.write(message)
            reply = await call.read()
        answers["forwarded" if said(reply).get("pool") else refusal(reply)[1]] += 1
        assert await call.code() is grpc.StatusCode.OK

    async with a_process(*arguments, "--body-memory", f"{budget}Mi") as running:
        await running.event("configured")
        before = memory(running.process.pid, "VmRSS")
        async with grpc.aio.insecure_channel(f"unix:{tmp_path}/dp.sock", options=UNLIMITED) as channel:
            async with asyncio.timeout(120):
                await asyncio.gather(*(ask(channel) for _ in range(60)))
            assert said(await Envoy(channel).ask())["pool"] == "ai/small"
        grown = memory(running.process.pid, "VmHWM") - before
    assert answers["forwarded"] >= 5
    assert answers["forwarded"] + answers["overloaded"] == 60
    # A quarter for what the allocator keeps between one body and the next.
    assert grown < budget * MEBI * 1.25


def memory(process: int, which: str) -> int:
    """Bytes of a process's memory, as the kernel counts them."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) << 10
    raise AssertionError(which)
