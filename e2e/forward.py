"""Hands connections on from one address to another: what a Service's cluster address is to pods."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from typing import Final

CHUNK: Final = 1 << 16
POLL_SECONDS: Final = 0.5
Address = tuple[str, int]


class Forward:
    """From `start` to `close`, with a thread a connection."""

    def __init__(self, listen: Address, target: Address) -> None:
        self._listen = listen
        self._target = target
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        listening = socket.create_server(self._listen)
        self._spawn(self._accept, listening)

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(5 * POLL_SECONDS)

    def _spawn(self, work: Callable[..., None], *given: socket.socket) -> None:
        thread = threading.Thread(target=work, args=given, name="forward")
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        with listening:
            while not self._closing.is_set():
                if select.select([listening], [], [], POLL_SECONDS)[0]:
                    self._spawn(self._serve, listening.accept()[0])

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(self._target, 5) as far:
            while not self._closing.is_set():
                for source in select.select([near, far], [], [], POLL_SECONDS)[0]:
                    data = source.recv(CHUNK)
                    if not data:
                        return
                    (far if source is near else near).sendall(data)
