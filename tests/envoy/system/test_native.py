"""What Envoy decides alone is what the core says it decides alone, request by request, and what the data plane would."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from stack import Stack, pool

from forebay_api.manifest import load_manifests
from forebay_api.policy import RoutingPolicy
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import DecisionError
from forebay_decision.native import NativeModel, decided_natively, natives_by_policy

pytestmark = pytest.mark.envoy

POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: door}
spec:
  rules:
  - {name: stay, when: request.stream, constrain: {boundary: Private}}
  strategies:
  - {name: all, direct: {pools: [{name: able}, {name: plain}, {name: far}, {name: renamed}]}}
  default: {use: all}
"""
ABLE = "capabilities: [Tools, JSONSchema, Vision]"


@pytest.fixture(scope="module")
def door(stack: Stack) -> Stack:
    port = stack.serve("sim", "able", "plain", "far", "upstream-name", tokens=2).port
    stack.write(
        "all.yaml",
        pool("able", "able", port, extra=ABLE)
        + pool("plain", "plain", port)
        + pool("far", "far", port, boundary="Public", extra=ABLE)
        + pool("renamed", "renamed", port, upstream="upstream-name", extra=ABLE)
        + POLICY,
    )
    stack.up()
    return stack


@pytest.fixture(scope="module")
def natives(door: Stack) -> tuple[NativeModel, ...]:
    objects, errors = load_manifests((door.directory / "all.yaml").read_text(), "all.yaml")
    assert errors == []
    policies = {f"default/{o.metadata.name}": o.spec for o in objects if isinstance(o, RoutingPolicy)}
    pools = {f"default/{o.metadata.name}": o.spec for o in objects if not isinstance(o, RoutingPolicy)}
    return natives_by_policy(policies, pools, frozenset())["default/door"]


def chat(model: Any, **fields: Any) -> bytes:
    return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "x"}], **fields})


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
CASES: dict[str, tuple[str, bytes]] = {
    "able": ("chat/completions", chat("able")),
    "able, streamed": ("chat/completions", chat("able", stream=True)),
    "able, tools": ("chat/completions", chat("able", tools=TOOLS)),
    "able, max_tokens": ("chat/completions", chat("able", max_tokens=5)),
    "able, max_tokens null": ("chat/completions", chat("able", max_tokens=None)),
    "able, model last": ("chat/completions", b'{"messages":[{"role":"user","content":"x","model":"far"}],"model":"able"}'),
    "able, escaped": ("chat/completions", b'{"model":"\\u0061ble","messages":[{"role":"user","content":"x"}]}'),
    "able, spaces": ("chat/completions", b' { "model" :\n"able" , "messages":[{"role":"user","content":"x"}]}'),
    "able, long": ("chat/completions", chat("able", metadata={"pad": "x" * 20_000})),
    "plain": ("chat/completions", chat("plain")),
    "plain, completion": ("completions", b'{"model":"plain","prompt":"x"}'),
    "plain, embedding": ("embeddings", b'{"model":"plain","input":"x"}'),
    "able, response": ("responses", b'{"model":"able","input":"x"}'),
    "able, stored response": ("responses", b'{"model":"able","input":"x","previous_response_id":"r1"}'),
    "able, conversation": ("responses", b'{"model":"able","input":"x","conversation":"c1"}'),
    "far": ("chat/completions", chat("far")),
    "renamed": ("chat/completions", chat("renamed")),
    "auto": ("chat/completions", chat("auto")),
    "unknown": ("chat/completions", chat("nobody")),
    "no model": ("chat/completions", chat(None)),
    "a number": ("chat/completions", chat(7)),
    "not JSON": ("chat/completions", b'{"model":"able"'),
    "a list": ("chat/completions", b'["able"]'),
}  # fmt: skip
ENDPOINTS: dict[str, Any] = {
    "chat/completions": "ChatCompletions",
    "completions": "Completions",
    "responses": "Responses",
    "embeddings": "Embeddings",
}


def predicted(natives: tuple[NativeModel, ...], path: str, body: bytes) -> NativeModel | None:
    try:
        return decided_natively(natives, ENDPOINTS[path], read(ENDPOINTS[path], body))
    except DecisionError:
        return None


@pytest.mark.parametrize("case", CASES)
def test_envoy_decides_alone_exactly_where_the_core_says_so(
    door: Stack, natives: tuple[NativeModel, ...], case: str
) -> None:
    path, body = CASES[case]
    native = predicted(natives, path, body)
    response = door.post(body, f"/v1/{path}")
    by = response.headers.get("x-forebay-decision", "")
    assert (by == "Envoy") is (native is not None), (by, native, response.text)
    if native is not None:
        assert response.status_code == 200
        assert response.headers["x-forebay-pool"] == native.pool
        assert response.headers["x-forebay-model"] == native.model


def test_some_cases_are_envoys_and_some_are_not(natives: tuple[NativeModel, ...]) -> None:
    envoys = {case for case, (path, body) in CASES.items() if predicted(natives, path, body)}
    assert {"able", "able, escaped", "able, model last", "plain, completion"} <= envoys
    assert not {"far", "renamed", "auto", "plain", "able, max_tokens"} & envoys


def test_a_body_without_a_length_is_asked_about(door: Stack) -> None:
    pieces = iter([CASES["able"][1]])
    headers = {"content-type": "application/json"}
    response = door.client.post("/v1/chat/completions", content=pieces, headers=headers)
    assert response.status_code == 200
    assert response.headers["x-forebay-decision"] == "DataPlane"
    assert json.loads(door.sims["sim"].last(1)[0].body)["model"] == "able"
