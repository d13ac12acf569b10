"""The delta protocol's two messages as plain values, so that everything but `wire` runs without protobuf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from forebay_operator.resources import Resource


class Offer(NamedTuple):
    """A resource with its content hash, computed once when it is published."""

    version: str
    resource: Resource


@dataclass(frozen=True, slots=True)
class Request:
    """A client's DeltaDiscoveryRequest: subscriptions, and the answer to the response `nonce` where that is not empty.

    `error` is the text of a refusal (NACK), None for an acknowledgement. `node_id` is set on a stream's first request.
    `initial_versions` are name -> version of what a reconnecting client already has.
    """

    type_url: str
    node_id: str = ""
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial_versions: Mapping[str, str] = field(default_factory=dict)
    nonce: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A DeltaDiscoveryResponse: changed resources, and the names of those that do not exist (any more)."""

    type_url: str
    nonce: str
    offers: tuple[Offer, ...] = ()
    removed: tuple[str, ...] = ()
