"""Slots, the line in front of them, and the metrics that show both."""

from __future__ import annotations

import asyncio
import re

import pytest

from forebay_cli.sim.queue import QueueFull, SlotQueue


def reading(text: str, name: str) -> float:
    """The one sample of a metric."""
    found = re.findall(rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    assert len(found) == 1, (name, found)
    return float(found[0])


async def scrape(http, server) -> str:
    answer = await http.get(f"{server.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def test_waiting_requests_get_slots_in_the_order_of_arrival():
    queue = SlotQueue(slots=1, max_waiting=3)
    await queue.acquire()
    order: list[int] = []

    async def take(number: int) -> None:
        await queue.acquire()
        order.append(number)
        queue.release()

    tasks = [asyncio.create_task(take(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert (queue.running, queue.waiting) == (1, 3)
    queue.release()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    assert (queue.running, queue.waiting) == (0, 0)


async def test_a_full_line_refuses_at_once():
    queue = SlotQueue(slots=1, max_waiting=0)
    await queue.acquire()
    with pytest.raises(QueueFull):
        await queue.acquire()


async def test_a_slot_granted_to_a_cancelled_request_passes_on():
    """Both orders of the race: cancelled before and after the slot arrived."""
    for grant_first in (True, False):
        queue = SlotQueue(slots=1, max_waiting=2)
        await queue.acquire()
        leaver, stayer = asyncio.create_task(queue.acquire()), asyncio.create_task(queue.acquire())
        await asyncio.sleep(0)
        if grant_first:
            queue.release()
            leaver.cancel()
        else:
            leaver.cancel()
            queue.release()
        await asyncio.wait_for(stayer, 30.0)
        assert leaver.cancelled() or await asyncio.wait([leaver])
        assert (queue.running, queue.waiting) == (1, 0)
        queue.release()
        assert queue.running == 0


async def test_gauges_follow_the_queue_and_its_end(start_sim, http, chat_body, until):
    server = await start_sim(concurrency=2, max_queue=8, kv_tokens=100, ttft="1s")
    url = f"{server.base_url}/chat/completions"
    calls = [asyncio.create_task(http.post(url, json=chat_body)) for _ in range(5)]
    await until(lambda: server.running + server.waiting == 5)
    text = await scrape(http, server)
    assert reading(text, "vllm:num_requests_running") == 2
    assert reading(text, "vllm:num_requests_waiting") == 3
    assert reading(text, "vllm:kv_cache_usage_perc") == pytest.approx(0.08)  # 2 prompts of 4 tokens
    assert 'vllm:num_requests_running{engine="0",model_name="qwen3-8b"}' in text
    assert {call.status_code for call in await asyncio.gather(*calls)} == {200}
    text = await scrape(http, server)
    for gauge in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"):
        assert reading(text, f"vllm:{gauge}") == 0
    assert reading(text, "vllm:time_to_first_token_seconds_count") == 5
    # 2 at once with 1 s each: the third pair has waited for two others.
    assert reading(text, "vllm:time_to_first_token_seconds_sum") >= 2 * 1.0 + 2 * 2.0 + 3.0
    assert 'vllm:request_success_total{engine="0",finished_reason="stop",model_name="qwen3-8b"} 5.0' in text


async def test_a_request_beyond_the_queue_gets_503_with_retry_after(start_sim, http, chat_body, until):
    server = await start_sim(concurrency=1, max_queue=1, ttft="60s")
    url = f"{server.base_url}/chat/completions"
    held = [asyncio.create_task(http.post(url, json=chat_body)) for _ in range(2)]
    await until(lambda: (server.running, server.waiting) == (1, 1))
    refused = await http.post(url, json=chat_body)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "queue_full"
    for call in held:
        call.cancel()
    await asyncio.gather(*held, return_exceptions=True)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_frees_its_slot_at_once(start_sim, http, chat_body, until, stream):
    server = await start_sim(concurrency=1, per_token="60s")
    url = f"{server.base_url}/chat/completions"
    call = asyncio.create_task(http.post(url, json={**chat_body, "stream": stream}))
    await until(lambda: server.running == 1)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await until(lambda: server.running == 0)
    assert 'finished_reason="abort",model_name="qwen3-8b"} 1.0' in await scrape(http, server)


async def test_a_client_that_leaves_the_line_gives_up_its_place(start_sim, http, chat_body, until):
    server = await start_sim(concurrency=1, max_queue=4, ttft="60s")
    url = f"{server.base_url}/chat/completions"
    holder = asyncio.create_task(http.post(url, json=chat_body))
    await until(lambda: server.running == 1)
    waiter = asyncio.create_task(http.post(url, json=chat_body))
    await until(lambda: server.waiting == 1)
    waiter.cancel()
    await until(lambda: server.waiting == 0)
    assert server.running == 1
    holder.cancel()
    await asyncio.gather(holder, waiter, return_exceptions=True)


async def test_kv_usage_grows_with_generated_tokens(start_sim, connect, until):
    server = await start_sim(kv_tokens=100, tokens=32, per_token="200ms")
    stream = await connect(server).chat.completions.create(
        model="qwen3-8b", messages=[{"role": "user", "content": "Say."}], stream=True
    )
    seen: list[float] = []
    async for _ in stream:
        seen.append(server._engine.kv_usage)
        if len(seen) == 5:
            break
    assert seen[0] < seen[-1] <= 0.34
    await stream.close()


async def test_adapters_show_as_running_and_waiting(start_sim, http, chat_body, until):
    server = await start_sim(loras=("sql", "law"), concurrency=1, ttft="60s")
    url = f"{server.base_url}/chat/completions"
    calls = []
    for adapter in ("sql", "law"):
        calls.append(asyncio.create_task(http.post(url, json={**chat_body, "model": adapter})))
        await until(lambda: server.running + server.waiting == len(calls))
    line = 'vllm:lora_requests_info{max_lora="2",running_lora_adapters="sql",waiting_lora_adapters="law"}'
    assert line in await scrape(http, server)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_times_are_kept(start_sim, connect):
    server = await start_sim(ttft="80ms", per_token="10ms", tokens=11)
    loop = asyncio.get_running_loop()
    started = loop.time()
    stream = await connect(server).chat.completions.create(
        model="qwen3-8b", messages=[{"role": "user", "content": "Say."}], stream=True
    )
    arrivals = [loop.time() - started async for _ in stream]
    assert arrivals[0] >= 0.08
    assert arrivals[-1] >= 0.18


@pytest.mark.parametrize("early", [False, True])
async def test_early_headers_leave_before_the_first_token(start_sim, http, chat_body, early):
    # Nobody waits for the first token of a minute: an answer that is there has come before it.
    server = await start_sim(ttft="60s" if early else "400ms", early_headers=early)
    loop = asyncio.get_running_loop()
    started = loop.time()
    body = {**chat_body, "stream": True}
    async with http.stream("POST", f"{server.base_url}/chat/completions", json=body, timeout=30.0) as answer:
        assert answer.status_code == 200
        assert early or loop.time() - started >= 0.4


async def test_the_same_seed_gives_the_same_jitter(start_sim):
    first, second = [await start_sim(ttft="100ms", jitter=0.5, seed=7) for _ in range(2)]
    drawn = [[server._engine.ttft() for _ in range(5)] for server in (first, second)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 5
    assert all(0.05 <= seconds <= 0.15 for seconds in drawn[0])
