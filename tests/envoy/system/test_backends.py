"""Services and InferencePools without a cluster: the manifests of a cluster, and a map of where things are here."""

from __future__ import annotations

import pytest
from stack import Stack

pytestmark = pytest.mark.envoy

POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: door}
spec:
  models: [auto]
  strategies:
  - name: plain
    direct: {pools: [{name: web}, {name: picked}]}
  default: {use: plain}
---
"""
POOLS = """apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: web}
spec:
  backend: {service: {name: qwen, namespace: models, port: http}}
  models: [{name: small}]
---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: picked}
spec:
  backend: {inferencePool: {name: llama, objective: interactive}}
  models: [{name: large}]
"""


@pytest.fixture(scope="module")
def up(stack: Stack) -> Stack:
    stack.serve("qwen", "small")
    stack.serve("llama", "large")
    stack.write("door.yaml", POLICY + POOLS)
    stack.write("forebay.yaml", mapped(stack, "models/qwen", "llama"))
    stack.up()
    return stack


def mapped(stack: Stack, *names: str) -> str:
    """forebay.yaml with a map of these names to the servers called like their last part."""
    lines = [f"  {name}: [{{host: 127.0.0.1, port: {stack.sims[name.rpartition('/')[2]].port}}}]" for name in names]
    return "\n".join(["backends:", *lines, ""])


def test_references_lead_where_forebay_yaml_says(up: Stack) -> None:
    for model in ("small", "large"):
        answer = up.chat(model=model)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == model


def test_one_that_is_not_mapped_is_told_with_what_to_do_and_answers_503(up: Stack) -> None:
    up.edit("forebay.yaml", mapped(up, "llama"))
    resolved = next(c for c in up.report.pools["default/web"].conditions if c.type == "ResolvedRefs")
    assert (resolved.status, resolved.reason) == ("False", "ServiceNotFound")
    assert "map it in forebay.yaml: backends.qwen" in resolved.message
    assert up.chat(model="small").status_code == 503
    assert up.chat(model="large").status_code == 200
