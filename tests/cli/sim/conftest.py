"""Servers and clients for these tests: a server inside the test's own loop, the official client, raw HTTP, raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from openai import AsyncOpenAI

from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.server import SimServer

StartSim = Callable[..., Awaitable[SimServer]]
Connect = Callable[[SimServer], AsyncOpenAI]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def start_sim(stack: AsyncExitStack) -> StartSim:
    """Starts a server with SimConfig's fields as overrides; stopped when the test ends."""

    async def start(**overrides: object) -> SimServer:
        fields: dict[str, object] = {"models": ("qwen3-8b",), "name": "small-1", **overrides}
        return await stack.enter_async_context(SimServer(SimConfig(**fields)))

    return start


@pytest.fixture
def connect(stack: AsyncExitStack) -> Connect:
    """An official client of a server, which never retries, so that one call is one request."""

    def connect(server: SimServer) -> AsyncOpenAI:
        client = AsyncOpenAI(base_url=server.base_url, api_key="unused", max_retries=0, timeout=30.0)
        stack.push_async_callback(client.close)
        return client

    return connect


@pytest.fixture
async def http(stack: AsyncExitStack) -> httpx.AsyncClient:
    return await stack.enter_async_context(httpx.AsyncClient(timeout=30.0, verify=False))


@pytest.fixture
def until() -> Until:
    """Waits for a condition, at most thirty seconds."""

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30.0):
            while not condition():  # noqa: ASYNC110 - what is observed has no event
                await asyncio.sleep(0.005)

    return until


@pytest.fixture
def chat_body() -> dict[str, object]:
    return {"model": "qwen3-8b", "messages": [{"role": "user", "content": "Say something."}]}
