"""Waiting with a deadline, and ports to listen on."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
LEAST_SECONDS: Final = 90.0
"""A machine with much else to do makes everything late, and nothing wrong."""
PORTS: Final = (21_000, 32_000)


def wait_until(true: Callable[[], T], what: str, seconds: float = 60.0, pause: float = 0.05) -> T:
    """The first truthy value of `true()`; AssertionError names `what` when the deadline passes. Nobody waits for less than
    LEAST_SECONDS: what has to be quick a test measures and says."""
    seconds = max(seconds, LEAST_SECONDS)
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(pause)


_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """A port below those that the kernel gives to outgoing connections, so that none takes it before it is used; one that
    was given before may not be in use yet, and is given again only when all have been."""
    if len(_given) > (PORTS[1] - PORTS[0]) * 0.9:
        _given.clear()
    while True:
        port = random.randrange(*PORTS)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        _given.add(port)
        return port
