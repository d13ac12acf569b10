"""The decision record: one frozen value that headers, metadata, logs, `explain`, replay and tests all read."""

from __future__ import annotations

from typing import Literal

import msgspec

DecidedBy = Literal["DataPlane", "Envoy", "Bypass"]


class SignalRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One signal that was asked for. `micros` is its own cost; `unknown` says why there is no value.

    `labels` are all that apply where a kind tells several; `counts` says how often each was found. `values` are other
    facts by name, numbers and truths only: a record holds no text of the request.
    """

    matched: bool | None = None
    score: float | None = None
    threshold: float | None = None
    label: str | None = None
    scores: dict[str, float] | None = None
    labels: tuple[str, ...] | None = None
    counts: dict[str, int] | None = None
    values: dict[str, bool | int | float] | None = None
    unknown: str | None = None
    micros: int = 0


class CandidateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One (pool, model) that was looked at: `reason` says why it was left out, or is empty."""

    pool: str
    model: str
    eligible: bool
    reason: str = ""
    scores: dict[str, float] = {}


class ModelChoice(msgspec.Struct, frozen=True):
    pool: str
    model: str


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a request went where it went. Holds no text of the request.

    `confidence` is 1.0 where the rule rests on facts, else the least score among the similarity signals it asked for.
    `expected_cost_usd` is a decimal string: prompt tokens x input price + expected output tokens x output price.
    `micros` counts from the complete body to the end of the decision.
    """

    id: str
    policy: str
    revision: str
    mode: str
    decided_by: DecidedBy
    rule: str
    strategy: str = ""
    pool: str = ""
    model: str = ""
    reason: str = ""
    confidence: float = 1.0
    fallbacks: tuple[ModelChoice, ...] = ()
    constraints: dict[str, str | list[str]] = {}
    signals: dict[str, SignalRecord] = {}
    candidates: tuple[CandidateRecord, ...] = ()
    expected_cost_usd: str | None = None
    micros: int = 0
    status: int = 200
