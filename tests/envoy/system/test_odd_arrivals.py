"""Requests that come in odd pieces, or not to their end, through the whole product."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
  - {name: said, when: 'request.text == "Grüße, 世界 😀"', reject: {status: 418, message: heard}}
  default: {use: cheap}
"""
SAID = "Grüße, 世界 😀"
HEARD = json.dumps(
    {"model": "auto", "messages": [{"role": "user", "content": SAID}]}, ensure_ascii=False, separators=(",", ":")
).encode()
"""Answered with 418 where every letter of it has come."""


@pytest.fixture(scope="module")
def door(stack: Stack) -> Stack:
    small = stack.serve("small", "small", tokens=8)
    stack.write("pools.yaml", pool("small", "small", small.port))
    stack.write("policy.yaml", POLICY)
    stack.up()
    return stack


@contextmanager
def connected(door: Stack, *lines: str) -> Iterator[socket.socket]:
    """A connection on which the head of a request has been sent."""
    url = door.client.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=30) as sock:
        head = ["POST /v1/chat/completions HTTP/1.1", "host: x", "content-type: application/json", *lines, "", ""]
        sock.sendall("\r\n".join(head).encode())
        yield sock


def status(sock: socket.socket) -> int:
    """Of the answer; 0 where the connection ends without one."""
    data = b""
    while b"\r\n" not in data:
        try:
            piece = sock.recv(65536)
        except ConnectionError:
            return 0
        if not piece:
            return 0
        data += piece
    return int(data.split()[1])


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def still_serves(door: Stack) -> bool:
    return bool(door.chat("hello").status_code == 200)


def test_chunks_that_end_inside_a_letter_make_the_same_text(door: Stack) -> None:
    with connected(door, "transfer-encoding: chunked") as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(HEARD)):
            sock.sendall(chunk(HEARD[at : at + 1]))
        sock.sendall(b"0\r\n\r\n")
        assert status(sock) == 418


@pytest.mark.parametrize("body", [HEARD, b""], ids=["a body", "none"])
def test_trailers_change_nothing(door: Stack, body: bytes) -> None:
    with connected(door, "transfer-encoding: chunked", "trailer: x-forebay-cluster") as sock:
        sock.sendall((chunk(body) if body else b"") + b"0\r\nx-forebay-cluster: pool/default/other\r\n\r\n")
        assert status(sock) == (418 if body else 400)
    assert still_serves(door)


def test_who_closes_his_side_after_the_request_is_answered_or_left_but_disturbs_nobody(door: Stack) -> None:
    with connected(door, f"content-length: {len(HEARD)}") as sock:
        sock.sendall(HEARD)
        sock.shutdown(socket.SHUT_WR)
        assert status(sock) in (0, 418)
    assert still_serves(door)


@pytest.mark.parametrize("line", [f"content-length: {len(HEARD)}", "transfer-encoding: chunked"])
def test_who_leaves_in_the_middle_of_a_body_is_not_decided_about(door: Stack, line: str) -> None:
    half = HEARD[: len(HEARD) // 2]
    with connected(door, line) as sock:
        sock.sendall(half if "length" in line else chunk(half))
        sock.shutdown(socket.SHUT_WR)
        assert status(sock) in (0, 400)
    assert still_serves(door)


def test_a_body_that_drips_is_waited_for_while_others_are_served(door: Stack) -> None:
    with connected(door, f"content-length: {len(HEARD)}") as sock:
        for at in range(0, len(HEARD), 8):
            sock.sendall(HEARD[at : at + 8])
            started = time.monotonic()
            assert still_serves(door)
            assert time.monotonic() - started < 10
            time.sleep(0.2)
        assert status(sock) == 418


@pytest.mark.parametrize(
    "lines",
    [
        (f"content-length: {len(HEARD)}", "transfer-encoding: chunked"),
        (f"content-length: {len(HEARD)}", "content-length: 5"),
        ("content-length: -1",),
        ("content-length: 99999999999999999999999",),
        ("transfer-encoding: xchunked",),
    ],
    ids=["two framings", "two lengths", "a negative length", "a length beyond all", "an unknown framing"],
)
def test_a_request_whose_end_is_not_clear_is_refused(door: Stack, lines: tuple[str, ...]) -> None:
    with connected(door, *lines) as sock:
        sock.sendall(chunk(HEARD) + b"0\r\n\r\n")
        assert status(sock) in (0, 400, 413, 501)
    assert still_serves(door)


def test_what_follows_a_body_is_a_request_of_its_own(door: Stack) -> None:
    """Never part of the one before, whatever its bytes."""
    with connected(door, f"content-length: {len(HEARD)}") as sock:
        sock.sendall(HEARD + b'{"model":"auto"}\r\n\r\n')
        assert status(sock) in (418, 400)
    assert still_serves(door)


def test_ten_thousand_tools_are_too_many(door: Stack) -> None:
    tools = [{"type": "function", "function": {"name": f"f{number}", "parameters": {}}} for number in range(10_000)]
    response = door.chat("hello", tools=tools)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "array_above_max_length")


@pytest.mark.parametrize(
    ("content", "expected"),
    [(r"a\u0000b", 200), (r"\ud83d", 400), (r"\ud83d\ude00", 200), (r"\udbff\udfff\uffff", 200), (r"\x", 400)],
)
def test_escapes_are_letters_or_errors(door: Stack, content: str, expected: int) -> None:
    body = b'{"model":"auto","messages":[{"role":"user","content":"%s"}]}' % content.encode()
    assert door.post(body).status_code == expected
    assert still_serves(door)
