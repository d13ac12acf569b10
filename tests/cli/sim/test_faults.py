"""Faults on demand, each as a client sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterable
from typing import Any

import httpx
import openai
import pytest

from forebay_cli.sim.faults import FaultError, parse_fault

SAY = [{"role": "user", "content": "Say something."}]


async def put(http, server, **fields: object) -> httpx.Response:
    return await http.put(f"{server.url}/sim/faults", json=fields)


async def drain(stream: AsyncIterable[Any]) -> tuple[list[Any], bool]:
    """What a stream yields, and whether its connection broke."""
    got: list[Any] = []
    try:
        async for part in stream:
            got.append(part)  # noqa: PERF401 - what came before the break is the point
    except (httpx.TransportError, openai.APIConnectionError):
        return got, True
    return got, False


async def test_a_status_fault_hits_count_requests_and_ends(start_sim, connect, http):
    server = await start_sim()
    client = connect(server)
    assert (await put(http, server, mode="status", status=429, count=2)).status_code == 200
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="qwen3-8b", messages=SAY)
        assert caught.value.code == "simulated_fault"
    assert (await client.chat.completions.create(model="qwen3-8b", messages=SAY)).choices
    shown = (await http.get(f"{server.url}/sim/faults")).json()
    assert (shown["fault"]["mode"], shown["remaining"], shown["hits"]) == ("status", 0, 2)


async def test_a_hang_takes_a_slot_until_the_client_gives_up(start_sim, http, chat_body, until):
    server = await start_sim(concurrency=1)
    server.set_fault(mode="hang", count=1)
    hanging = asyncio.create_task(http.post(f"{server.base_url}/chat/completions", json=chat_body, timeout=60.0))
    await until(lambda: server.running == 1)
    done, _ = await asyncio.wait({hanging}, timeout=0.2)
    assert not done
    hanging.cancel()
    await until(lambda: server.running == 0)
    assert (await http.post(f"{server.base_url}/chat/completions", json=chat_body)).status_code == 200


async def test_a_reset_comes_before_any_byte(start_sim, chat_body):
    server = await start_sim()
    server.set_fault(mode="reset")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /v1/models HTTP/1.1\r\nHost: sim\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), 30.0)
    writer.close()


async def test_a_reset_mid_stream_comes_after_that_many_tokens(start_sim, connect):
    server = await start_sim()
    server.set_fault(mode="reset_mid_stream", after_tokens=3)
    stream = await connect(server).chat.completions.create(model="qwen3-8b", messages=SAY, stream=True)
    chunks, broken = await drain(stream)
    assert broken
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "Simulated", " answer", " from"]


async def test_a_reset_mid_stream_breaks_a_plain_answer_in_its_body(start_sim, http, chat_body):
    server = await start_sim()
    server.set_fault(mode="reset_mid_stream", after_tokens=16)
    async with http.stream("POST", f"{server.base_url}/chat/completions", json=chat_body) as answer:
        assert answer.status_code == 200
        parts, broken = await drain(answer.aiter_raw())
    assert broken
    assert 0 < len(b"".join(parts)) < int(answer.headers["content-length"])


async def test_a_reset_mid_stream_never_lets_a_short_answer_complete(start_sim, connect):
    server = await start_sim(tokens=2)
    server.set_fault(mode="reset_mid_stream", after_tokens=100)
    stream = await connect(server).chat.completions.create(model="qwen3-8b", messages=SAY, stream=True)
    assert (await drain(stream))[1]


async def test_slow_delays_the_first_token(start_sim, connect):
    server = await start_sim()
    server.set_fault(mode="slow", delay="300ms", count=1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await connect(server).chat.completions.create(model="qwen3-8b", messages=SAY)
    assert loop.time() - started >= 0.3


async def test_faults_spare_health_and_metrics_unless_told(start_sim, http, chat_body):
    server = await start_sim()
    server.set_fault(mode="status", status=500)
    assert (await http.get(f"{server.url}/health")).status_code == 200
    server.set_fault(mode="status", status=500, scope="monitoring")
    assert (await http.get(f"{server.url}/metrics")).status_code == 500
    assert (await http.post(f"{server.base_url}/chat/completions", json=chat_body)).status_code == 200
    server.set_fault()
    assert (await http.get(f"{server.url}/metrics")).status_code == 200


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"mode": "explode"}, "$.mode"),
        ({"mode": "status", "status": 200}, "$.status"),
        ({"mode": "slow", "delay": "soon"}, "$.delay"),
        ({"mode": "reset", "count": 0}, "$.count"),
        ({"mode": "reset_mid_stream", "after_tokens": -1}, "$.after_tokens"),
        ({"mode": "hang", "until": "noon"}, "until"),
    ],
)
async def test_a_bad_fault_is_refused_by_name_and_changes_nothing(start_sim, http, fields, named):
    server = await start_sim()
    server.set_fault(mode="status", status=418)
    answer = await put(http, server, **fields)
    assert answer.status_code == 400
    assert named in answer.json()["error"]["message"]
    assert server.fault.fault.status == 418


async def test_a_killed_server_resets_its_streams(start_sim, connect, until):
    server = await start_sim(per_token="1s")
    stream = await connect(server).chat.completions.create(model="qwen3-8b", messages=SAY, stream=True)
    await until(lambda: server.running == 1)
    await server.kill()
    assert (await drain(stream))[1]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("foo", "choose from none, status, hang, reset, reset_mid_stream, slow"),
        ("slow,scope=some", "choose from inference, monitoring, all"),
        ("slow,dely=2s", "there are mode, status, after_tokens, delay, count, scope"),
        ('{"mode": "foo"}', "choose from none, status, hang, reset, reset_mid_stream, slow"),
    ],
)
def test_a_fault_that_there_is_not_is_told_which_there_are(text: str, end: str) -> None:
    with pytest.raises(FaultError, match=re.escape(end) + "$"):
        parse_fault(text)
