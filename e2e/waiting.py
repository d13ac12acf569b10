"""Waiting with a deadline, and ports to listen on."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
PORTS: Final = (21_000, 32_000)


def wait_until(true: Callable[[], T], what: str, seconds: float = 15.0, pause: float = 0.05) -> T:
    """The first truthy value of `true()`; AssertionError names `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(pause)


def free_port(host: str = "127.0.0.1") -> int:
    """A port below those that the kernel gives to outgoing connections, so that none takes it before it is used."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
