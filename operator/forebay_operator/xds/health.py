"""gRPC health (grpc.health.v1), by which Envoy and its launcher find the operator that leads: SERVING only while it does.

A standby is healthy and yet says NOT_SERVING here: whether its process is well is the metrics port's business.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_health.v1.health import aio as health_aio  # type: ignore[import-untyped]

from forebay_operator.xds.wire import SERVICE

SERVICES: Final = ("", SERVICE)
_STATUS: Final[Any] = health_pb2.HealthCheckResponse


class Health:
    """Says one thing for all services. Lives on the event loop."""

    def __init__(self) -> None:
        self._servicer = health_aio.HealthServicer()
        self._serving = False
        self._telling: set[asyncio.Task[None]] = set()

    def add_to(self, server: grpc.aio.Server) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    def say(self, serving: bool) -> None:
        """Answer so from now on; watchers are told, too."""
        self._serving = serving
        task = asyncio.get_running_loop().create_task(self.tell(), name="tell health")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def tell(self) -> None:
        """As `say` has it by now, so that the last word counts whatever the order."""
        status = _STATUS.SERVING if self._serving else _STATUS.NOT_SERVING
        for service in SERVICES:
            await self._servicer.set(service, status)

    async def stop(self) -> None:
        """NOT_SERVING for good."""
        await self._servicer.enter_graceful_shutdown()
