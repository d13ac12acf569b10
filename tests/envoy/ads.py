"""A minimal delta ADS server for tests of resources; the operator's own is tested elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from typing import Any

import grpc
from envoy.service.discovery.v3 import discovery_pb2

from forebay_operator.resources import Resource, Snapshot

from .loop import Loop


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
