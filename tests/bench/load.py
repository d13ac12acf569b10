"""The load generator: a closed loop of keep-alive connections on one epoll, in a process of its own.

Every variant is measured by this one, so its own cost is the same everywhere; it is kept low with plain sockets, because
on a small machine the generator shares its cores with what it measures. Prints one JSON object (`Outcome`).

    python tests/bench/load.py --address 127.0.0.1:8000 --body body.json --connections 32 --seconds 2
"""

from __future__ import annotations

import argparse
import select
import socket
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from http_response import Malformed, Response

PATH: Final = "/v1/chat/completions"
RECEIVE_BYTES: Final = 1 << 18
DRAIN_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 5.0
MOST_FAILURES: Final = 200
"""After so many a variant is broken, and more of the same teaches nothing."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`requests` finished within the `seconds` measured; `total` with warm-up and drain, which is what CPU time is divided
    by. Times are milliseconds. `failures` says what went wrong and how often."""

    requests: int
    total: int
    seconds: float
    per_second: float
    p50: float
    p95: float
    p99: float
    failed: int
    failures: dict[str, int]
    cpu_seconds: float


class Connection:
    """One client: sends the same request again as soon as it has been answered."""

    def __init__(self, address: tuple[str, int], request: bytes, poll: select.epoll) -> None:
        self._address = address
        self._request = memoryview(request)
        self._poll = poll
        self._unsent = 0
        self.response = Response()
        self.started = 0.0
        self.waiting = False
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        made = socket.create_connection(self._address, CONNECT_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        self._poll.register(made.fileno(), select.EPOLLIN)
        return made

    def close(self) -> None:
        """Harmless when the peer has closed already."""
        self._poll.unregister(self.socket.fileno())
        self.socket.close()

    def reconnect(self) -> None:
        self.close()
        self.socket = self._connect()

    def ask(self) -> None:
        """Start the next request."""
        self.response = Response()
        self.waiting = True
        self.started = time.perf_counter()
        self._unsent = len(self._request)
        self.send()

    def send(self) -> None:
        """Send what the socket takes; the rest follows when it is writable."""
        whole = self._unsent == len(self._request)
        try:  # noqa: SIM105  `suppress` costs a microsecond, on the path of every request
            self._unsent -= self.socket.send(self._request[len(self._request) - self._unsent :])
        except BlockingIOError:
            pass
        if self._unsent:
            self._poll.modify(self.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        elif not whole:
            self._poll.modify(self.socket.fileno(), select.EPOLLIN)


class Run:
    """Warm up, measure, drain. Times are `perf_counter` seconds."""

    def __init__(self, address: tuple[str, int], request: bytes, connections: int, expect: list[bytes]) -> None:
        self._poll = select.epoll()
        made = [Connection(address, request, self._poll) for _ in range(connections)]
        self._by_fd = {connection.socket.fileno(): connection for connection in made}
        self._expect = expect
        self._failures: dict[str, int] = {}
        self._failed = 0
        self._total = 0
        self._finished: list[tuple[float, float]] = []
        """(when, how long) of each good answer."""

    def measure(self, warm_up: float, seconds: float) -> Outcome:
        begin = time.perf_counter() + warm_up
        end = begin + seconds
        for connection in self._by_fd.values():
            connection.ask()
        self._turn(end, again=True)
        ended = time.perf_counter()
        self._turn(ended + DRAIN_SECONDS, again=False)
        for connection in self._by_fd.values():
            if connection.waiting and self._failed < MOST_FAILURES:
                self._fail("no answer in time")
            connection.close()
        counted = sorted(took for when, took in self._finished if begin <= when <= end)
        return Outcome(
            requests=len(counted),
            total=self._total,
            seconds=seconds,
            per_second=len(counted) / seconds,
            p50=quantile(counted, 0.50) * 1e3,
            p95=quantile(counted, 0.95) * 1e3,
            p99=quantile(counted, 0.99) * 1e3,
            failed=self._failed,
            failures=self._failures,
            cpu_seconds=time.process_time(),
        )

    def _turn(self, until: float, *, again: bool) -> None:
        while (left := until - time.perf_counter()) > 0 and self._failed < MOST_FAILURES:
            if not again and not any(connection.waiting for connection in self._by_fd.values()):
                return
            for fd, event in self._poll.poll(left):
                connection = self._by_fd[fd]
                try:
                    if event & select.EPOLLOUT:
                        connection.send()
                    if event & ~select.EPOLLOUT:
                        self._receive(connection, again)
                except (OSError, Malformed) as error:
                    self._break(connection, f"{type(error).__name__}: {error}", again)

    def _receive(self, connection: Connection, again: bool) -> None:
        data = connection.socket.recv(RECEIVE_BYTES)
        if not data:
            if connection.waiting:
                raise ConnectionResetError("closed before the whole answer")
            self._renew(connection)
            return
        if not connection.response.feed(data):
            return
        now = time.perf_counter()
        connection.waiting = False
        response = connection.response
        self._total += 1
        if not 200 <= response.status < 300:
            self._fail(f"status {response.status}: {response.raw[len(response.head) + 2 :][:200]!r}")
        elif not all(text in response.raw for text in self._expect):
            self._fail("an answer lacks the expected text")
        else:
            self._finished.append((now, now - connection.started))
        if response.closes:
            self._renew(connection)
        if again:
            connection.ask()

    def _break(self, connection: Connection, why: str, again: bool) -> None:
        self._fail(why)
        connection.waiting = False
        self._renew(connection)
        if again:
            connection.ask()

    def _renew(self, connection: Connection) -> None:
        del self._by_fd[connection.socket.fileno()]
        connection.reconnect()
        self._by_fd[connection.socket.fileno()] = connection

    def _fail(self, why: str) -> None:
        self._failed += 1
        self._failures[why] = self._failures.get(why, 0) + 1


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` of `ordered` lies; 0 where there is none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def request_bytes(host: str, path: str, body: bytes) -> bytes:
    """A whole POST, ready to send again and again."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, metavar="HOST:PORT")
    parser.add_argument("--host", default="localhost", help="the Host header (%(default)s)")
    parser.add_argument("--path", default=PATH, help="%(default)s")
    parser.add_argument("--body", required=True, type=Path, metavar="FILE", help="what to post")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=0.3, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--expect", action="append", default=[], help="text in every good answer or its headers")
    options = parser.parse_args()
    address, _, port = options.address.rpartition(":")
    request = request_bytes(options.host, options.path, options.body.read_bytes())
    try:
        run = Run((address, int(port)), request, options.connections, [text.encode() for text in options.expect])
        outcome = run.measure(options.warm_up, options.seconds)
    except OSError as error:
        sys.exit(f"cannot talk to {options.address}: {error}")
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")


if __name__ == "__main__":
    main()
