"""The sockets around the machine: one gRPC port (or several addresses) for Envoy and the data plane."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import grpc
import grpc.aio

from forebay_api.wire import SERVED_KEY, LoadReport
from forebay_operator.resources import Snapshot
from forebay_operator.xds.access import Forbidden, check_node, check_report, check_type
from forebay_operator.xds.acknowledgements import Acknowledgements, Kind, Rejection
from forebay_operator.xds.client import Client
from forebay_operator.xds.health import Health
from forebay_operator.xds.ledger import TooManyNames
from forebay_operator.xds.load import load_handler
from forebay_operator.xds.machine import ACK_DEADLINE, LINGER, Machine
from forebay_operator.xds.messages import Request, Response
from forebay_operator.xds.sizes import MAX_MESSAGE_BYTES, check_sizes
from forebay_operator.xds.type_urls import short
from forebay_operator.xds.wire import Context, discovery_handler, encode_response
from forebay_transport.identities import Role
from forebay_transport.keepalive import HANDSHAKE, keepalive
from forebay_transport.security import PLAINTEXT, Security

log = logging.getLogger(__name__)

MAX_CLIENTS: Final = 1024
MAX_NODE_ID: Final = 256
FIRST_REQUEST_SECONDS: Final = 10.0
STANDING_BY: Final = "standing by: another operator leads"
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),
    HANDSHAKE,
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    *keepalive(),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
Roles = frozenset[Role] | None


class CannotListen(OSError):
    """An address that was asked for cannot be had; the message says which, and why."""


class XdsServer:
    """Serves delta ADS for any type, and takes load reports. Construct it, `start` it on a loop, `publish` at will.

    `clock` gives monotonic seconds. `linger` (s): how long clusters, endpoints and secrets outlive their last use.
    `ack_deadline` (s): how long a replica may delay what others get. `rest` (s): how long routing is given to reach an
    Envoy's threads before policies follow. `on_sent` is told every response once it is written: what goes out, and that
    nothing else does. `leading` False: stands by until `lead(True)`. `newcomers_only`: whoever
    comes with a configuration of its own is refused. All methods belong to the loop's thread.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        linger: float = LINGER,
        ack_deadline: float = ACK_DEADLINE,
        rest: float = 0.0,
        max_clients: int = MAX_CLIENTS,
        on_load: Callable[[LoadReport], None] | None = None,
        on_sent: Callable[[Kind, Response], None] = lambda _kind, _response: None,
        security: Security = PLAINTEXT,
        leading: bool = True,
        newcomers_only: bool = False,
    ) -> None:
        self._clock = clock
        self._machine = Machine(linger=linger, ack_deadline=ack_deadline, rest=rest)
        self._max_clients = max_clients
        self._on_load = on_load
        self._on_sent = on_sent
        self._security = security
        self._leading = leading
        self._newcomers_only = newcomers_only
        self._health = Health()
        self._server: grpc.aio.Server | None = None
        self._wakes: dict[Client, asyncio.Event] = {}
        self._edition = 0
        self._streams = 0
        self._stopping = False
        self._timer: asyncio.TimerHandle | None = None
        self._known: tuple[Acknowledgements, tuple[Rejection, ...]] | None = None
        self._news = asyncio.Event()

    async def start(self, addresses: Sequence[str]) -> tuple[str, ...]:
        """Listen on `unix:PATH` and `HOST:PORT` addresses; port 0 takes a free one. Return what is listened on.

        Raises CannotListen where an address cannot be had, PlaintextRefused where one would need TLS; nothing is listening
        then.
        """
        self._security.admit(addresses, "--listen")
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((discovery_handler(self._serve),))
        self._health.add_to(server)
        if self._on_load is not None:
            server.add_generic_rpc_handlers((load_handler(self._on_load, self._admit_report),))
        bound = []
        for address in addresses:
            try:
                port = self._security.listen(server, address)
            except RuntimeError as error:
                await server.stop(None)
                folder = Path(address.removeprefix("unix:")).parent
                missing = address.startswith("unix:") and not folder.is_dir()
                why = f"there is no directory {folder}: make it, or name another" if missing else str(error)
                raise CannotListen(f"cannot listen on {address}: {why}") from error
            bound.append(address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}")
        self._health.say(self._leading)
        await self._health.tell()
        await server.start()
        self._server = server
        return tuple(bound)

    async def stop(self, grace: float = 1.0) -> None:
        """End all streams, then stop; what has not ended after `grace` seconds is cut."""
        self._stopping = True
        self._wake_all()
        if self._timer is not None:
            self._timer.cancel()
        await self._health.stop()
        if self._server is not None:
            await self._server.stop(grace)
        self._announce()

    # --- the operator's side

    def lead(self, leading: bool) -> None:
        """Serve from now on, or stand by.

        A standby publishes in memory, so that it is warm, and refuses every stream: whoever comes tries the next
        operator at once. Who had a stream when leadership is lost is sent away with it.
        """
        if leading == self._leading:
            return
        log.info("leading" if leading else "standing by")
        self._leading = leading
        if leading:
            # Nobody could acknowledge anything here until now, so nobody is late.
            self._machine.forgive(self._clock())
        self._health.say(leading)
        self._wake_all()
        self._moved()

    def publish(self, snapshot: Snapshot, *, bridge: Snapshot | None = None) -> str:
        """Make `snapshot` what everyone is to have; return its revision (a content hash).

        Returns at once, and only the newest snapshot counts. `bridge`: routing resources that serve the old and the new
        policies alike, sent until the new policies are in; it may name clusters of this snapshot and of the last one.

        Raises ResourceTooLarge (a ValueError) for one that does not fit into a message; what was published before
        stays.
        """
        check_sizes(snapshot)
        revision = self._machine.publish(snapshot, self._clock(), bridge=bridge)
        self._moved()
        return revision

    def expect(self, replicas: Mapping[str, Kind]) -> None:
        """Say which replicas exist (node id -> kind). Until the first call, whoever is connected is expected."""
        self._machine.expect(replicas, self._clock())
        self._moved()

    def acknowledgements(self, revision: str | None = None) -> Acknowledgements:
        """Who has `revision` (the newest where None) or a later one. Raises KeyError for an unknown revision."""
        return self._machine.acknowledgements(revision)

    def rejections(self) -> tuple[Rejection, ...]:
        """Every resource on offer that a connected client refuses, with the client's words."""
        return self._machine.rejections()

    @property
    def sequence(self) -> int:
        """Number of the newest publication; 0 before the first."""
        return self._machine.sequence

    def missing(self, sequence: int) -> frozenset[str]:
        """Expected replicas that have acknowledged neither this publication nor a later one."""
        return self._machine.missing(sequence)

    @property
    def subscribers(self) -> Mapping[str, Kind]:
        """Who is connected now, expected or not."""
        return self._machine.clients

    async def watch(self) -> AsyncIterator[Acknowledgements]:
        """Yield the newest revision's acknowledgements: now, and whenever they or the rejections change, until `stop`."""
        seen = None
        while not self._stopping:
            news = self._news
            known = (self.acknowledgements(), self.rejections())
            if known != seen:
                seen = known
                yield known[0]
            else:
                await news.wait()

    async def wait(self, revision: str, seconds: float) -> Acknowledgements:
        """Wait until every expected replica has acknowledged or refused `revision`, `seconds` at most; return how it is."""
        try:
            async with asyncio.timeout(seconds):
                while not (self._stopping or self.acknowledgements(revision).settled):
                    await self._news.wait()
        except TimeoutError:
            pass
        return self.acknowledgements(revision)

    # --- the clients' side

    async def _serve(self, _: AsyncIterator[Request], context: Context) -> None:
        if (reason := self._why_not()) or self._streams >= self._max_clients:
            reason = reason or f"{self._max_clients} clients are connected, the most allowed"
            await context.abort(grpc.StatusCode.UNAVAILABLE, reason)
        self._streams += 1
        try:
            await self._serve_client(context)
        finally:
            self._streams -= 1

    def _why_not(self) -> str:
        return "stopping" if self._stopping else "" if self._leading else STANDING_BY

    async def _admit_report(self, context: Context) -> None:
        if reason := self._why_not():
            await context.abort(grpc.StatusCode.UNAVAILABLE, reason)
        try:
            check_report(self._security.roles(context))
        except Forbidden as error:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))

    async def _serve_client(self, context: Context) -> None:
        try:
            async with asyncio.timeout(FIRST_REQUEST_SECONDS):
                first = await context.read()
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no request on the stream")
        if first is grpc.aio.EOF:
            return
        if not 0 < len(first.node_id) <= MAX_NODE_ID:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"node.id: set it to 1 to {MAX_NODE_ID} characters in the bootstrap"
            )
        if reason := self._why_not():
            await context.abort(grpc.StatusCode.UNAVAILABLE, reason)
        if self._newcomers_only and first.initial_versions:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "keep the configuration that you have")
        roles = self._security.roles(context)
        try:
            check_node(roles, first.node_id, self._machine.kind_of(first.node_id))
        except Forbidden as error:
            log.warning("xDS client refused: %s", error)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        # A client that already has everything is sent nothing: this tells it that it is served.
        await context.send_initial_metadata(((SERVED_KEY, "1"),))
        client = self._machine.connect(first.node_id, self._clock())
        log.info("xDS client connected: %s", client.node_id)
        self._wake_all()
        wake = self._wakes[client] = asyncio.Event()
        reader = asyncio.create_task(self._read(client, first, context, roles), name=f"xds read {client.node_id}")
        reader.add_done_callback(lambda _: wake.set())
        try:
            await self._write(client, wake, reader, context)
        finally:
            reader.cancel()
            del self._wakes[client]
            self._machine.disconnect(client, self._clock())
            self._moved()
            log.info("xDS client gone: %s", client.node_id)

    async def _read(self, client: Client, request: Request, context: Context, roles: Roles) -> None:
        while True:
            check_type(roles, client.kind, request.type_url)
            if request.error is not None:
                log.warning("%s refused %s: %s", client.node_id, short(request.type_url), request.error)
            self._machine.receive(client, request, self._clock())
            self._moved(client)
            following = await context.read()
            if following is grpc.aio.EOF:
                return
            request = following

    async def _write(self, client: Client, wake: asyncio.Event, reader: asyncio.Task[None], context: Context) -> None:
        while not (self._stopping or reader.done()):
            wake.clear()
            if not self._leading:
                await context.abort(grpc.StatusCode.UNAVAILABLE, STANDING_BY)
            if not self._machine.is_current(client):
                await context.abort(grpc.StatusCode.ABORTED, "replaced by a newer stream of the same node id")
            response = self._machine.next_response(client, self._clock())
            if response is None:
                await wake.wait()
            else:
                await context.write(encode_response(response))
                self._on_sent(client.kind, response)
        if reader.done() and not reader.cancelled():
            await self._close(reader.exception(), context)

    async def _close(self, error: BaseException | None, context: Context) -> None:
        if isinstance(error, TooManyNames):
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        if isinstance(error, Forbidden):
            log.warning("xDS client sent away: %s", error)
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        if error is not None:
            raise error

    def _moved(self, client: Client | None = None) -> None:
        """After anything happened to the machine: wake whom it concerns, set the next alarm, tell the watchers."""
        if self._edition != self._machine.rollout.edition:
            self._edition = self._machine.rollout.edition
            self._wake_all()
        elif client in self._wakes:
            self._wakes[client].set()
        known = (self.acknowledgements(), self.rejections())
        if known != self._known:
            self._known = known
            self._announce()
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._clock()
        at = None if self._stopping else self._machine.next_deadline(now)
        self._timer = None if at is None else asyncio.get_running_loop().call_later(at - now, self._alarm)

    def _alarm(self) -> None:
        self._machine.settle(self._clock())
        # Time may have released what one client claims to have, which changes no view.
        self._wake_all()
        self._moved()

    def _wake_all(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
