"""The metrics port: three pages, bounded, and no harm from whoever talks nonsense to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from forebay_operator.telemetry.exposition import Exposition
from forebay_transport import exposition
from forebay_transport.exposition import MAX_HEAD_BYTES


class Port:
    """A running port: what it says depends on `why_not`; `threads` are those that froze and rendered."""

    def __init__(self) -> None:
        self.why_not = ""
        self.threads: list[bool] = []
        self.exposition = Exposition(self.page, lambda: self.why_not)
        self.address = ""

    def page(self) -> Callable[[], tuple[str, bytes]]:
        self.threads.append(threading.current_thread() is threading.main_thread())
        return self.render

    def render(self) -> tuple[str, bytes]:
        self.threads.append(threading.current_thread() is threading.main_thread())
        return "text/plain", b"x 1\n"

    async def say(self, request: bytes) -> bytes:
        host, _, number = self.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(number))
        try:
            writer.write(request)
            return await reader.read()
        except ConnectionError:
            # What the port had not read when it hung up.
            return b""
        finally:
            writer.close()

    async def get(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        head, _, body = (await self.say(f"{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())).partition(b"\r\n\r\n")
        return int(head.split()[1]), body


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    made = Port()
    made.address = await made.exposition.start("127.0.0.1:0")
    yield made
    await made.exposition.stop()


async def test_metrics_are_frozen_on_the_loop_and_rendered_beside_it(port: Port) -> None:
    assert await port.get("/metrics?x=1") == (200, b"x 1\n")
    assert port.threads == [True, False]


async def test_a_loop_that_turns_is_healthy(port: Port) -> None:
    port.why_not = "not yet"
    assert await port.get("/healthz") == (200, b"ok\n")


async def test_readiness_says_what_is_missing(port: Port) -> None:
    assert await port.get("/readyz") == (200, b"ok\n")
    port.why_not = "nothing has been listed yet"
    assert await port.get("/readyz") == (503, b"nothing has been listed yet\n")


async def test_other_pages_and_methods_are_refused(port: Port) -> None:
    assert (await port.get("/admin"))[0] == 404
    assert (await port.get("/metrics", "POST"))[0] == 405
    assert await port.get("/healthz", "HEAD") == (200, b"")


@pytest.mark.parametrize(
    "request_", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"x" * (MAX_HEAD_BYTES + 10)]
)
async def test_nonsense_is_survived(port: Port, request_: bytes) -> None:
    await port.say(request_ + b"\r\n\r\n")
    assert (await port.get("/healthz"))[0] == 200


async def test_who_says_nothing_is_left(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "HEAD_SECONDS", 0.05)
    assert await port.say(b"GET /met") == b""


async def test_five_hundred_idle_connections_keep_no_probe_out(port: Port) -> None:
    host, _, number = port.address.rpartition(":")
    idle = [await asyncio.open_connection(host, int(number)) for _ in range(500)]
    try:
        assert await port.get("/healthz") == (200, b"ok\n")
        assert await port.get("/readyz") == (200, b"ok\n")
        assert port.exposition.connections <= exposition.MAX_CONNECTIONS
    finally:
        for _, writer in idle:
            writer.transport.abort()


async def test_an_address_that_is_taken_is_an_error(port: Port) -> None:
    with pytest.raises(OSError, match="address already in use"):
        await Exposition(port.page, lambda: "").start(port.address)
