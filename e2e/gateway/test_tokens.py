"""Tokens that a Gateway's SecurityPolicy verifies: the data plane sees their claims, and nobody else's."""

from __future__ import annotations

from ..tokens import ISSUER, Signer
from .behind import Site


def security(name: str, keys: str) -> str:
    return f"""---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}]
  jwt:
    optional: true
    providers:
    - {{name: corp, issuer: "{ISSUER}", audiences: [forebay], localJWKS: {{type: Inline, inline: '{keys}'}}}}
"""


def by_plan(name: str) -> str:
    """`large` is for who has shown a gold plan."""
    return f"""---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {name}}}]
  models: [auto]
  signals:
  - {{name: plan, claims: {{jwt: {{provider: corp, claim: plan}}, any: [gold]}}}}
  - {{name: scope, claims: {{jwt: {{claim: scope}}, any: [batch]}}}}
  strategies:
  - {{name: careful, direct: {{pools: [{{name: large}}]}}}}
  - {{name: plain, direct: {{pools: [{{name: small}}]}}}}
  rules:
  - {{name: gold, when: signals.plan.matched, use: careful}}
  - {{name: batch, when: signals.scope.matched, use: careful}}
  default: {{use: plain}}
"""


def test_claims_of_a_token_that_the_gateway_has_verified_decide(site: Site) -> None:
    corp, stranger = Signer(), Signer()
    site.apply(security(site.name, corp.key_set) + by_plan(site.name))
    site.programmed()
    site.wait_served_by("small")

    def server(bearer: str) -> str:
        answer = site.ask("hello", authorization=bearer)
        return answer.headers.get("x-sim-server", str(answer.status_code))

    assert server(corp.bearer(plan="gold")) == "large"
    assert server(corp.bearer(scope="read batch")) == "large"
    assert server(corp.bearer(plan="silver")) == "small"
    assert server(stranger.bearer(plan="gold")) == "401"
