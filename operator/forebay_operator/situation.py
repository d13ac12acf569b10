"""What a source tells the operator: all inputs, where the planes are, and whose acknowledgement counts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

import msgspec

from forebay_api.manifest import ManifestError
from forebay_operator.gateway.situation import GatewaySituation
from forebay_operator.gather import Inputs
from forebay_operator.publication import Surface
from forebay_operator.xds.acknowledgements import Kind


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """One moment. `errors` are mistakes in files; `ready` are the expected replicas that take requests."""

    inputs: Inputs
    surface: Surface
    expected: Mapping[str, Kind] = {}
    ready: frozenset[str] = frozenset()
    errors: tuple[ManifestError, ...] = ()
    gateway: GatewaySituation | None = None


class Source(Protocol):
    """Where situations come from: a directory, or the Kubernetes API."""

    def situations(self) -> AsyncGenerator[Situation, None]:
        """The present situation as soon as it is known whole, and the newest one after each change."""
        ...
