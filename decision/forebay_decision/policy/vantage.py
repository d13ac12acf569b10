"""Vantage: what the rules of one policy look at, worked out once, and what a request shows of it before any signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from forebay_api.policy import IdentitySource
from forebay_api.wire import PoolState
from forebay_decision.policy.variables import HEADERS, POOL_FIELDS, POOLS, REQUEST, SIGNAL_FIELDS
from forebay_decision.request import RequestView
from forebay_decision.signals.detector import Detector
from forebay_decision.token import Verified, identity


class SignalVariables(msgspec.Struct, frozen=True):
    """What rules call the parts of one signal."""

    parts: Mapping[str, str]
    """Name in the record's `values` -> variable."""
    matched: str
    unknown: str
    label: str
    score: str
    scores: str
    labels: str
    counts: str
    count: str

    @classmethod
    def of(cls, name: str, kind: str) -> SignalVariables:
        parts = {field: f"signals.{name}.{field}" for field in SIGNAL_FIELDS[kind]}
        return cls(parts, *(f"signals.{name}.{field}" for field in cls.__struct_fields__[1:]))


class Vantage(msgspec.Struct, frozen=True):
    """What a policy's rules look at, worked out once at compile time."""

    environment: Any
    variables: tuple[str, ...]
    headers: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]
    """(name in rules, qualified name)."""
    detectors: Mapping[str, Detector]
    names: Mapping[str, SignalVariables]
    identity: Mapping[str, IdentitySource | None]
    """``tenant`` and ``user`` -> where each comes from."""

    def first_values(
        self, view: RequestView, headers: Mapping[str, str], states: Mapping[str, PoolState], verified: Verified
    ) -> dict[str, Any]:
        """Variable -> value of all that needs no signal."""
        known: dict[str, Any] = {name: REQUEST[name][1](view) for name in self.variables}
        if self.headers:
            known[HEADERS] = {name: headers[name] for name in self.headers if name in headers}
        for variable, source in self.identity.items():
            known[variable] = identity(source, headers, verified)
        if self.pools:
            known[POOLS] = {
                # What is not known, or known no more, is unknown: a rule that asks for it says what that means.
                name: {field: read(state) for field, read in POOL_FIELDS.items()}
                for name, pool in self.pools
                if (state := states.get(pool)) is not None and not state.stale
            }
        return known
