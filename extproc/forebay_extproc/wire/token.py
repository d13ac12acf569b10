"""Claims of a verified token: the metadata that Envoy's jwt_authn has left, as plain values within bounds.

Only that filter writes into its namespace, and Envoy hands on that namespace alone: nothing here is a client's word.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

from forebay_decision.names import JWT_NAMESPACE
from forebay_decision.token import NO_TOKEN, Verified

MAX_BYTES: Final = 32 << 10
"""Of one token's claims. A token travels in a header, and Envoy takes 60 KiB of those."""
MAX_DEPTH: Final = 16
MAX_PROVIDERS: Final = 16


class _TooDeep(Exception):
    """Claims lie deeper than anyone looks."""


def read_verified(metadata: Any) -> Verified:
    """Provider -> claims, from the `metadata_context` of a message; None for claims out of bounds. Never raises."""
    if JWT_NAMESPACE not in metadata.filter_metadata:
        return NO_TOKEN
    found: dict[str, dict[str, object] | None] = {}
    # Sorted, so that the same ones count each time; a listener has no more providers than this.
    fields = metadata.filter_metadata[JWT_NAMESPACE].fields
    for provider in sorted(fields)[:MAX_PROVIDERS]:
        if fields[provider].WhichOneof("kind") == "struct_value":
            found[provider] = _claims(fields[provider].struct_value)
    return found


def _claims(payload: Struct) -> dict[str, object] | None:
    if payload.ByteSize() > MAX_BYTES:
        return None
    try:
        return _object(payload, MAX_DEPTH)
    except _TooDeep:
        return None


def _object(value: Struct, depth: int) -> dict[str, object]:
    return {name: _plain(member, depth) for name, member in value.fields.items()}


def _plain(value: Value, depth: int) -> object:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        return value.number_value
    if kind == "bool_value":
        return value.bool_value
    if depth <= 1 and kind in ("list_value", "struct_value"):
        raise _TooDeep
    if kind == "list_value":
        return [_plain(member, depth - 1) for member in value.list_value.values]
    return _object(value.struct_value, depth - 1) if kind == "struct_value" else None
