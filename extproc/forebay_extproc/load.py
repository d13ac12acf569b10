"""Tells the operator how many requests this replica has under way, pool by pool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

import grpc
import grpc.aio
import msgspec

from forebay_api.wire import LoadReport
from forebay_extproc.channel import Operator

log = logging.getLogger(__name__)

METHOD: Final = "/forebay.v1alpha1.Load/Report"
PERIOD: Final = 0.5
REFRESH: Final = 5.0
TIMEOUT: Final = 1.0


class LoadReporter:
    """Sends a report each `period` seconds if it changed, and each `refresh` seconds anyway.

    The refresh lets an operator that has restarted know, and lets it forget replicas that fell silent. A report that
    does not arrive is dropped: the next one replaces it. Reports follow the leader: a new one is told at once.
    """

    def __init__(
        self,
        operator: Operator,
        replica: str,
        in_flight: Callable[[], Mapping[str, int]],
        *,
        period: float = PERIOD,
        refresh: float = REFRESH,
    ) -> None:
        self._operator = operator
        self._replica = replica
        self._in_flight = in_flight
        self._period = period
        self._refresh = refresh

    async def run(self) -> None:
        """Report until cancelled."""
        loop = asyncio.get_running_loop()
        delivered: tuple[grpc.aio.Channel, dict[str, int]] | None = None
        delivered_at = 0.0
        while True:
            channel, load = self._operator.channel, dict(self._in_flight())
            if channel is not None and ((channel, load) != delivered or loop.time() - delivered_at >= self._refresh):
                try:
                    report: grpc.aio.UnaryUnaryMultiCallable[LoadReport, bytes] = channel.unary_unary(
                        METHOD, request_serializer=msgspec.msgpack.encode
                    )
                    await report(LoadReport(replica=self._replica, in_flight=load), timeout=TIMEOUT)
                    delivered, delivered_at = (channel, load), loop.time()
                except grpc.aio.AioRpcError as error:
                    log.debug("load report dropped: %s", error.code().name)
            await asyncio.sleep(self._period)
