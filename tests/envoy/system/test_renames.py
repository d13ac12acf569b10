"""A place in front of the data plane changes its policy, and no request falls between the two."""

from __future__ import annotations

import threading
import time

import httpx
import pytest
from stack import Stack, pool

pytestmark = pytest.mark.envoy


def policy(name: str) -> str:
    return f"""apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: {name}}}
spec:
  strategies: [{{name: only, direct: {{pools: [{{name: a}}], fallback: [{{name: b}}]}}}}]
  default: {{use: only}}
"""


def test_a_policy_that_is_renamed_fails_no_request(stack: Stack) -> None:
    ports = {name: stack.serve(name, name, tokens=4).port for name in ("a", "b")}
    stack.write("pools.yaml", "".join(pool(name, name, port) for name, port in ports.items()))
    stack.write("policy.yaml", policy("z"))
    stack.up()
    failures: list[str] = []
    stop = threading.Event()

    def press() -> None:
        with httpx.Client(base_url=stack.client.base_url, timeout=60) as client:
            while not stop.is_set():
                body = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
                if (answer := client.post("/v1/chat/completions", json=body)).status_code != 200:
                    failures.append(answer.text)
                time.sleep(0.005)

    worker = threading.Thread(target=press, daemon=True)
    worker.start()
    for name in ("a", "z", "m", "b"):  # before and after the other by name: the first of two is met first
        stack.edit("policy.yaml", policy(name))
    stop.set()
    worker.join(60)
    assert not failures, failures
