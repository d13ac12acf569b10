"""Configuration changes under load: live everywhere within a second, and no request pays for them."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from stack import Stack, pool

pytestmark = pytest.mark.envoy
EDITS = 50


def policy(rule: str, use: str, fallback: str = "") -> str:
    return f"""apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: door}}
spec:
  strategies:
  - {{name: one, direct: {{pools: [{{name: a}}]{fallback}}}}}
  - {{name: two-{rule}, direct: {{pools: [{{name: b}}], fallback: [{{name: a}}]}}}}
  rules:
  - {{name: {rule}, when: 'true', use: {use}}}
  default: {{use: one}}
"""


@pytest.fixture(scope="module")
def door(stack: Stack) -> Stack:
    ports = {name: stack.serve(name, name, tokens=4).port for name in ("a", "b")}
    stack.write("pools.yaml", "".join(pool(name, name, port) for name, port in ports.items()))
    stack.write("policy.yaml", policy("r0", "one"))
    stack.write("forebay.yaml", f"listeners: [{{port: 0, accessLog: {stack.directory}/.access.log}}]")
    stack.up(workers=2)
    return stack


@contextmanager
def pressed(door: Stack, threads: int = 3) -> Iterator[list[str]]:
    """A steady load; the list holds what failed."""
    failures: list[str] = []
    stop = threading.Event()

    def press() -> None:
        with httpx.Client(base_url=door.client.base_url, timeout=60) as client:
            while not stop.is_set():
                body = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
                response = client.post("/v1/chat/completions", json=body)
                if response.status_code != 200:
                    failures.append(f"{time.monotonic():.3f} {response.text} {dict(response.headers)}")
                time.sleep(0.005)

    workers = [threading.Thread(target=press, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield failures
    finally:
        stop.set()
        for worker in workers:
            worker.join(60)


def test_fifty_edits_under_load_are_live_within_a_second_and_fail_no_request(door: Stack) -> None:
    seconds = []
    with pressed(door) as failures:
        for number in range(1, EDITS + 1):
            rule = f"r{number}"
            text = policy(rule, "one" if number % 2 else f"two-{rule}")
            seconds.append(door.edit("policy.yaml", text))
            for _ in range(3):
                assert door.chat().headers["x-forebay-rule"] == rule
    assert not failures, "\n".join(failures)
    seconds.sort()
    print(f"edit to live: p50 {statistics.median(seconds):.3f} s, p95 {seconds[int(EDITS * 0.95)]:.3f} s")
    # What else the machine does makes some of them late, and never most; the 95th percentile is measured by the benchmarks.
    assert statistics.median(seconds) < 1.0, seconds
    assert seconds[int(EDITS * 0.95)] < 5.0, seconds


def test_pools_come_and_go_under_load_without_a_failed_request(door: Stack) -> None:
    c = door.serve("c", "c", tokens=4)
    with pressed(door) as failures:
        for _ in range(5):
            door.edit("more.yaml", pool("c", "c", c.port))
            door.edit("policy.yaml", policy("late", "two-late").replace("{name: b}", "{name: c}"))
            assert door.chat().headers["x-forebay-pool"] == "default/c"
            door.edit("policy.yaml", policy("early", "one"))
            before = door.report.revision
            (door.directory / "more.yaml").unlink()
            door.run(door.running.wait_programmed(60, revision=before))
    assert not failures, "\n".join(failures)
