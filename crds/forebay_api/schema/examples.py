"""One complete manifest of each kind for the reference; tests load them."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, str]] = {
    "RoutingPolicy": """\
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata:
  name: assistant
  namespace: ai
spec:
  models: [auto]
  signals:
  - name: code
    similarity:
      threshold: 0.55
      labels:
      - name: code
        examples: [Fix this traceback, Write a function that parses a date]
  - name: card
    regex: {pattern: '\\b(?:[0-9][ -]?){13,16}\\b'}
  strategies:
  - name: economical
    direct:
      pools: [{name: qwen-small}]
      fallback: [{name: frontier}]
  - name: careful
    direct:
      pools: [{name: frontier}]
    reasoning: High
  rules:
  - name: stay-inside
    when: signals.card.matched
    constrain: {boundary: Private}
  - name: coding
    when: signals.code.matched && request.promptTokens < 8000
    use: careful
  default: {use: economical}
""",
    "ModelPool": """\
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata:
  name: qwen-small
  namespace: ai
spec:
  backend:
    addresses:
    - {host: 10.0.0.7, port: 8000}
    - {host: 10.0.0.8, port: 8000}
  placement: {boundary: Private, region: eu-west-1, compliance: [HIPAA]}
  models:
  - name: qwen2.5-7b
    upstreamName: Qwen/Qwen2.5-7B-Instruct
    contextTokens: 32768
    capabilities: [Tools, JSONSchema]
    price: {inputPerMTok: "0.05", outputPerMTok: "0.15"}
    quality: {default: 0.62}
  capacity: {maxConcurrency: 64}
  telemetry: {engine: vLLM}
  saturation: {queueDepth: 5, kvCacheUtilization: 0.8}
""",
    "forebay.yaml": """\
listeners:
- {address: 127.0.0.1, port: 10080}
secrets:
  openai:
    api-key: {env: OPENAI_API_KEY}
backends:
  qwen-small: [{host: 127.0.0.1, port: 8000}]
workers: 2
""",
}
