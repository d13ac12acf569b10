"""What counts as under way, with the real Envoy: callers who leave must not close a pool for those who stay."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from stack import Stack, pool, wait_until

pytestmark = pytest.mark.envoy

POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: plain}
spec:
  strategies:
  - {name: all, direct: {pools: [{name: small}]}}
  default: {use: all}
"""
LIMITED = "telemetry: {engine: None}\n  saturation: {inFlight: 20}"
LEAVING = 300
SAMPLE = re.compile(r"^forebay_inflight\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)


@pytest.fixture(scope="module", params=[1, 2], ids=["one data plane", "two data planes"])
def door(request: pytest.FixtureRequest) -> Iterator[Stack]:
    stack = Stack()
    try:
        server = stack.serve("small", "small", tokens=8)
        stack.write("pools.yaml", pool("small", "small", server.port, more=LIMITED))
        stack.write("plain.yaml", POLICY)
        stack.up(workers=request.param)
        yield stack
    finally:
        stack.stop()


def under_way(door: Stack) -> float:
    ports = door.running.plan.addresses.metrics
    pages = [httpx.get(f"http://127.0.0.1:{port}/metrics").text for port in ports]
    return sum(float(value) for page in pages for value in SAMPLE.findall(page))


def leave(url: httpx.URL, seconds: float) -> None:
    """Ask, and close the connection before the answer."""
    body = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "hello"}]})
    named = {"host": "localhost", "content-type": "application/json", "content-length": len(body)}
    lines = ["POST /v1/chat/completions HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    head = "".join(f"{line}\r\n" for line in (*lines, ""))
    with socket.create_connection((url.host, url.port or 80), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        threading.Event().wait(seconds)


def test_callers_who_leave_at_once_do_not_stay_under_way(door: Stack) -> None:
    pauses = random.Random(3)
    for _ in range(LEAVING):
        leave(door.client.base_url, pauses.uniform(0.001, 0.003))
    wait_until(lambda: under_way(door) == 0, "nobody is under way")
    # The operator's view of the pool follows the counts, and the data planes follow it.
    wait_until(lambda: [door.chat().status_code for _ in range(5)] == [200] * 5, "the pool is open")
    assert under_way(door) < 20
