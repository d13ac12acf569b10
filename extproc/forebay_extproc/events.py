"""What the session hears and says: one value per ext_proc message, without protobuf.

`Phase` names the message a reply belongs to; Envoy closes the stream on a reply to anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from forebay_decision.request import RequestHead

Phase = Literal[
    "request_headers", "request_body", "request_trailers", "response_headers", "response_body", "response_trailers"
]


class HeadersEvent(msgspec.Struct, frozen=True):
    """Request headers. `content_length` is None where the caller did not say; `mode_error` says why Envoy's processing
    mode cannot work, or is empty."""

    head: RequestHead
    end_of_stream: bool
    content_length: int | None = None
    mode_error: str = ""


class BodyEvent(msgspec.Struct, frozen=True):
    """The whole request body: in the mode BUFFERED, the only one that can route, it comes in one message.

    `end_of_stream` is False when trailers follow.
    """

    body: bytes
    end_of_stream: bool


class TrailersEvent(msgspec.Struct, frozen=True):
    """Request trailers; they carry nothing that a decision reads."""


class ResponseEvent(msgspec.Struct, frozen=True):
    """A message of the response side, which the processing mode should have skipped."""

    phase: Phase


class UnknownEvent(msgspec.Struct, frozen=True):
    """An empty message, or one of a kind that this version does not know."""


class EndEvent(msgspec.Struct, frozen=True):
    """Envoy has sent its last message."""


Event: TypeAlias = HeadersEvent | BodyEvent | TrailersEvent | ResponseEvent | UnknownEvent | EndEvent


class Continue(msgspec.Struct, frozen=True):
    """Change nothing, go on."""

    phase: Phase


class Mutate(msgspec.Struct, frozen=True):
    """Change the request and pick its route anew. `body` is None where it stays as it is; `metadata` is what the
    namespace of the decision gets."""

    phase: Phase
    set_headers: tuple[tuple[str, str], ...]
    remove_headers: tuple[str, ...] = ()
    body: bytes | None = None
    metadata: Mapping[str, str] = {}


class Immediate(msgspec.Struct, frozen=True):
    """Answer the caller here. It has no response code details: by that Envoy's own errors are told from ours."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    metadata: Mapping[str, str] = {}


Reply: TypeAlias = Continue | Mutate | Immediate
