"""Repeated message fields, element by element.

Protobuf encodes a message with a repeated field as the message without it followed by the field's elements, so a table
of routes can be put together from routes that were serialised before.
"""

from __future__ import annotations

from collections.abc import Iterable

import betterproto2

from forebay_operator.envoy.encoding import delimited, encoded


def element(field: int, value: bytes) -> bytes:
    """One element of a repeated message field."""
    return delimited(bytes([field << 3 | 2]), value)


def elements(field: int, messages: Iterable[betterproto2.Message]) -> bytes:
    """All of them, serialised."""
    return b"".join(element(field, encoded(message)) for message in messages)
