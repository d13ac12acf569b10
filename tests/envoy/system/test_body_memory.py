"""Large bodies through a real Envoy while the data plane has no memory left for them."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from stack import Stack, pool

pytestmark = pytest.mark.envoy

POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: door}
spec:
  models: [auto]
  strategies:
  - {name: cheap, direct: {pools: [{name: small}]}}
  rules:
  - {name: no, when: request.turns > 1000, reject: {status: 403, message: Not here.}}
  default: {use: cheap}
"""
LENGTH = 8 << 20
"""Bytes. The `reject` rule keeps Envoy from deciding alone, for which it would have the whole body first."""


@pytest.fixture(scope="module")
def narrow(stack: Stack) -> Iterator[Stack]:
    """A stack whose worker has memory for two bodies of 8 MiB."""
    small = stack.serve("small", "small", tokens=8)
    wide = pool("small", "small", small.port).replace("contextTokens: 131072", "contextTokens: 100000000")
    stack.write("pools.yaml", wide)
    stack.write("policy.yaml", POLICY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forebay_cli.up.plan.bytes_for_bodies", lambda _workers: 64 << 20)
        stack.up()
        yield stack


def begin(stack: Stack, length: int = LENGTH) -> socket.socket:
    """A request whose body does not come."""
    url = stack.client.base_url
    sock = socket.create_connection((url.host, url.port or 80), timeout=30)
    sock.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n{" % length
    )
    return sock


def answer(sock: socket.socket) -> tuple[bytes, bytes]:
    """Status line and all that comes until the body's last brace."""
    data = b""
    while not data.rstrip().endswith(b"}}"):
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data.partition(b"\r\n")[0], data.rpartition(b"\r\n\r\n")[2]


def ask_in_chunks(stack: Stack) -> httpx.Response:
    """A request without a length, which counts as the largest that the policy takes."""
    pieces = iter([b'{"model":"auto","messages":', b'[{"role":"user","content":"hello"}]}'])
    return stack.client.post("/v1/chat/completions", content=pieces, headers={"content-type": "application/json"})


def test_slow_bodies_give_way_and_others_go_on(narrow: Stack) -> None:
    slow: list[socket.socket] = []
    for _ in range(2):
        slow.append(begin(narrow))
        time.sleep(0.3)  # Envoy's threads could swap them
    assert narrow.chat("hello").status_code == 200
    # A second after they came they have been waited for long enough: one of them makes room, and hears of it.
    assert (reply := ask_in_chunks(narrow)).status_code == 200, reply.text
    status, body = answer(slow[0])
    assert status.startswith(b"HTTP/1.1 503")
    assert json.loads(body)["error"]["code"] == "overloaded"
    slow[1].settimeout(0.2)
    with pytest.raises(TimeoutError):
        slow[1].recv(1)
    for sock in slow:
        sock.close()
    assert (reply := ask_in_chunks(narrow)).status_code == 200, reply.text


def test_a_crowd_that_does_not_say_how_long_its_bodies_are_is_served_one_after_the_other(narrow: Stack) -> None:
    with ThreadPoolExecutor(12) as crowd:
        replies = list(crowd.map(lambda _: ask_in_chunks(narrow), range(120)))
    assert Counter(reply.status_code for reply in replies) == {200: 120}
