"""Tokens that a Gateway's SecurityPolicy verifies: the data plane sees their claims, and nobody else's."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .behind import Site

ISSUER = "https://login.example.com"


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key that makes tokens, and the key set that they are verified by."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        modulus = self._key.public_key().public_numbers().n.to_bytes(256, "big")
        public = {"kty": "RSA", "alg": "RS256", "kid": "1", "n": encoded(modulus), "e": "AQAB"}
        self.key_set = json.dumps({"keys": [public]})

    def bearer(self, **claims: Any) -> str:
        payload = {"iss": ISSUER, "aud": "forebay", "exp": int(time.time()) + 300, **claims}
        signed = f"{encoded({'alg': 'RS256', 'kid': '1'})}.{encoded(payload)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"Bearer {signed}.{encoded(signature)}"


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
