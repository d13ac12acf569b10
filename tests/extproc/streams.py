"""Builders: Envoy's side of ext_proc and access-log streams, a small configuration, and a running data plane."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc.aio
import msgspec
from envoy.config.core.v3 import base_pb2
from envoy.data.accesslog.v3 import accesslog_pb2
from envoy.service.accesslog.v3 import als_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import Origin, Place, PlacedSpec
from forebay_decision.compile import compile_config
from forebay_decision.compiled import CompiledConfig
from forebay_decision.names import METADATA_NAMESPACE
from forebay_extproc.configuration import Encoders
from forebay_extproc.events import HeadersEvent
from forebay_extproc.plane import DataPlane
from forebay_extproc.wire.processing import read_event

PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
STREAM_LOGS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"
POLICY = "ai/assistant"


def a_pool(name: str = "m", **fields: Any) -> PoolSpec:
    data = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]},
        "models": [{"name": name, "upstreamName": f"up/{name}", "contextTokens": 100_000}],
    }
    return msgspec.convert(data | fields, PoolSpec)


def a_policy(**fields: Any) -> PolicySpec:
    data: dict[str, Any] = {
        "strategies": [{"name": "all", "direct": {"pools": [{"name": "small"}]}}],
        "default": {"use": "all"},
    }
    return msgspec.convert(data | fields, PolicySpec)


def a_placed_policy(*rules: int) -> PlacedSpec:
    """One that a gateway shows requests of these rules of an HTTPRoute."""
    spec = a_policy()
    fields = {field: getattr(spec, field) for field in PolicySpec.__struct_fields__ if field != "target_refs"}
    origins = tuple(Origin(f"httproute/ai/llm/rule/{rule}") for rule in rules)
    return PlacedSpec(**fields, places=(Place(hostnames=("*",), prefix="/v1", base="", origins=origins),))


def came_by(rule: int, message: ext_proc.ProcessingRequest) -> ext_proc.ProcessingRequest:
    """The message of a gateway that names the rule by which the request came."""
    named = f"httproute/ai/llm/rule/{rule}/match/0/*"
    message.attributes["envoy.filters.http.ext_proc"].fields["xds.route_name"].string_value = named
    return message


POOLS: Mapping[str, PoolSpec] = {"ai/small": a_pool("qwen"), "ai/big": a_pool("llama")}


def a_config(policies: Mapping[str, PolicySpec] | None = None) -> CompiledConfig:
    config, errors = compile_config(policies or {POLICY: a_policy()}, POOLS, revision="r1", encoders=no_encoder)
    assert not errors
    return config


def no_encoder(kind: str) -> Any:
    raise AssertionError(f"this test needs no {kind} encoder")


def chat(text: str = "hello", model: str = "auto", **fields: Any) -> bytes:
    return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": text}], **fields})


def headers(
    path: str = "/v1/chat/completions",
    method: str = "POST",
    *,
    end: bool = False,
    host: str = "localhost:10080",
    mode: int = 2,
    **named: str,
) -> ext_proc.ProcessingRequest:
    """A request_headers message; `named` uses underscores for dashes."""
    values = {":method": method, ":path": path, ":authority": host, "content-type": "application/json"}
    values |= {name.replace("_", "-"): value for name, value in named.items()}
    listed = [base_pb2.HeaderValue(key=key, raw_value=value.encode()) for key, value in values.items()]
    return ext_proc.ProcessingRequest(
        request_headers=ext_proc.HttpHeaders(headers=base_pb2.HeaderMap(headers=listed), end_of_stream=end),
        protocol_config=ext_proc.ProtocolConfiguration(request_body_mode=mode),
    )


def headers_event(*arguments: Any, **options: Any) -> HeadersEvent:
    event = read_event(headers(*arguments, **options))
    assert isinstance(event, HeadersEvent)
    return event


def body(data: bytes | None = None, *, end: bool = True) -> ext_proc.ProcessingRequest:
    return ext_proc.ProcessingRequest(
        request_body=ext_proc.HttpBody(body=chat() if data is None else data, end_of_stream=end)
    )


def log_entry(
    decision: str, replica: str, *, status: int = 200, request: str = "", **fields: Any
) -> accesslog_pb2.HTTPAccessLogEntry:
    entry = accesslog_pb2.HTTPAccessLogEntry()
    said = {"decision-id": decision, "replica": replica, "pool": "ai/small", "model": "qwen", "decision": "DataPlane"}
    namespace = entry.common_properties.metadata.filter_metadata[METADATA_NAMESPACE]
    for key, value in said.items():
        namespace.fields[key].string_value = value
    entry.response.response_code.value = status
    entry.request.request_id = request
    entry.common_properties.duration.FromMilliseconds(120)
    for tag, value in fields.items():
        entry.common_properties.custom_tags[tag.replace("_", "-")] = value
    return entry


def log_message(*entries: accesslog_pb2.HTTPAccessLogEntry) -> als_pb2.StreamAccessLogsMessage:
    message = als_pb2.StreamAccessLogsMessage()
    message.http_logs.log_entry.extend(entries)
    return message


class Envoy:
    """Speaks to a data plane as Envoy does."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    def open(self) -> Any:
        return self.channel.stream_stream(
            PROCESS, ext_proc.ProcessingRequest.SerializeToString, ext_proc.ProcessingResponse.FromString
        )()

    async def send(self, *messages: ext_proc.ProcessingRequest) -> ext_proc.ProcessingResponse:
        """Messages one after the other; the last reply, after which the stream must end cleanly."""
        call = self.open()
        for message in messages:
            await call.write(message)
            reply = await call.read()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
        return reply

    async def ask(self, data: bytes | None = None, **named: str) -> ext_proc.ProcessingResponse:
        return await self.send(headers(**named), body(data))

    async def log(self, *entries: accesslog_pb2.HTTPAccessLogEntry) -> None:
        call = self.channel.stream_unary(STREAM_LOGS, als_pb2.StreamAccessLogsMessage.SerializeToString)()
        await call.write(log_message(*entries))
        await call.done_writing()
        await call


@contextlib.asynccontextmanager
async def a_plane(
    folder: Path,
    policies: Mapping[str, PolicySpec] | None = None,
    *,
    replica: str = "r0",
    peers: Mapping[str, str] | None = None,
    encoders: Encoders | None = None,
    configured: bool = True,
    encoder_threads: int = 1,
    body_memory: int = 512 << 20,
) -> AsyncIterator[tuple[DataPlane, Envoy]]:
    """A data plane on a Unix socket in `folder`, and an Envoy connected to it."""
    plane = DataPlane(replica, peers, encoders, encoder_threads=encoder_threads, body_memory=body_memory)
    addresses = await plane.start((f"unix:{folder}/{replica}.sock",), "127.0.0.1", 0)
    channel = grpc.aio.insecure_channel(addresses.grpc[0])
    try:
        if configured:
            assert not await plane.configure("r1", policies or {POLICY: a_policy()}, POOLS)
        yield plane, Envoy(channel)
    finally:
        await channel.close()
        await plane.stop(0.5)


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Poll until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


def said(reply: ext_proc.ProcessingResponse) -> dict[str, str]:
    """The decision's metadata of a reply."""
    fields = reply.dynamic_metadata.fields[METADATA_NAMESPACE].struct_value.fields
    return {key: value.string_value for key, value in fields.items()}


def set_headers(mutation: ext_proc.HeaderMutation) -> dict[str, str]:
    return {option.header.key: option.header.raw_value.decode() for option in mutation.set_headers}


def metric(plane: DataPlane, name: str, **labels: str) -> float:
    """A sample's value, 0 where it is not there."""
    return plane.metrics.registry.get_sample_value(name, labels) or 0.0
