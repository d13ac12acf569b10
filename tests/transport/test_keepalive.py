"""A peer that falls silent is left, though its machine goes on to acknowledge what it is sent."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import grpc.aio
import pytest

from forebay_transport.keepalive import keepalive

ECHO = """
import asyncio, grpc.aio

async def echo(requests, context):
    async for message in requests:
        yield message

async def main():
    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(echo)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {"Echo": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()

asyncio.run(main())
"""


@pytest.fixture
def server() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", ECHO], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


async def test_a_stream_to_a_process_that_is_suspended_ends_once_its_ping_has_timed_out(
    server: subprocess.Popen[str],
) -> None:
    assert server.stdout is not None
    port = await asyncio.to_thread(server.stdout.readline)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port.strip()}", keepalive(1_000, 1_000)) as channel:
        call = channel.stream_stream("/test.Echo/Echo")()
        await call.write(b"here")
        assert await call.read() == b"here"
        server.send_signal(signal.SIGSTOP)
        suspended = time.monotonic()
        async with asyncio.timeout(60):
            assert await call.code() is grpc.StatusCode.UNAVAILABLE
        assert time.monotonic() - suspended > 0.9, "it was pinged first"
