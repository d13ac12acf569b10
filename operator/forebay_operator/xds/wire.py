"""Protobuf <-> the delta protocol's plain messages. The only importer of `envoy.*` in this package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio
from envoy.service.discovery.v3 import discovery_pb2

from forebay_operator.xds.messages import Request, Response

# Generated protobuf modules build their classes at import, and grpc ships no annotations: both end here.
_Request: Any = discovery_pb2.DeltaDiscoveryRequest  # type: ignore[attr-defined]
_Response: Any = discovery_pb2.DeltaDiscoveryResponse  # type: ignore[attr-defined]

Context = grpc.aio.ServicerContext[Request, bytes]

SERVICE: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD: Final = "DeltaAggregatedResources"
MAX_TEXT: Final = 2048
"""Characters of a client's refusal that are kept."""


def decode_request(data: bytes) -> Request:
    """Parse a DeltaDiscoveryRequest. Raises google.protobuf.message.DecodeError on what is none."""
    message = _Request.FromString(data)
    return Request(
        type_url=message.type_url,
        node_id=message.node.id,
        subscribe=tuple(message.resource_names_subscribe),
        unsubscribe=tuple(message.resource_names_unsubscribe),
        initial_versions=dict(message.initial_resource_versions),
        nonce=message.response_nonce,
        error=(message.error_detail.message or "no reason given")[:MAX_TEXT]
        if message.HasField("error_detail")
        else None,
    )


def encode_response(response: Response) -> bytes:
    """Serialise a DeltaDiscoveryResponse."""
    message = _Response(type_url=response.type_url, nonce=response.nonce, removed_resources=response.removed)
    message.control_plane.identifier = "forebay"
    for offer in response.offers:
        entry = message.resources.add(name=offer.resource.name, version=offer.version)
        entry.resource.type_url = offer.resource.type_url
        entry.resource.value = offer.resource.value
    data: bytes = message.SerializeToString()
    return data


def discovery_handler(serve: Callable[[Any, Context], Awaitable[None]]) -> grpc.GenericRpcHandler:
    """The gRPC method of incremental ADS; `serve` reads Requests from the context and writes `encode_response`'s bytes."""
    method = grpc.stream_stream_rpc_method_handler(serve, request_deserializer=decode_request)  # type: ignore[no-untyped-call]
    handler: grpc.GenericRpcHandler = grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})  # type: ignore[no-untyped-call]
    return handler
