"""A process that publishes real `vllm:*` metrics: what the scraper makes of them while load comes and goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import pytest

from forebay_api.pool import PoolSpec
from forebay_api.wire import PoolState
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape import targets
from forebay_operator.scrape.scraper import Scraper
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import scrape_targets

from .process import Process
from .waiting import free_port

MODEL: Final = "made-up"
ADAPTER: Final = "sql-lora"
SEATS: Final = 2
"""Requests that the server runs at once; what is more waits."""
PATIENCE: Final = 60.0
POOL: Final = "ai/small"


class Server:
    """The simulator, and requests to it. It listens on all addresses: it has no option for less."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port

    async def ask(self, session: aiohttp.ClientSession, model: str) -> None:
        body = {
            "model": model,
            "max_tokens": 120,
            "ignore_eos": True,
            "messages": [{"role": "user", "content": "Go on."}],
        }
        async with session.post(f"http://127.0.0.1:{self.port}/v1/chat/completions", json=body) as answer:
            assert answer.status == 200, await answer.text()
            await answer.read()


@pytest.fixture
def server(binary: Callable[[str], Path], tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    process = Process(
        [
            binary("llm-d-inference-sim"),
            *("--model", MODEL, "--port", str(port), "--max-num-seqs", str(SEATS), "--max-loras", "2"),
            *("--lora-modules", f'{{"name":"{ADAPTER}"}}'),
            *("--time-to-first-token", "100ms", "--inter-token-latency", "25ms"),
        ],
        tmp_path / "sim.log",
    )
    process.start()
    yield Server(process, port)
    process.stop()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interval here is short so that nothing is missed; an answer may take longer where the machine is busy."""
    monkeypatch.setattr(targets, "TIMEOUT_SHARE", 20.0)


class Watch:
    """The operator's own scraper and pool states over that one server, running."""

    def __init__(self, port: int) -> None:
        spec = {
            "backend": {"addresses": [{"host": "127.0.0.1", "port": port}]},
            "models": [{"name": MODEL}],
            "telemetry": {"engine": "vLLM", "interval": "100ms", "staleAfter": "2s"},
            "saturation": {"queueDepth": 3},
        }
        pools = {POOL: msgspec.convert(spec, PoolSpec)}
        backends = fixed_backends(pools)
        self.states = PoolStates()
        self.states.configure(pools, backends)
        self.scraper = Scraper(self.states.observe)
        self.scraper.set_targets(scrape_targets(pools, backends))

    async def until(self, true: Callable[[PoolState], bool], what: str) -> PoolState:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            self.states.tick(time.time())
            state = self.states.told[POOL]
            if true(state):
                return state
            assert loop.time() < deadline, f"not within {PATIENCE:g} s: {what}; last: {state}"
            await asyncio.sleep(0.02)


@pytest.fixture
async def watch(server: Server) -> AsyncIterator[Watch]:
    made = Watch(server.port)
    task = asyncio.create_task(made.scraper.run())
    await made.until(lambda state: not state.stale and state.ready == 1, f"a first reading\n{server.process.tail()}")
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_queue_saturation_adapters_and_demand_follow_the_load_and_return(server: Server, watch: Watch) -> None:
    idle = watch.states.told[POOL]
    assert (idle.queued, idle.running, idle.saturated) == (0, 0, False)

    async with aiohttp.ClientSession() as session:
        await server.ask(session, MODEL)
        asked = [asyncio.create_task(server.ask(session, ADAPTER)) for _ in range(SEATS + 4)]
        busy = await watch.until(lambda s: s.running == SEATS and s.queued == 4, "all seats taken and four waiting")
        assert busy.saturated
        assert busy.adapters[ADAPTER].running == 1
        await watch.until(lambda s: 0 < s.queued < 3 and s.running == SEATS, "a queue that gets shorter")
        await asyncio.gather(*asked)

    demand = watch.states.demand(POOL, time.time())
    assert demand.served is not None
    assert demand.wanted is not None
    assert demand.wanted > demand.served > 0
    after = await watch.until(lambda s: s.running == 0 and s.queued == 0, "an idle server")
    assert not after.saturated


async def test_a_server_that_is_killed_is_down_and_comes_back(server: Server, watch: Watch) -> None:
    server.process.kill()
    gone = await watch.until(lambda s: s.ready == 0, "an endpoint that is down")
    assert not gone.stale
    server.process.start()
    await watch.until(lambda s: s.ready == 1, "the endpoint again")
