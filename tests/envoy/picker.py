"""A scripted endpoint picker: the protocol of the gateway API inference extension, full duplex."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from .loop import Loop
from .processor import Asked

DESTINATION = "x-gateway-destination-endpoint"
Pick = Callable[[Asked], str | int]
"""``host:port`` of the server, ``""`` for none, or the status of an immediate answer."""


class Picker:
    """Answers each request as `pick` says, after `delay` seconds; `asked` lists what came, `open` counts streams."""

    def __init__(self, loop: Loop, *, credentials: grpc.ServerCredentials | None = None) -> None:
        self.pick: Pick = lambda _: ""
        self.delay = 0.0
        self.asked: list[Asked] = []
        self.open = 0
        self.extra: dict[str, str] = {}
        self.port = 0
        self._loop = loop
        self._credentials = credentials
        self._server: grpc.aio.Server | None = None
        self.start()

    def reset(self) -> None:
        self.pick, self.delay, self.extra = (lambda _: ""), 0.0, {}
        self.asked.clear()

    @property
    def stopped(self) -> bool:
        return self._server is None

    def start(self) -> None:
        async def run() -> None:
            self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
            handler = grpc.stream_stream_rpc_method_handler(
                self._process, ext_proc.ProcessingRequest.FromString, ext_proc.ProcessingResponse.SerializeToString
            )
            self._server.add_generic_rpc_handlers(
                (
                    grpc.method_handlers_generic_handler(
                        "envoy.service.ext_proc.v3.ExternalProcessor", {"Process": handler}
                    ),
                )
            )
            address = f"127.0.0.1:{self.port}"
            self.port = (
                self._server.add_insecure_port(address)
                if self._credentials is None
                else self._server.add_secure_port(address, self._credentials)
            )
            await self._server.start()

        self._loop.run(run())

    def stop(self) -> None:
        if self._server is not None:
            self._loop.run(self._server.stop(None))
            self._server = None

    async def _process(self, requests: Any, context: Any) -> Any:
        self.open += 1
        try:
            headers: dict[str, str] = {}
            body = b""
            async for request in requests:
                ended = False
                if request.HasField("request_headers"):
                    headers = {h.key: h.raw_value.decode() for h in request.request_headers.headers.headers}
                    ended = request.request_headers.end_of_stream
                elif request.HasField("request_body"):
                    body += request.request_body.body
                    ended = request.request_body.end_of_stream
                if not ended:
                    continue
                asked = Asked(headers, body)
                self.asked.append(asked)
                if self.delay:
                    await asyncio.sleep(self.delay)
                picked = self.pick(asked)
                if isinstance(picked, int):
                    response = ext_proc.ProcessingResponse()
                    response.immediate_response.status.code = picked
                    response.immediate_response.body = b"picker says no"
                    yield response
                    return
                yield _chosen(picked, len(body), self.extra)
                if body:
                    yield _passed_on(body)
        finally:
            self.open -= 1


def _chosen(picked: str, length: int, extra: dict[str, str]) -> Any:
    response = ext_proc.ProcessingResponse()
    common = response.request_headers.response
    common.clear_route_cache = True
    told = {DESTINATION: picked, **({"content-length": str(length)} if length else {}), **extra}
    for key, value in told.items():
        if value:
            option = common.header_mutation.set_headers.add()
            option.header.key, option.header.raw_value = key, value.encode()
    if picked:
        response.dynamic_metadata.fields["envoy.lb"].struct_value.fields[DESTINATION].string_value = picked
    return response


def _passed_on(body: bytes) -> Any:
    response = ext_proc.ProcessingResponse()
    streamed = response.request_body.response.body_mutation.streamed_response
    streamed.body, streamed.end_of_stream = body, True
    return response
