"""A name server for pods: A records from a table that changes while it runs, and nothing else exists."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from typing import Final

POLL_SECONDS: Final = 0.5
TTL_SECONDS: Final = 1
A: Final = 1
ANSWER: Final = 0x8580
"""Response, authoritative, recursion desired and available."""
NO_SUCH_NAME: Final = 3


class NameServer:
    """`table` maps a name to its addresses; put another one there whenever something has changed."""

    def __init__(self, address: str, port: int = 53) -> None:
        self.table: Mapping[str, Sequence[str]] = {}
        self._listen = (address, port)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.bind(self._listen)
        listening.settimeout(POLL_SECONDS)
        self._thread = threading.Thread(target=self._serve, args=(listening,), name="names")
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5 * POLL_SECONDS)

    def _serve(self, listening: socket.socket) -> None:
        with listening:
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError, OSError, struct.error, IndexError, UnicodeDecodeError):
                    asked, client = listening.recvfrom(512)
                    listening.sendto(self._answer(asked), client)

    def _answer(self, asked: bytes) -> bytes:
        name, end = _name(asked)
        kind, _ = struct.unpack_from("!HH", asked, end)
        addresses = self.table.get(name)
        records = [
            struct.pack("!HHHIH4s", 0xC00C, A, 1, TTL_SECONDS, 4, socket.inet_aton(address))
            for address in (addresses or () if kind == A else ())
        ]
        flags = ANSWER | (NO_SUCH_NAME if addresses is None else 0)
        head = asked[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        return head + asked[12 : end + 4] + b"".join(records)


def _name(asked: bytes) -> tuple[str, int]:
    """The name of the question, and where it ends."""
    labels, at = [], 12
    while length := asked[at]:
        labels.append(asked[at + 1 : at + 1 + length].decode("ascii"))
        at += length + 1
    return ".".join(labels).lower(), at + 1
