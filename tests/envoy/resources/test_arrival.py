"""How long a request may take to arrive, and that an answer may take longer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from aiohttp import web

from forebay_operator.envoy import listeners
from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, policy, pool
from ..harness import Forward, Rig, Seen, running_rig

pytestmark = pytest.mark.envoy

ARRIVAL = timedelta(seconds=1)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as patch, running_rig() as made:
        patch.setattr(listeners, "ARRIVAL", ARRIVAL)
        small = made.upstream()
        snapshot = assemble(
            inputs(made.port, (made.processor.address,), {"ai/p": policy("small")}, {"ai/small": pool(small.port)})
        )
        made.processor.decide = lambda _: Forward(cluster="pool/ai/small")
        made.start(snapshot)
        yield made


def test_a_body_that_trickles_in_is_given_up(rig: Rig) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", rig.port), timeout=0.1) as raw:
        raw.sendall(head)
        answer, until = b"", time.monotonic() + 30
        while not answer and time.monotonic() < until:
            try:
                raw.sendall(b" ")
                answer = raw.recv(4096)
            except TimeoutError:
                pass
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"request_timeout"' in answer
    assert not rig.processor.asked


def test_an_answer_may_take_longer_than_a_request(rig: Rig) -> None:
    async def late(_: web.Request, seen: Seen) -> web.StreamResponse:
        await asyncio.sleep(2 * ARRIVAL.total_seconds())
        return web.json_response({})

    rig.upstreams[0].handler = late
    assert rig.chat().status_code == 200
