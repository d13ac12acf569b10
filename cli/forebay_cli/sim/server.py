"""One simulated server inside an event loop: start, address, faults, graceful and ungraceful end."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from types import TracebackType

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from forebay_cli.sim.config import ConfigError, SimConfig
from forebay_cli.sim.connections import abort_connection
from forebay_cli.sim.engine import Engine
from forebay_cli.sim.faults import Fault, FaultBoard, FaultReport, make_fault
from forebay_cli.sim.recent import RecentRequests, SeenRequest
from forebay_cli.sim.routes import Routes

# Half for answers to finish, half for the cancelled ones to end: together below the 2 s a supervisor waits.
STOP_SECONDS = 0.8
LOGGER = "forebay.sim"
_BACKLOG = 1024


class SimServer:
    """A running server between ``start`` and ``stop``, or for the length of an ``async with`` block.

    Use it from one event loop. Several may run side by side; port 0 finds a free one.
    """

    def __init__(self, config: SimConfig) -> None:
        self.config = config
        self._engine = Engine(config)
        self._board = FaultBoard(config.fault)
        self._recent = RecentRequests()
        self._server: web.Server | None = None
        self._runner: web.ServerRunner | None = None
        self._port = 0

    async def start(self) -> SimServer:
        """Listens. Raises ConfigError where the address or the TLS files cannot be used."""
        tls = _load_tls(self.config)
        routes = Routes(self.config, self._engine, self._board, self._recent)
        self._server = web.Server(
            routes.handle,
            request_factory=self._make_request,
            handler_cancellation=True,
            access_log=logging.getLogger(LOGGER) if self.config.access_log else None,
            access_log_format='%a "%r" %s %b bytes %Tf s',
        )
        self._runner = web.ServerRunner(self._server, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner,
            self.config.host,
            self.config.port,
            ssl_context=tls,
            backlog=_BACKLOG,
            reuse_port=self.config.reuse_port or None,
        )
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            where = f"{self.config.host}:{self.config.port}"
            field = "host" if isinstance(error, socket.gaierror) else "port"
            raise ConfigError(field, f"cannot listen on {where}: {error.strerror or error}") from error
        self._port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        """Stops listening, lets answers finish for 0.8 s, cuts the rest; at most 1.6 s. Harmless when stopped."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def kill(self) -> None:
        """Ends as a killed process does: every connection is reset, nothing finishes."""
        if self._server is not None:
            for connection in self._server.connections:
                abort_connection(connection.transport)
        await self.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def address(self) -> str:
        """host:port, as an Envoy endpoint or a pool's ``addresses`` spell it."""
        host = self.config.host
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    @property
    def url(self) -> str:
        return f"{self.config.scheme}://{self.address}"

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as ``base_url``."""
        return f"{self.url}/v1"

    @property
    def running(self) -> int:
        """Requests in a slot, as vllm:num_requests_running has it."""
        return self._engine.running

    @property
    def waiting(self) -> int:
        """Requests in the queue, as vllm:num_requests_waiting has it."""
        return self._engine.waiting

    @property
    def requests_total(self) -> int:
        """Requests under /v1 (and unknown paths) since the start, refused ones included."""
        return self._recent.total

    @property
    def fault(self) -> FaultReport:
        return self._board.report()

    def set_fault(self, fault: Fault | None = None, **fields: object) -> None:
        """Sets a fault, given whole or as Fault's fields: ``set_fault(mode="status", status=429, count=2)``.

        Without any, faults end. Raises FaultError.
        """
        self._board.put(fault if fault is not None else make_fault(**fields))

    def last(self, count: int = 1) -> list[SeenRequest]:
        """Up to 20 of the last requests, newest first."""
        return self._recent.last(count)

    async def __aenter__(self) -> SimServer:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        """aiohttp's own request, with our limit on the body instead of its 1 MiB."""
        loop = asyncio.get_running_loop()
        limit = self.config.max_body_bytes
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit)


def _load_tls(config: SimConfig) -> ssl.SSLContext | None:
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("tls_cert", f"cannot use {config.tls_cert} with {config.tls_key}: {error}") from error
    return context
