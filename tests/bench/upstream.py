"""The inference servers' stand-in: answers every request at once with a constant, so that it is never the bottleneck.

One process, one epoll, plain sockets; it listens on as many ports as it is told. A body that asks for a stream gets a short
SSE answer in chunks, anything else a chat completion.

    python tests/bench/upstream.py --port 0 --port 0
"""

from __future__ import annotations

import argparse
import re
import select
import socket
from typing import Final

import msgspec

STREAM_EVENTS: Final = 8
RECEIVE_BYTES: Final = 1 << 18
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_STREAMED: Final = re.compile(rb'"stream":\s*true')
_IDENTITY: Final = {"id": "chatcmpl-bench", "created": 1700000000, "model": "bench"}


def plain_answer() -> bytes:
    """A whole response with a chat completion."""
    message = {"role": "assistant", "content": "A constant answer, given at once."}
    body = msgspec.json.encode(
        {
            **_IDENTITY,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 8, "total_tokens": 208},
        }
    )
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def streamed_answer() -> bytes:
    """A whole response with a few events and the final `[DONE]`, each in its own chunk."""
    parts = []
    for index in range(STREAM_EVENTS):
        delta = {"role": "assistant", "content": "A"} if index == 0 else {"content": f" word{index}"}
        choice = {"index": 0, "delta": delta, "finish_reason": None if index < STREAM_EVENTS - 1 else "stop"}
        event = {**_IDENTITY, "object": "chat.completion.chunk", "choices": [choice]}
        parts.append(b"data: %b\n\n" % msgspec.json.encode(event))
    parts.append(b"data: [DONE]\n\n")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"


class Peer:
    """One connection of a proxy."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._received = b""

    def serve(self, plain: bytes, streamed: bytes) -> bool:
        """Read what is there and answer what is whole; False when the peer has gone."""
        try:
            data = self.connection.recv(RECEIVE_BYTES)
        except ConnectionError:
            return False
        if not data:
            return False
        received = self._received + data if self._received else data
        while (head_end := received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(received, 0, head_end + 2)
            end = head_end + 4 + (int(length.group(1)) if length else 0)
            if len(received) < end:
                break
            # Answers are far smaller than a socket's buffer, so one send takes them whole.
            self.connection.sendall(streamed if _STREAMED.search(received, head_end, end) else plain)
            received = received[end:]
        self._received = received
        return True


def listen(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    made.listen(1024)
    return made


def serve(listeners: list[socket.socket]) -> None:
    """Until a signal ends the process."""
    plain, streamed = plain_answer(), streamed_answer()
    poll = select.epoll()
    doors = {listener.fileno(): listener for listener in listeners}
    peers: dict[int, Peer] = {}
    for fd in doors:
        poll.register(fd, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd in doors:
                connection, _ = doors[fd].accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peers[connection.fileno()] = Peer(connection)
                poll.register(connection.fileno(), select.EPOLLIN)
            elif not peers[fd].serve(plain, streamed):
                poll.unregister(fd)
                peers.pop(fd).connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, action="append", required=True, help="repeatable; 0 takes a free one")
    listeners = [listen(port) for port in parser.parse_args().port]
    for listener in listeners:
        print(listener.getsockname()[1], flush=True)
    serve(listeners)


if __name__ == "__main__":
    main()
