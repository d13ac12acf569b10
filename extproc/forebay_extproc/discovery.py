"""The delta xDS messages of the data plane's side as plain values; the only importer of `discovery_pb2` in this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from envoy.service.discovery.v3 import discovery_pb2

# Generated protobuf modules build their classes at import, out of a type checker's sight.
_Request: Any = discovery_pb2.DeltaDiscoveryRequest  # type: ignore[attr-defined]
_Response: Any = discovery_pb2.DeltaDiscoveryResponse  # type: ignore[attr-defined]

METHOD: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_FAILED_PRECONDITION: Final = 9


class Item(msgspec.Struct, frozen=True):
    """One resource as it came: `value` is what was inside the Any, `version` its content hash."""

    name: str
    version: str
    value: bytes


class Update(msgspec.Struct, frozen=True):
    """One response: what is new or changed, and the names of what is gone."""

    type_url: str
    nonce: str
    items: tuple[Item, ...]
    removed: tuple[str, ...] = ()


def subscription(node_id: str, type_url: str, versions: Mapping[str, str]) -> bytes:
    """Ask for everything of a type; `versions` (name -> version) is what need not be sent."""
    message = _Request(type_url=type_url, resource_names_subscribe=["*"], initial_resource_versions=versions)
    message.node.id = node_id
    data: bytes = message.SerializeToString()
    return data


def answer(type_url: str, nonce: str, error: str | None) -> bytes:
    """Acknowledge a response, or refuse it with a text."""
    message = _Request(type_url=type_url, response_nonce=nonce)
    if error is not None:
        message.error_detail.code = _FAILED_PRECONDITION
        message.error_detail.message = error
    data: bytes = message.SerializeToString()
    return data


def decode_update(data: bytes) -> Update:
    """Parse a response. Raises google.protobuf.message.DecodeError on what is none."""
    message = _Response.FromString(data)
    items = tuple(Item(entry.name, entry.version, entry.resource.value) for entry in message.resources)
    return Update(message.type_url, message.nonce, items, tuple(message.removed_resources))
