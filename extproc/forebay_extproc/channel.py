"""The way to the operator that leads: one gRPC channel for configuration and load reports.

Several replicas of the operator may run; one of them serves, the others refuse at once. So whoever needs the leader goes
from one to the next. A channel is opened for each attempt: it then has the certificates and addresses of this moment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import grpc.aio

from forebay_transport.address import resolve
from forebay_transport.keepalive import keepalive
from forebay_transport.security import PLAINTEXT, Security

MAX_MESSAGE_BYTES: Final = 16 << 20
CONNECT_MILLISECONDS: Final = 1_000
"""How long one address may take to connect, TLS included, before the next one is tried."""
CLOSE_SECONDS: Final = 2.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    *keepalive(),
    # The caller backs off by itself; a channel that others share would add its own waiting.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", CONNECT_MILLISECONDS),
    ("grpc.min_reconnect_backoff_ms", CONNECT_MILLISECONDS),
    ("grpc.max_reconnect_backoff_ms", CONNECT_MILLISECONDS),
)


class Operator:
    """`addresses` are ``unix:/path`` or ``host:port``; a host name stands for every address that it resolves to.

    Raises PlaintextRefused for an address that others could listen in on.
    """

    def __init__(self, addresses: Sequence[str], security: Security = PLAINTEXT) -> None:
        security.admit(addresses, "--operator")
        self.channel: grpc.aio.Channel | None = None
        """To the replica that leads, as far as is known; None while none is known to."""
        self._addresses = tuple(addresses)
        self._security = security
        self._former = ""
        self._closing: set[asyncio.Task[None]] = set()

    async def targets(self) -> tuple[str, ...]:
        """Every address to try, in the order in which to try: at random, so that replicas do not arrive in step, and
        last the one that led until now, because it may be the one that is gone."""
        found = list(await resolve(self._addresses))
        random.shuffle(found)
        found.sort(key=lambda target: target == self._former)
        return tuple(found)

    @asynccontextmanager
    async def connect(self, target: str) -> AsyncIterator[grpc.aio.Channel]:
        """A channel to one target. It is `channel` for as long as it is open and said to lead."""
        channel = self._security.open_channel(target, self._security.names.operator, _OPTIONS)
        try:
            yield channel
        finally:
            if self.channel is channel:
                self.channel, self._former = None, target
            # A report may be on its way: it is given time to end by itself, and nobody waits for that.
            closing = asyncio.create_task(channel.close(CLOSE_SECONDS))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def leads(self, channel: grpc.aio.Channel) -> None:
        """The replica at the other end has been found to serve."""
        self.channel = channel

    async def close(self) -> None:
        """Wait until every channel is closed."""
        await asyncio.gather(*self._closing, return_exceptions=True)
