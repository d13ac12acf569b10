"""A scripted data plane: ext_proc, access-log receiver and gRPC health on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from envoy.service.accesslog.v3 import als_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from .loop import Loop

SERVING = b"\x08\x01"


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
