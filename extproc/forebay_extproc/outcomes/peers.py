"""Peers: outcomes that came to the wrong replica are handed to the one that decided.

Envoy pins an access-log stream to one replica of the data plane, whoever made the decisions in it. Only identifiers
travel, in batches. What cannot be delivered is dropped: the other side's entry then expires by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import grpc.aio
import msgspec

LOG: Final = logging.getLogger(__name__)
METHOD: Final = "/forebay.v1alpha1.Outcomes/Report"
FLUSH_SECONDS: Final = 0.05
TIMEOUT_SECONDS: Final = 1.0
MAX_WAITING: Final = 10_000
"""Decisions waiting for one peer; what comes on top is dropped."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[str])


def read_report(message: bytes) -> list[str]:
    """Identifiers of the decisions that have ended. Raises msgspec.DecodeError on anything else."""
    return _DECODER.decode(message)


class Peers:
    """Sends to the replicas in `addresses` (replica -> gRPC target). Lives on the event loop."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = dict(addresses)
        self._waiting: dict[str, list[str]] = {replica: [] for replica in addresses}
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._wake = asyncio.Event()
        self.dropped = 0

    def tell(self, replica: str, decisions: Iterable[str]) -> None:
        """Queue decisions for their replica; unknown replicas and full queues drop them."""
        waiting = self._waiting.get(replica)
        for decision in decisions:
            if waiting is None or len(waiting) >= MAX_WAITING:
                self.dropped += 1
            else:
                waiting.append(decision)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                await self._wake.wait()
                # Entries come in bursts: a short wait makes one message of many.
                await asyncio.sleep(FLUSH_SECONDS)
                self._wake.clear()
                await asyncio.gather(*(self._flush(replica) for replica, ids in self._waiting.items() if ids))
        finally:
            await asyncio.gather(*(channel.close() for channel in self._channels.values()))

    async def _flush(self, replica: str) -> None:
        decisions, self._waiting[replica] = self._waiting[replica], []
        channel = self._channels.get(replica)
        if channel is None:
            channel = self._channels[replica] = grpc.aio.insecure_channel(self._addresses[replica])
        try:
            report: Any = channel.unary_unary(METHOD)  # without serialisers it takes and gives bytes
            await report(_ENCODER.encode(decisions), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            self.dropped += len(decisions)
            LOG.info("peer does not take outcomes", extra={"peer": replica, "code": error.code().name})
