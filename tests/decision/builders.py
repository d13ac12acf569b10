"""Builders: a valid policy, pool or request with whatever a test wants to be different."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import PoolState
from forebay_decision.compile import compile_policy
from forebay_decision.compiled import CompiledPolicy
from forebay_decision.dialects.openai.view import read
from forebay_decision.request import RequestHead, RequestView
from forebay_decision.route import Answer, Forward, Surroundings, route
from forebay_decision.token import NO_TOKEN, Verified
from forebay_decision.work import run_inline


def a_model(name: str = "m", **fields: Any) -> dict[str, Any]:
    return {"name": name, **fields}


def a_pool(*models: dict[str, Any], **fields: Any) -> PoolSpec:
    data = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]},
        "placement": {"boundary": "Private"},
        "models": list(models) or [a_model()],
    }
    return msgspec.convert(data | fields, PoolSpec)


def a_policy(**fields: Any) -> PolicySpec:
    data: dict[str, Any] = {
        "strategies": [{"name": "all", "direct": {"pools": [{"name": "small"}]}}],
        "default": {"use": "all"},
    }
    return msgspec.convert(data | fields, PolicySpec)


def direct(*pools: str, name: str = "all", **fields: Any) -> dict[str, Any]:
    """A direct strategy over these pools."""
    inner = {key: fields.pop(key) for key in ("select", "fallback") if key in fields}
    return {"name": name, "direct": {"pools": [{"name": pool} for pool in pools], **inner}, **fields}


def compiled(
    spec: PolicySpec, pools: Mapping[str, PoolSpec], name: str = "default/p", **options: Any
) -> CompiledPolicy:
    return compile_policy(name, spec, pools, revision="r1", encoders=options.pop("encoders", _no_encoders), **options)


def _no_encoders(kind: str) -> Any:
    raise AssertionError(f"this test needs no {kind} encoder")


def chat(text: str = "hello", model: str = "auto", **fields: Any) -> bytes:
    return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": text}], **fields})


def head(
    path: str = "/v1/chat/completions", method: str = "POST", host: str = "localhost", **headers: str
) -> RequestHead:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return RequestHead(method, host, path, {"content-type": "application/json", **named})


def surroundings(
    states: Mapping[str, PoolState] | None = None,
    *,
    clock: Callable[[], float] = lambda: 0.0,
    deadline: float = 1.0,
    in_flight: Callable[[str], int] = lambda _pool: 0,
    seed: int = 0,
) -> Surroundings:
    return Surroundings(
        id="d1",
        replica="0",
        clock=clock,
        deadline=deadline,
        states=states or {},
        in_flight=in_flight,
        random=random.Random(seed),
    )


def decide(policy: CompiledPolicy, body: bytes, **options: Any) -> Forward | Answer:
    request = options.pop("head", None) or head()
    return run_inline(route(policy, request, body, surroundings(options.pop("states", None), **options)))


def a_state(pool: str, **fields: Any) -> PoolState:
    return PoolState(**({"name": pool, "ready": 1, "total": 1, "observed_at": 1.0, "stale": False} | fields))


class Seen:
    """What a detector looks at, without a policy around it: a body's view, headers and a deadline."""

    def __init__(
        self,
        view: RequestView,
        headers: Mapping[str, str] | None = None,
        seconds: float = 1.0,
        verified: Verified = NO_TOKEN,
    ) -> None:
        self.view = view
        self.verified = verified
        self.headers = headers or {}
        self.seconds = seconds
        self._shared: dict[Hashable, object] = {}

    @property
    def latest(self) -> str:
        return self.view.text

    def scoped(self, scope: str) -> bytes:
        return (self.view.text if scope == "LatestTurn" else self.view.conversation).encode("utf-8", "replace")

    def seconds_left(self) -> float:
        return self.seconds

    def embeddings(self) -> dict[str, object]:
        return {}

    def shared(self) -> dict[Hashable, object]:
        return self._shared


def seen(*messages: str | dict[str, Any], headers: Mapping[str, str] | None = None, **fields: Any) -> Seen:
    """A conversation as detectors see it; plain texts are the user's."""
    turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages]
    body = msgspec.json.encode({"model": "auto", "messages": turns, **fields})
    return Seen(read("ChatCompletions", body).view, headers)
