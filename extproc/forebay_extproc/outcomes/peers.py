"""Peers: outcomes that came to the wrong replica are handed to the one that decided.

Envoy pins an access-log stream to one replica of the data plane, whoever made the decisions in it. Only identifiers
travel, in batches: of decisions, to who made them, and of requests whose entries name nobody, to all. What cannot be delivered is dropped: the other side's entry then expires by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import grpc.aio
import msgspec

from forebay_transport.security import PLAINTEXT, Security

LOG: Final = logging.getLogger(__name__)
METHOD: Final = "/forebay.v1alpha1.Outcomes/Report"
FLUSH_SECONDS: Final = 0.05
TIMEOUT_SECONDS: Final = 1.0
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
    """Sends to the replicas in `addresses` (replica -> gRPC target). Lives on the event loop."""

    def __init__(self, addresses: Mapping[str, str], security: Security = PLAINTEXT) -> None:
        self._addresses = dict(addresses)
        self._security = security
        self._waiting: dict[str, Report] = {replica: Report([], []) for replica in addresses}
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._wake = asyncio.Event()
        self.dropped = 0

    def tell(self, replica: str, decisions: Iterable[str]) -> None:
        """Queue decisions for their replica; unknown replicas and full queues drop them."""
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
                    *(self._flush(replica) for replica, report in self._waiting.items() if report != _NOTHING)
                )
        finally:
            await asyncio.gather(*(channel.close() for channel in self._channels.values()))

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
            LOG.info("peer does not take outcomes", extra={"peer": replica, "code": error.code().name})
