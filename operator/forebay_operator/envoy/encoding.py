"""Typed messages to bytes, in one walk.

`bytes(message)` validates each message and each message in it anew, and takes milliseconds for a route. Messages here
were validated when they were made, and a thousand policies have tens of thousands of routes. So what a class's fields
need is worked out once, and a message is then written as protobuf has it. The bytes are those of `bytes(message)`.

Source: protobuf encoding, https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

import betterproto2
from betterproto2 import FieldMetadata

_VARINT: Final = 0
_FIXED_64: Final = 1
_DELIMITED: Final = 2
_FIXED_32: Final = 5
_VARINTS: Final = frozenset(
    {
        betterproto2.TYPE_ENUM,
        betterproto2.TYPE_BOOL,
        betterproto2.TYPE_INT32,
        betterproto2.TYPE_INT64,
        betterproto2.TYPE_UINT32,
        betterproto2.TYPE_UINT64,
    }
)
_FIXED: Final = {
    betterproto2.TYPE_DOUBLE: (_FIXED_64, "<d"),
    betterproto2.TYPE_FLOAT: (_FIXED_32, "<f"),
}
M = TypeVar("M", bound=betterproto2.Message)
_CONSTANTS: Final[dict[int, tuple[betterproto2.Message, bytes]]] = {}
"""By identity, which holds because the message is kept, too."""
_Write = Callable[[Any], bytes]
"""From a value to the bytes of its field, key included."""


def encoded(message: betterproto2.Message) -> bytes:
    """The message, serialised. Raises TypeError for a type of field that no message here has."""
    known = _CONSTANTS.get(id(message))
    if known is not None:
        return known[1]
    parts = []
    for name, default, write in _plan(type(message)):
        value = getattr(message, name)
        if value is not None and value != default:
            parts.append(write(value))
    return b"".join(parts)


def constant(message: M) -> M:
    """The message, from now on encoded once and for all: it must not change any more. For what lives as long as the
    process."""
    _CONSTANTS[id(message)] = message, encoded(message)
    return message


def delimited(key: bytes, value: bytes) -> bytes:
    """A field of bytes, its key before it."""
    return key + varint(len(value)) + value


def varint(value: int) -> bytes:
    if 0 <= value < 0x80:
        return _SMALL[value]
    if value < 0:
        value += 1 << 64
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


_SMALL: Final = tuple(bytes([value]) for value in range(0x80))
_PLANS: Final[dict[type, tuple[tuple[str, Any, _Write], ...]]] = {}


def _plan(kind: type) -> tuple[tuple[str, Any, _Write], ...]:
    """Of each field its name, the value that is not written, and how others are."""
    plan = _PLANS.get(kind)
    if plan is None:
        plan = _PLANS[kind] = tuple(_field(field) for field in dataclasses.fields(kind))
    return plan


def _field(field: dataclasses.Field[Any]) -> tuple[str, Any, _Write]:
    made = field.default_factory
    if made is dataclasses.MISSING:
        raise TypeError(f"{field.name} has no default, which every field of a message has")
    meta = FieldMetadata.get(field)
    if meta.map_meta is not None:
        write = _map(meta, meta.map_meta)
    else:
        write = _repeated(meta) if meta.repeated else _single(meta)
    return field.name, made(), write


def _single(meta: FieldMetadata) -> _Write:
    if meta.proto_type in _VARINTS:
        key = varint(meta.number << 3 | _VARINT)
        return lambda value: key + varint(int(value))
    if meta.proto_type in _FIXED:
        wire, pattern = _FIXED[meta.proto_type]
        key = varint(meta.number << 3 | wire)
        return lambda value: key + struct.pack(pattern, value)
    key = varint(meta.number << 3 | _DELIMITED)
    content = _content(meta)
    return lambda value: delimited(key, content(value))


def _content(meta: FieldMetadata) -> Callable[[Any], bytes]:
    """The bytes of a text, of bytes or of a message, without key and length."""
    match meta.proto_type:
        case betterproto2.TYPE_STRING:
            return str.encode
        case betterproto2.TYPE_BYTES:
            return bytes
        case betterproto2.TYPE_MESSAGE:
            return encoded if meta.unwrap is None else _wrapped(meta.unwrap())
        case other:
            raise TypeError(f"fields of type {other} are not written here")


def _wrapped(kind: Any) -> Callable[[Any], bytes]:
    """Plain values that stand for a message: numbers, durations."""
    return lambda value: encoded(kind.from_wrapped(value))


def _repeated(meta: FieldMetadata) -> _Write:
    if meta.proto_type not in betterproto2.PACKED_TYPES:
        one = _single(meta)
        return lambda values: b"".join(map(one, values))
    if meta.proto_type not in _VARINTS:
        raise TypeError(f"lists of type {meta.proto_type} are not written here")
    key = varint(meta.number << 3 | _DELIMITED)
    return lambda values: delimited(key, b"".join(varint(int(value)) for value in values))


def _map(meta: FieldMetadata, entry: tuple[FieldMetadata, FieldMetadata]) -> _Write:
    key = varint(meta.number << 3 | _DELIMITED)
    name, member = map(_single, entry)
    return lambda values: b"".join(delimited(key, name(k) + member(v)) for k, v in values.items())
