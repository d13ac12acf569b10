"""Ports for processes that are told where to listen before they do."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

PORTS: Final = range(21_000, 32_000)
"""Below those that the kernel gives to outgoing connections, so that none takes a port before it is listened on."""
_WORKERS: Final = 16
_given: set[int] = set()


def free_port() -> int:
    """A free port of the loopback interface that nobody was given before. Each worker of a run has ports of its own, as one
    that is not listened on yet looks free to all."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    mine = PORTS[worker::_WORKERS]
    if len(_given) > len(mine) // 2:
        _given.clear()
    while True:
        port = random.choice(mine)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
