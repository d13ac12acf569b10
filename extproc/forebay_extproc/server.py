"""The gRPC port: ExternalProcessor, AccessLogService, peers' reports and health, on Unix sockets and TCP alike.

Handlers are generic: replies leave as bytes, so that constant ones are never serialised twice. Health is grpcio's own
implementation (`grpcio-health-checking`, one small wheel): Envoy, kubelet and grpc_health_probe all speak it, Watch
included.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import grpc
import grpc.aio
import msgspec
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_health.v1.health import aio as health_aio  # type: ignore[import-untyped]

from forebay_extproc.outcomes.intake import Intake
from forebay_extproc.outcomes.peers import METHOD, read_report
from forebay_extproc.processor import Processor
from forebay_extproc.wire.access_log import ACKNOWLEDGEMENT, parse_entries, read_outcomes
from forebay_extproc.wire.processing import parse_request
from forebay_transport.identities import Role
from forebay_transport.keepalive import HANDSHAKE
from forebay_transport.security import PLAINTEXT, Security

LOG: Final = logging.getLogger(__name__)
EXT_PROC: Final = "envoy.service.ext_proc.v3.ExternalProcessor"
ACCESS_LOG: Final = "envoy.service.accesslog.v3.AccessLogService"
MAX_MESSAGE_BYTES: Final = (64 << 20) + (1 << 20)
"""The largest body that a policy can allow, and what stands around it."""
MAX_STREAMS: Final = 16_384
OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # No pings to measure the link, which is this machine: 5 to 10 % of the time to a reply. A fixed window lets a
    # 200 kB body come without a stop instead.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1 << 20),
    HANDSHAKE,
    # A port that another process has is an error, not a share of its traffic.
    ("grpc.so_reuseport", 0),
)


_Behaviour = Callable[[Any, Any], Awaitable[Any]]


class AddressInUse(RuntimeError):
    """A listen address cannot be bound."""


class Server:
    """Serves until stopped; made on a running loop. Addresses are gRPC's: ``unix:/path`` or ``host:port``, port 0 taking a free one.

    Where there is TLS, decisions and access logs are for Envoy, peers' reports for data planes, health for whoever has
    a certificate of the CA.
    """

    def __init__(self, processor: Processor, intake: Intake, security: Security = PLAINTEXT) -> None:
        self._processor = processor
        self._intake = intake
        self._security = security
        self._health = health_aio.HealthServicer()
        self._drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=MAX_STREAMS)
        self._server.add_generic_rpc_handlers(self._handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    async def start(self, addresses: Iterable[str]) -> list[str]:
        """Listen, not serving yet; the addresses with the ports they got. Raises AddressInUse, PlaintextRefused."""
        await self.set_serving(False)
        bound = []
        for address in addresses:
            try:
                port = self._security.listen(self._server, address)
            except RuntimeError as error:
                raise AddressInUse(f"cannot listen on {address}: {error}") from None
            bound.append(address if address.startswith("unix") else f"{address.rpartition(':')[0]}:{port}")
        await self._server.start()
        return bound

    async def set_serving(self, serving: bool) -> None:
        """What health checks are told, for the whole server and for ext_proc."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", EXT_PROC):
            await self._health.set(service, status)

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new streams, let the open ones finish for `grace_seconds`, then cancel what is left.

        Envoy sees GOAWAY at once and retries refused streams elsewhere. Access-log streams never end by themselves:
        they go when the last decision has.
        """
        await self._health.enter_graceful_shutdown()
        stopping = asyncio.ensure_future(self._server.stop(grace_seconds))
        try:
            async with asyncio.timeout(grace_seconds):
                await self._processor.idle()
        except TimeoutError:
            LOG.warning("streams cut off", extra={"streams": self._processor.streams})
        self._drained.set_result(None)
        await stopping

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        service, method = METHOD.strip("/").split("/")
        rpc: Any = grpc  # has no annotations
        envoys, peers = self._only(Role.ENVOY), self._only(Role.DATA_PLANE)
        process = rpc.stream_stream_rpc_method_handler(envoys(self._processor.process), parse_request, None)
        log = rpc.stream_unary_rpc_method_handler(envoys(self._stream_access_logs), parse_entries, None)
        report = rpc.unary_unary_rpc_method_handler(peers(self._report))
        return (
            rpc.method_handlers_generic_handler(EXT_PROC, {"Process": process}),
            rpc.method_handlers_generic_handler(ACCESS_LOG, {"StreamAccessLogs": log}),
            rpc.method_handlers_generic_handler(service, {method: report}),
        )

    def _only(self, role: Role) -> Callable[[_Behaviour], _Behaviour]:
        """Lets callers of one role in; without TLS there is nothing to tell callers by, and nothing is added."""

        def guarded(behaviour: _Behaviour) -> _Behaviour:
            async def call(request: Any, context: Any) -> Any:
                roles = self._security.roles(context)
                if roles is not None and role not in roles:
                    await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"this is for the role {role} alone")
                return await behaviour(request, context)

            return call

        return (lambda behaviour: behaviour) if self._security.certificates is None else guarded

    async def _stream_access_logs(self, _requests: Any, context: Any) -> bytes:
        while (message := await self._next(context)) is not grpc.aio.EOF:
            self._intake.entries(read_outcomes(message))
        return ACKNOWLEDGEMENT

    async def _next(self, context: Any) -> Any:
        """The next message; EOF also when the server stops, because these streams have no end of their own and a
        cancelled handler would leave its stream open."""
        read = asyncio.ensure_future(context.read())
        try:
            await asyncio.wait((read, self._drained), return_when=asyncio.FIRST_COMPLETED)
            return read.result() if read.done() else grpc.aio.EOF
        finally:
            read.cancel()

    async def _report(self, message: bytes, context: Any) -> bytes:
        try:
            self._intake.report(read_report(message))
        except msgspec.DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return b""
