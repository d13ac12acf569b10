"""Whether any operator leads, as gRPC health says it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from forebay_operator.envoy.operators import SERVICE
from forebay_transport.address import resolve
from forebay_transport.security import Security

CHECK_SECONDS: Final = 1.0
_OPTIONS: Final = (("grpc.use_local_subchannel_pool", 1), ("grpc.min_reconnect_backoff_ms", 1_000))


class Operators:
    """All replicas of the operator, asked anew each time: addresses and certificates may have changed."""

    def __init__(self, addresses: Sequence[str], security: Security) -> None:
        self._addresses = tuple(addresses)
        self._security = security

    async def any_leads(self) -> bool:
        """True when one says that it serves, within about a second."""
        targets = await resolve(self._addresses)
        return any(await asyncio.gather(*(self._leads(target) for target in targets)))

    async def _leads(self, target: str) -> bool:
        channel = self._security.open_channel(target, self._security.names.operator, _OPTIONS)
        try:
            request = health_pb2.HealthCheckRequest(service=SERVICE)
            answer: Any = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=CHECK_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        finally:
            await channel.close()
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
