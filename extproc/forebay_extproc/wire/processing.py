"""ext_proc: ProcessingRequest -> Event, Reply -> the bytes of a ProcessingResponse.

On the request path, so it is written for upb: a message is built by keyword in one call, and what never changes is
serialised once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption  # type: ignore[attr-defined]  # made at run time
from envoy.service.ext_proc.v3.external_processor_pb2 import (  # type: ignore[attr-defined]
    BodyResponse,
    CommonResponse,
    HeaderMutation,
    HeadersResponse,
    ImmediateResponse,
    ProcessingRequest,
    ProcessingResponse,
    ProtocolConfiguration,
    TrailersResponse,
)
from envoy.type.v3.http_status_pb2 import HttpStatus  # type: ignore[attr-defined]

from forebay_api.wire import Origin
from forebay_decision.attachments import NOWHERE
from forebay_decision.names import GATEWAY_HEADER, HEADER_PREFIX, HOPS_HEADER, METADATA_NAMESPACE
from forebay_decision.request import RequestHead
from forebay_decision.token import NO_TOKEN
from forebay_extproc.events import (
    BodyEvent,
    Continue,
    Event,
    HeadersEvent,
    Immediate,
    Mutate,
    Phase,
    Reply,
    ResponseEvent,
    TrailersEvent,
    UnknownEvent,
)
from forebay_extproc.wire.token import read_verified

parse_request: Final = ProcessingRequest.FromString
_OVERWRITE: Final = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
_MODES: Final = ProtocolConfiguration.DESCRIPTOR.fields_by_name["request_body_mode"].enum_type.values_by_number
_USABLE_MODES: Final = (0, 2)
"""NONE (also: an Envoy that does not say) and BUFFERED."""
ATTRIBUTES: Final = "envoy.filters.http.ext_proc"
"""Under which a message has its attributes, whatever the filter is called."""
ROUTE_NAME: Final = "xds.route_name"
_UNKNOWN: Final = UnknownEvent()
_TRAILERS: Final = TrailersEvent()
_CACHED_HEADERS: Final = 4096
_UNIQUE_HEADERS: Final = frozenset((f"{HEADER_PREFIX}decision-id", f"{HEADER_PREFIX}reason", HOPS_HEADER))
"""Headers whose values hold ids, measures or positions in a body: they would fill the cache and keep
clusters out of it for good."""


def read_event(request: ProcessingRequest) -> Event:
    """What Envoy said. Never raises for a message that parsed: bytes that are not UTF-8 keep the rest readable."""
    kind = request.WhichOneof("request")
    if kind == "request_body":
        part = request.request_body
        return BodyEvent(part.body, part.end_of_stream)
    if kind == "request_headers":
        return _headers(request)
    if kind == "request_trailers":
        return _TRAILERS
    if kind in _RESPONSES:
        return _RESPONSES[kind]
    return _UNKNOWN


_RESPONSES: Final[dict[str | None, ResponseEvent]] = {
    "response_headers": ResponseEvent("response_headers"),
    "response_body": ResponseEvent("response_body"),
    "response_trailers": ResponseEvent("response_trailers"),
}


def _headers(request: ProcessingRequest) -> HeadersEvent:
    message = request.request_headers
    found: dict[str, str] = {}
    repeated: set[str] = set()
    for header in message.headers.headers:
        name = header.key.lower()
        value = header.value or header.raw_value.decode("utf-8", "replace")
        if name in found:
            # RFC 9110, 5.3; cookies are the exception (RFC 9113, 8.2.3).
            repeated.add(name)
            value = found[name] + ("; " if name == "cookie" else ", ") + value
        found[name] = value
    head = RequestHead(
        found.get(":method", ""),
        host_of(found.get(":authority") or found.get("host", "")),
        found.get(":path", "").partition("?")[0],
        found,
        frozenset(repeated),
        read_verified(request.metadata_context) if request.HasField("metadata_context") else NO_TOKEN,
        _origin(request, found) if ATTRIBUTES in request.attributes else NOWHERE,
    )
    length = found.get("content-length", "")
    return HeadersEvent(
        head,
        message.end_of_stream,
        int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None,
        _mode_error(request.protocol_config.request_body_mode),
    )


def _origin(request: ProcessingRequest, headers: Mapping[str, str]) -> Origin:
    """By which route a request came. Envoy says the name; the header counts only together with a name that is known."""
    name = request.attributes[ATTRIBUTES].fields[ROUTE_NAME].string_value
    return Origin(name, headers.get(GATEWAY_HEADER, "")) if name else NOWHERE


def host_of(authority: str) -> str:
    """Lower-case host of an authority: user information and port removed, brackets of IPv6 kept."""
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _mode_error(mode: int) -> str:
    if mode in _USABLE_MODES:
        return ""
    name = _MODES[mode].name if mode in _MODES else str(mode)
    return f"request_body_mode {name} cannot be served: set processing_mode.request_body_mode to BUFFERED"


def write_reply(reply: Reply) -> bytes:
    """The serialised ProcessingResponse."""
    if isinstance(reply, Mutate):
        return _mutate(reply)
    if isinstance(reply, Continue):
        return _CONTINUE[reply.phase]
    return _immediate(reply)


def _mutate(reply: Mutate) -> bytes:
    headers = [_header(name, value) for name, value in reply.set_headers]
    common = CommonResponse(
        header_mutation=HeaderMutation(set_headers=headers, remove_headers=reply.remove_headers),
        # Counts only beside a header mutation (measured), and there always is one: the cluster.
        clear_route_cache=True,
    )
    if reply.body is not None:
        # Envoy answers 500 when the length it was told is not the new one's.
        common.header_mutation.set_headers.append(_build("content-length", str(len(reply.body))))
        common.body_mutation.body = reply.body
    if reply.phase == "request_body":
        response = ProcessingResponse(request_body=BodyResponse(response=common))
    else:
        response = ProcessingResponse(request_headers=HeadersResponse(response=common))
    if reply.metadata:
        _attach(response, reply.metadata)
    return bytes(response.SerializeToString())


def _immediate(reply: Immediate) -> bytes:
    response = ProcessingResponse(
        immediate_response=ImmediateResponse(
            status=HttpStatus(code=reply.status),
            headers=HeaderMutation(set_headers=[_header(name, value) for name, value in reply.headers]),
            body=reply.body,
        )
    )
    if reply.metadata:
        _attach(response, reply.metadata)
    return bytes(response.SerializeToString())


def _header(name: str, value: str) -> HeaderValueOption:
    if name in _UNIQUE_HEADERS:
        return _build(name, value)
    key = (name, value)
    option = _HEADERS.get(key)
    if option is None:
        option = _build(name, value)
        if len(_HEADERS) < _CACHED_HEADERS and len(value) <= 256:
            _HEADERS[key] = option
    return option


def _build(name: str, value: str) -> HeaderValueOption:
    return HeaderValueOption(header=HeaderValue(key=name, raw_value=value.encode()), append_action=_OVERWRITE)


_HEADERS: Final[dict[tuple[str, str], HeaderValueOption]] = {}
"""Clusters and rules repeat; upb copies a cached option faster than it is built."""


def _attach(response: ProcessingResponse, metadata: Mapping[str, str]) -> None:
    fields = response.dynamic_metadata.fields[METADATA_NAMESPACE].struct_value.fields
    for key, value in metadata.items():
        fields[key].string_value = value


def _continue(phase: Phase) -> bytes:
    part = {"headers": HeadersResponse, "body": BodyResponse, "trailers": TrailersResponse}[phase.partition("_")[2]]
    return bytes(ProcessingResponse(**{phase: part()}).SerializeToString())


_CONTINUE: Final[dict[Phase, bytes]] = {
    phase: _continue(phase)
    for phase in (
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
    )
}
