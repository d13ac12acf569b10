"""The rows of "Failure semantics" that exist so far, each with the real Envoy, operator, data plane and servers."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from stack import Stack, pool, wait_until

pytestmark = pytest.mark.envoy

GUARDED = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: guarded}
spec:
  strategies:
  - {name: all, direct: {pools: [{name: small}], fallback: [{name: big}]}}
  - {name: small-only, direct: {pools: [{name: small}]}}
  rules:
  - {name: no, when: 'request.text == "forbidden"', reject: {status: 403, message: Not here.}}
  - {name: alone, when: 'request.text.startsWith("alone")', use: small-only}
  default: {use: all}
"""
OPEN = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: jobs}
spec:
  attach: {pathPrefix: /jobs}
  failOpen: {pool: small, model: small}
  strategies:
  - {name: all, direct: {pools: [{name: big}]}}
  default: {use: all}
"""
SLOW_SIGNAL = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: hurried}
spec:
  attach: {pathPrefix: /hurried}
  decisionBudget: {time: 1ms}
  signals:
  - name: work
    similarity: {encoder: Transformer, threshold: 0.5, labels: [{name: code, examples: [Fix this traceback]}]}
  strategies:
  - {name: all, direct: {pools: [{name: small}, {name: big}]}}
  rules:
  - {name: stay, when: signals.work.matched, constrain: {boundary: Private}}
  default: {use: all}
"""
TELEMETRY = "telemetry: {engine: vLLM, interval: 200ms, staleAfter: 2s}"


@pytest.fixture(scope="module")
def door(stack: Stack) -> Stack:
    small = [stack.serve(f"small-{i}", "org/small", tokens=8, concurrency=4) for i in (0, 1)]
    big = stack.serve("big", "big", tokens=8)
    saturation = f"{TELEMETRY}\n  saturation: {{queueDepth: 2}}\n  capacity: {{maxConcurrency: 8}}"
    ports = [server.port for server in small]
    stack.write("pools.yaml", pool("small", "small", *ports, upstream="org/small", more=saturation)
                + pool("big", "big", big.port, boundary="Public", more=TELEMETRY))  # fmt: skip
    stack.write("guarded.yaml", GUARDED)
    stack.write("jobs.yaml", OPEN)
    stack.write("hurried.yaml", SLOW_SIGNAL)
    stack.up(workers=1)
    return stack


@pytest.fixture(autouse=True)
def healthy(door: Stack) -> Iterator[None]:
    """Every test begins and ends with a product that serves."""
    yield
    for server in door.sims.values():
        server.set_fault()
    wait_until(lambda: door.chat().status_code == 200, "service is back")
    wait_until(lambda: door.chat("alone").status_code == 200, "the small pool is back")


def error_of(response: Any) -> dict[str, Any]:
    assert response.headers["content-type"].startswith("application/json"), response.text
    return dict(response.json()["error"])


def test_data_plane_unreachable_without_fail_open_is_503(door: Stack) -> None:
    with door.down(*door.running.workers):
        response = wait_until(lambda: (r := door.chat()).status_code != 200 and r, "the data plane is gone")
        assert response.status_code == 503
        assert error_of(response)["type"]


def test_data_plane_unreachable_with_fail_open_is_the_bypass_with_the_right_model(door: Stack) -> None:
    body = b'{"messages":[{"role":"user","content":"x","model":"nested"}],"model":"auto","tail":{"model":"y"}}'
    forged = {
        "x-forebay-cluster": "pool/default/big",
        "authorization": "Bearer mine",
        "content-type": "application/json",
    }
    with door.down(*door.running.workers):
        response = door.post(body, "/jobs/v1/chat/completions", headers=forged)
        assert response.status_code == 200, response.text
        assert response.headers["x-forebay-decision"] == "bypassed"
        assert response.headers["x-forebay-pool"] == "default/small"
    seen = max((s.last(1)[0] for s in door.sims.values() if s.last(1)), key=lambda request: request.at)
    assert json.loads(seen.body) == {**json.loads(body), "model": "org/small"}
    assert not {"x-forebay-cluster", "authorization"} & {name.lower() for name in dict(seen.headers)}


def test_data_plane_slow_is_504_within_two_seconds_and_the_bypass_where_there_is_one(door: Stack) -> None:
    with door.frozen(*door.running.workers):
        started = time.monotonic()
        response = door.chat()
        assert time.monotonic() - started < 10
        assert response.status_code in (503, 504)
        error_of(response)
        assert door.chat(path="/jobs/v1/chat/completions").headers.get("x-forebay-decision") == "bypassed"


def test_a_signal_that_misses_the_deadline_is_unknown_and_constrain_counts_it_as_matched(door: Stack) -> None:
    for _ in range(6):
        response = door.chat("a text about nothing in particular " * 20, path="/hurried/v1/chat/completions")
        assert response.headers["x-forebay-pool"] == "default/small"


def test_a_policy_that_does_not_compile_leaves_the_last_good_one_serving_and_says_why(door: Stack) -> None:
    door.write("guarded.yaml", GUARDED.replace('request.text == "forbidden"', "request.txt == 1"))

    def refused() -> Any:
        conditions = door.report.policies["default/guarded"].conditions
        return next((c for c in conditions if c.type == "Accepted" and c.status == "False"), None)

    condition = wait_until(refused, "the mistake is seen")
    assert "spec.rules[0].when: 1:8: undeclared reference to 'request.txt'" in condition.message
    assert door.chat("forbidden").status_code == 403
    door.write("guarded.yaml", GUARDED)
    wait_until(lambda: not refused(), "the mistake is mended")


def test_operator_gone_changes_nothing_and_it_comes_back(door: Stack) -> None:
    with door.down(door.running.operator):
        for _ in range(10):
            assert door.chat().status_code == 200
        worker = door.running.workers[0]
        worker.signal(signal.SIGKILL)
        wait_until(lambda: door.chat().status_code == 200, "a new worker starts from its last good copy")
    door.run(door.running.wait_programmed(60))


def test_pool_saturated_reroutes_and_where_nobody_else_may_serve_it_is_429(door: Stack) -> None:
    stop = threading.Event()
    for name in ("small-0", "small-1"):
        door.sims[name].set_fault(mode="slow", delay="1500ms")

    def press() -> None:
        while not stop.is_set():
            # What becomes of this load is not the question; that it is there is.
            with contextlib.suppress(httpx.HTTPError):
                door.chat("alone, please")

    threads = [threading.Thread(target=press, daemon=True) for _ in range(24)]
    for thread in threads:
        thread.start()
    try:
        response = wait_until(lambda: (r := door.chat("alone, quickly")).status_code == 429 and r, "429")
        assert response.headers["retry-after"] == "1"
        assert error_of(response)["code"] == "pools_saturated"
        rerouted = wait_until(
            lambda: (r := door.chat("anything")).headers.get("x-forebay-pool") == "default/big" and r, "reroute"
        )
        assert "saturated" in rerouted.headers["x-forebay-reason"]
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def test_a_dead_server_costs_no_request_that_has_not_received_a_byte(door: Stack) -> None:
    server = door.sims["small-0"]
    port = server.port
    results: list[int] = []
    stop = threading.Event()

    def press() -> None:
        while not stop.is_set():
            results.append(door.chat().status_code)

    threads = [threading.Thread(target=press, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(results) > 20, "requests go on")
    door.run(server.kill())
    killed = len(results)
    wait_until(lambda: len(results) > killed + 60, "requests go on without it")
    stop.set()
    for thread in threads:
        thread.join(60)
    assert set(results) == {200}
    door.serve("small-0", "org/small", port=port, tokens=8, concurrency=4)


def test_a_pool_that_fails_before_the_first_byte_falls_back_with_the_other_models_name(door: Stack) -> None:
    for name in ("small-0", "small-1"):
        door.sims[name].set_fault(mode="status", status=503)
    response = door.chat("please fall back")
    assert response.status_code == 200
    assert response.headers["x-forebay-pool"] == "default/big"
    assert response.headers["x-forebay-model"] == "big"
    assert json.loads(door.sims["big"].last(1)[0].body)["model"] == "big"


def test_nobody_ready_is_503(door: Stack) -> None:
    ports = {name: door.sims[name].port for name in ("small-0", "small-1")}
    for name in ports:
        door.run(door.sims[name].kill())
    response = wait_until(
        lambda: (r := door.chat("alone")).status_code == 503 and error_of(r)["code"] == "no_ready_endpoints" and r,
        "the pool has no ready endpoint",
        15,
    )
    assert error_of(response)["type"] == "service_unavailable_error"
    for name, port in ports.items():
        door.serve(name, "org/small", port=port, tokens=8, concurrency=4)


def test_an_upstream_error_reaches_the_caller_as_it_is(door: Stack) -> None:
    for name in ("small-0", "small-1"):
        door.sims[name].set_fault(mode="status", status=422)
    response = door.chat("alone")
    assert response.status_code == 422
    assert "error" in response.json()


def test_a_broken_stream_ends_visibly(door: Stack) -> None:
    for name in ("small-0", "small-1"):
        door.sims[name].set_fault(mode="reset_mid_stream", after_tokens=2)
    text = ""
    request = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": "alone"}]}
    with (
        contextlib.suppress(httpx.HTTPError),
        door.client.stream("POST", "/v1/chat/completions", json=request) as response,
    ):
        for piece in response.iter_text():
            text += piece
    assert "data:" in text
    assert "[DONE]" not in text
