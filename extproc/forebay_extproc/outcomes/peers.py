"""Peers: outcomes that came to the wrong replica are handed to the one that decided.

Envoy pins an access-log stream to one replica of the data plane, whoever made the decisions in it. Only identifiers
travel, in batches: of decisions, to who made them, and of requests whose entries name nobody, to all. What cannot be
delivered is dropped: the other side's entry then expires by itself.

On one machine the peers are fixed. In a cluster replicas come and go, and a replica is called by its own IP address: so
it can be told of its decisions from the first one on, and the Service that stands for all says who "all" are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import grpc.aio
import msgspec

from forebay_transport.address import is_ip, joined
from forebay_transport.security import PLAINTEXT, Security

LOG: Final = logging.getLogger(__name__)
METHOD: Final = "/forebay.v1alpha1.Outcomes/Report"
FLUSH_SECONDS: Final = 0.05
TIMEOUT_SECONDS: Final = 1.0
MAX_PEERS: Final = 256
MAX_WAITING: Final = 10_000
"""Identifiers of each kind that wait for one peer; what comes on top is dropped."""

_ENCODER: Final = msgspec.msgpack.Encoder()


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """Identifiers of what has ended: `decisions` of the receiver, and `requests` in Envoy's name that may be its own."""

    decisions: list[str] = []
    requests: list[str] = []


_NOTHING: Final = Report()
_DECODER: Final = msgspec.msgpack.Decoder(Report)


def read_report(message: bytes) -> Report:
    """Raises msgspec.DecodeError on anything else."""
    return _DECODER.decode(message)


class Peers:
    """Sends to the replicas in `addresses` (replica -> gRPC target). Lives on the event loop.

    With a `port`, replicas are called by their IP addresses, and one that nobody has named yet is reached there.
    """

    def __init__(
        self, addresses: Mapping[str, str], security: Security = PLAINTEXT, *, port: int | None = None
    ) -> None:
        self._addresses: dict[str, str] = {}
        self._security = security
        self._port = port
        self._waiting: dict[str, Report] = {}
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self.dropped = 0
        self.meet(addresses)

    def meet(self, addresses: Mapping[str, str]) -> None:
        """These are the peers now, and no others."""
        for replica in self._addresses.keys() - addresses.keys():
            self._forget(replica)
        for replica in addresses.keys() - self._addresses.keys():
            self._waiting[replica] = Report([], [])
        self._addresses = dict(addresses)

    def _forget(self, replica: str) -> None:
        lost = self._waiting.pop(replica)
        self.dropped += len(lost.decisions) + len(lost.requests)
        if (channel := self._channels.pop(replica, None)) is not None:
            closing = asyncio.ensure_future(channel.close(TIMEOUT_SECONDS))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def tell(self, replica: str, decisions: Iterable[str]) -> None:
        """Queue decisions for their replica; unknown replicas and full queues drop them."""
        if (
            replica not in self._waiting
            and self._port is not None
            and len(self._waiting) < MAX_PEERS
            and is_ip(replica)
        ):
            self._addresses[replica] = joined(replica, self._port)
            self._waiting[replica] = Report([], [])
        waiting = self._waiting.get(replica)
        self._queue(waiting.decisions if waiting is not None else None, decisions)

    def tell_all(self, requests: Iterable[str]) -> None:
        """Queue ids of requests for every peer; full queues drop them."""
        requests = tuple(requests)
        for waiting in self._waiting.values():
            self._queue(waiting.requests, requests)

    def _queue(self, waiting: list[str] | None, identifiers: Iterable[str]) -> None:
        for identifier in identifiers:
            if waiting is None or len(waiting) >= MAX_WAITING:
                self.dropped += 1
            else:
                waiting.append(identifier)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                await self._wake.wait()
                # Entries come in bursts: a short wait makes one message of many.
                await asyncio.sleep(FLUSH_SECONDS)
                self._wake.clear()
                await asyncio.gather(
                    *(self._flush(replica) for replica, report in tuple(self._waiting.items()) if report != _NOTHING)
                )
        finally:
            await asyncio.gather(*(channel.close() for channel in self._channels.values()), *self._closing)

    async def _flush(self, replica: str) -> None:
        ended, self._waiting[replica] = self._waiting[replica], Report([], [])
        channel = self._channels.get(replica)
        if channel is None:
            channel = self._channels[replica] = self._security.open_channel(
                self._addresses[replica], self._security.names.data_plane
            )
        try:
            report: Any = channel.unary_unary(METHOD)  # without serialisers it takes and gives bytes
            await report(_ENCODER.encode(ended), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            self.dropped += len(ended.decisions) + len(ended.requests)
            if error.code() is grpc.StatusCode.UNAVAILABLE and self._channels.get(replica) is channel:
                # The next one has the certificates of its own moment.
                del self._channels[replica]
                await channel.close()
            LOG.info("peer does not take outcomes", extra={"peer": replica, "code": error.code().name})
