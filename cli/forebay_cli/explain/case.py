"""A case to explain: one request, and the pool state that it is decided under."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from forebay_api.wire import PoolState
from forebay_decision.compiled import CompiledConfig, CompiledPolicy
from forebay_decision.dialects.openai import paths
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import DecisionError
from forebay_decision.inspect import all_signals
from forebay_decision.native import NativeModel, decided_natively
from forebay_decision.record import DecisionRecord, SignalRecord
from forebay_decision.request import RequestHead
from forebay_decision.route import Answer, Forward, Surroundings, route
from forebay_decision.work import run_inline

UNHURRIED_SECONDS = 60.0
"""Explaining is not serving: a cold encoder must not turn signals unknown here."""


class Explained(msgspec.Struct, frozen=True):
    """What happens to one request. `record` is None where no policy or model came into play; `status` and `body` are
    those of an answer that is given without a model."""

    record: DecisionRecord | None
    status: int
    error: dict[str, object] | None = None


def read_states(text: bytes) -> dict[str, PoolState]:
    """Pool states from JSON: one PoolState, a list of them, or an object of pool name -> PoolState.

    Raises msgspec.MsgspecError, whose text says which of them is wrong.
    """
    data = msgspec.json.decode(text)
    if isinstance(data, dict) and not isinstance(data.get("name", {}), str):
        data = [{"name": name, **_object(state, f"pool {name!r}")} for name, state in data.items()]
    elif isinstance(data, dict):
        data = [data]
    elif not isinstance(data, list):
        raise msgspec.ValidationError("expected a PoolState, a list of them, or an object of pool name -> PoolState")
    states = [_state(_object(given, f"item {index}")) for index, given in enumerate(data)]
    return {state.name if "/" in state.name else f"default/{state.name}": state for state in states}


def _object(given: Any, what: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise msgspec.ValidationError(f'{what}: expected an object such as {{"ready": 1, "total": 1}}')
    return given


def _state(given: dict[str, Any]) -> PoolState:
    """A state given by hand is meant: it is stale only if it says when it was observed and that it is stale, and what
    it does not say of readiness is that all are ready."""
    try:
        state = msgspec.convert(given, PoolState)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{given.get('name', 'a state without a name')}: {error}") from None
    if state.observed_at is not None:
        return state
    ready = state.ready if "ready" in given else state.total
    return msgspec.structs.replace(state, stale=False, observed_at=time.time(), ready=ready)


def explain(
    config: CompiledConfig,
    native: Mapping[str, tuple[NativeModel, ...]],
    head: RequestHead,
    body: bytes,
    states: Mapping[str, PoolState],
    *,
    identifier: str,
    every_signal: bool = False,
) -> Explained:
    """Decide as the data plane would, or as Envoy would where it decides alone."""
    policy = config.match(head.host, head.path).policy
    if policy is None:
        return Explained(None, 404, {"message": f"No policy is attached to {head.host}{head.path}."})
    around = Surroundings(
        id=identifier,
        replica="explain",
        clock=time.monotonic,
        deadline=time.monotonic() + UNHURRIED_SECONDS,
        states=states,
        in_flight=lambda _pool: 0,
        random=random.Random(0),
        decided_by="Envoy" if _by_envoy(policy, native.get(policy.name, ()), head, body) else "DataPlane",
    )
    routed = run_inline(route(policy, head, body, around))
    record = routed.record
    if record is not None and every_signal:
        record = msgspec.structs.replace(record, signals=_signals(policy, head, body, around) | record.signals)
    if isinstance(routed, Forward):
        return Explained(record, 200)
    return Explained(record, routed.status, _error(routed))


def _by_envoy(policy: CompiledPolicy, native: tuple[NativeModel, ...], head: RequestHead, body: bytes) -> bool:
    try:
        asked = paths.resolve(head.method, head.path[len(policy.prefix) :])
        return isinstance(asked, str) and decided_natively(native, asked, read(asked, body)) is not None
    except DecisionError:
        return False


def _signals(policy: CompiledPolicy, head: RequestHead, body: bytes, around: Surroundings) -> dict[str, SignalRecord]:
    asked = paths.resolve(head.method, head.path[len(policy.prefix) :])
    if not isinstance(asked, str):
        return {}
    return run_inline(all_signals(policy, head, read(asked, body).view, around))


def _error(answer: Answer) -> dict[str, object] | None:
    if answer.status < 400 or not answer.body:
        return None
    return msgspec.json.decode(answer.body, type=dict[str, dict[str, object]]).get("error")
