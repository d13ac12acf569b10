"""Noticing a peer that is there no more: killed machines, cut networks and suspended processes send no sign of it. And one
that never says anything."""

from __future__ import annotations

from typing import Final

KEEPALIVE_MILLISECONDS: Final = 10_000
"""After how long a silent connection is pinged."""
KEEPALIVE_TIMEOUT_MILLISECONDS: Final = 5_000
"""How long it then has to answer before its streams end UNAVAILABLE."""

HANDSHAKE: Final = ("grpc.server_handshake_timeout_ms", 5_000)
"""Option of a server: how long TLS and HTTP/2 may take to begin. A connection that says nothing is a file, and by default
it is one for two minutes: a thousand of them kept everybody else out."""


def keepalive(
    after: int = KEEPALIVE_MILLISECONDS, timeout: int = KEEPALIVE_TIMEOUT_MILLISECONDS
) -> tuple[tuple[str, int], ...]:
    """Options of a gRPC channel or server; milliseconds.

    gRPC times its pings twice. Where the kernel of a suspended process goes on to acknowledge, it is the second time-out
    that ends the connection, and left alone that is a minute.
    """
    return (
        ("grpc.keepalive_time_ms", after),
        ("grpc.keepalive_timeout_ms", timeout),
        ("grpc.http2.ping_timeout_ms", timeout),
        ("grpc.http2.max_pings_without_data", 0),
    )
