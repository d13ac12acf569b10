"""Ports: the configured one where it is free, another one where nobody insisted."""

from __future__ import annotations

import contextlib
import socket


class PortTaken(Exception):
    """A port that was asked for by name is in use."""


def free_port(address: str, wanted: int, *, insist: bool) -> int:
    """`wanted` if it can be bound on `address`, else any free port; PortTaken where `insist` forbids that. 0 is any."""
    for port in (wanted, 0) if wanted else (0,):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if insist or not port:
                    message = f"cannot listen on {address}:{port}: {error.strerror}"
                    raise PortTaken(f"{message}; choose another with --port or in forebay.yaml") from None
                continue
            return int(probe.getsockname()[1])
    raise PortTaken(f"no free port on {address}")
