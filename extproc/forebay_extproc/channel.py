"""The connection to the operator: one gRPC channel for configuration and load reports."""

from __future__ import annotations

from typing import Final

import grpc.aio

MAX_MESSAGE_BYTES: Final = 16 << 20
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # A dead peer is noticed within 15 s, also where no packet says so.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # The caller backs off by itself; the channel's own waiting would come on top.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to the operator at `unix:PATH` or `HOST:PORT`; it connects when it is used. The caller closes it."""
    return grpc.aio.insecure_channel(address, options=_OPTIONS)
