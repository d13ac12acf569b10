"""Manifests that several tests use, as people would write them."""

from __future__ import annotations


def pool(name: str, *, extra: str = "") -> str:
    """A pool over the Service of its own name; its one model is NAME-model."""
    return f"""---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {{name: {name}}}
spec:
  backend: {{service: {{name: {name}, port: 8000}}}}
  models: [{{name: {name}-model}}]
  telemetry: {{engine: vLLM, interval: 2s, staleAfter: 60s}}
{extra}"""


def policy(name: str, pool: str, *, host: str = "*", extra: str = "") -> str:
    """A policy that sends everything to one pool."""
    return f"""---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: {name}}}
spec:
  attach: {{hostnames: ["{host}"]}}
  models: [auto]
  strategies: [{{name: only, direct: {{pools: [{{name: {pool}}}]}}}}]
  default: {{use: only}}
{extra}"""
