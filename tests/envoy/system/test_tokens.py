"""Verified tokens, through the whole product: who signed what is told apart by Envoy, and policies ask for claims."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from stack import Stack, pool, wait_until

pytestmark = pytest.mark.envoy

ISSUER = "https://login.example.com/"
POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: door}
spec:
  identity: {tenant: {jwt: {provider: corp, claim: org}}}
  signals:
  - {name: plan, claims: {jwt: {provider: corp, claim: plan}, any: [gold, "7", "true"]}}
  - {name: role, claims: {jwt: {claim: realm_access.roles}, any: [admin, auditor]}}
  - {name: scope, claims: {jwt: {claim: scope}, any: [batch]}}
  strategies:
  - {name: cheap, direct: {pools: [{name: small}]}}
  - {name: dear, direct: {pools: [{name: big}]}}
  rules:
  - {name: unknown, when: 'signals.plan.unknown && request.text == "who"', reject: {status: 403, message: Nobody.}}
  - {name: acme, when: 'tenant == "acme"', use: dear}
  - {name: gold, when: signals.plan.matched, use: dear}
  - {name: admin, when: '"admin" in signals.role.labels', use: dear}
  - {name: batch, when: signals.scope.matched, use: dear}
  default: {use: cheap}
"""


NO_ALGORITHM = b'{"alg":"none"}'


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int) -> str:
    return b64(value.to_bytes(size, "big"))


class Signer:
    """A key pair that makes tokens; `public` is its half for a key set."""

    def __init__(self, algorithm: str, kid: str) -> None:
        self.algorithm, self.kid = algorithm, kid
        self.public: dict[str, str]
        self.sign: Callable[[bytes], bytes]
        if algorithm == "RS256":
            self._rsa()
        else:
            self._elliptic()
        self.public |= {"kid": kid, "alg": algorithm, "use": "sig"}

    def _rsa(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = key.public_key().public_numbers()
        self.public = {"kty": "RSA", "n": number(numbers.n, 256), "e": number(numbers.e, 3)}
        self.sign = lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def _elliptic(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        numbers = key.public_key().public_numbers()
        self.public = {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}

        def sign(data: bytes) -> bytes:
            pair = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
            return b"".join(part.to_bytes(32, "big") for part in pair)

        self.sign = sign

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that lives for a minute; claims of None are left out."""
        payload = {"iss": ISSUER, "aud": "forebay", "sub": "ada", "exp": int(time.time()) + 60, **claims}
        head = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **(header or {})}
        kept = {name: value for name, value in payload.items() if value is not None}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(kept).encode())}"
        return f"{signed}.{b64(self.sign(signed.encode()))}"


RSA, EC, STRANGER = Signer("RS256", "one"), Signer("ES256", "two"), Signer("RS256", "one")


def key_set(*signers: Signer) -> str:
    return json.dumps({"keys": [signer.public for signer in signers]})


@pytest.fixture(scope="module")
def door(stack: Stack) -> Stack:
    """Two listeners: the first one wants a token, the second takes who has none."""
    small, big = stack.serve("small", "small", tokens=4), stack.serve("big", "big", tokens=4)
    has = "forwardClientCredentials: true"
    stack.write("pools.yaml", pool("small", "small", small.port) + pool("big", "big", big.port, more=has))
    stack.write("policy.yaml", POLICY)
    stack.write(".corp.jwks", key_set(RSA))
    corp = f"{{name: corp, issuer: '{ISSUER}', audiences: [forebay], jwks: {{file: .corp.jwks}}}}"
    other = f"{{name: other, issuer: 'https://other', audiences: [forebay, api], jwks: {{inline: '{key_set(EC)}'}}}}"
    stack.write(
        "forebay.yaml",
        f"""listeners:
- {{port: 0, jwt: {{providers: [{corp}, {other}]}}}}
- {{port: 0, jwt: {{required: false, providers: [{corp}, {other}]}}}}
""",
    )
    stack.client.headers["authorization"] = f"Bearer {RSA.token()}"
    stack.up()
    del stack.client.headers["authorization"]
    return stack


def asked(door: Stack, token: str | None = None, text: str = "hello", *, at: int = 0, **headers: str) -> Any:
    url = f"{door.running.plan.addresses.listeners[at]}/v1/chat/completions"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["authorization"] = f"Bearer {token}"
    return door.chat(text, path=url, headers=given)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    ("claims", "rule"),
    [
        ({"plan": "gold"}, "gold"),
        ({"plan": 7}, "gold"),
        ({"plan": True}, "gold"),
        ({"plan": ["silver", "gold"]}, "gold"),
        ({"plan": "gold-ish"}, "default"),
        ({"plan": {"gold": True}}, "default"),
        ({}, "default"),
        ({"realm_access": {"roles": ["user", "admin"]}}, "admin"),
        ({"scope": "read batch"}, "batch"),
        ({"org": "acme"}, "acme"),
    ],
)
def test_a_verified_claim_decides(door: Stack, at: int, claims: dict[str, Any], rule: str) -> None:
    answer = asked(door, RSA.token(**claims), at=at)
    assert (answer.status_code, answer.headers["x-forebay-rule"]) == (200, rule), answer.text


def test_an_elliptic_signature_of_another_provider_counts_for_itself_alone(door: Stack) -> None:
    token = EC.token(iss="https://other", aud=["api"], plan="gold", scope="batch")
    assert asked(door, token).headers["x-forebay-rule"] == "batch"


def forged() -> dict[str, str]:
    gold = {"plan": "gold"}
    head, payload, signature = RSA.token(**gold).split(".")
    return {
        "signed by a stranger": STRANGER.token(**gold),
        "another payload": f"{head}.{b64(json.dumps({'iss': ISSUER, 'aud': 'forebay', **gold}).encode())}.{signature}",
        "no algorithm": f"{b64(NO_ALGORITHM)}.{payload}.",
        "no signature": f"{head}.{payload}.",
        "a key as a secret": RSA.token({"alg": "HS256"}, **gold),
        "of another provider's key": EC.token(**gold),
        "expired": RSA.token(**gold, exp=int(time.time()) - 3600),
        "without an end": RSA.token(**gold, exp=None),
        "not yet": RSA.token(**gold, nbf=int(time.time()) + 3600),
        "another issuer's": RSA.token(**gold, iss="https://elsewhere"),
        "for somebody else": RSA.token(**gold, aud="somebody"),
        "for nobody": RSA.token(**gold, aud=None),
        "an API key": "sk-client-key",
        "nothing": "",  # no header at all
    }


@pytest.mark.parametrize("case", forged())
def test_a_token_that_does_not_hold_is_401(door: Stack, case: str) -> None:
    answer = asked(door, forged()[case])
    assert answer.status_code == 401, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", None)
    assert error["code"] == ("token_missing" if case == "nothing" else "token_invalid")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_a_token_every_path_is_401(door: Stack) -> None:
    for path in ("/v1/models", "/elsewhere", "/v1/chat/completions?access_token=" + RSA.token()):
        assert door.get(path).json()["error"]["code"] == "token_missing"


@pytest.mark.parametrize("case", forged())
def test_where_none_is_required_a_forged_token_claims_nothing(door: Stack, case: str) -> None:
    assert asked(door, forged()[case], at=1).headers["x-forebay-rule"] == "default"
    assert asked(door, forged()[case], "who", at=1).headers["x-forebay-rule"] == "unknown"


def test_a_client_cannot_write_what_only_envoy_may(door: Stack) -> None:
    claims = json.dumps({"corp": {"plan": "gold", "org": "acme"}})
    headers = {
        "envoy.filters.http.jwt_authn": claims,
        "x-jwt-payload": b64(claims.encode()),
        "x-envoy-metadata": claims,
        "x-tenant": "acme",
        "org": "acme",
    }
    body = {
        "model": "auto",
        "messages": [{"role": "user", "content": "hello"}],
        "envoy.filters.http.jwt_authn": {"corp": {"plan": "gold"}},
        "metadata": {"envoy.filters.http.jwt_authn": claims, "filter_metadata": claims},
    }
    url = f"{door.running.plan.addresses.listeners[1]}/v1/chat/completions"
    assert door.post(body, url, headers=headers).headers["x-forebay-rule"] == "default"
    bare = door.post(body, url, headers={**headers, "authorization": f"Bearer {RSA.token()}"})
    assert bare.headers["x-forebay-rule"] == "default"


def test_the_token_reaches_only_a_pool_that_is_to_have_it(door: Stack) -> None:
    gold = RSA.token(plan="gold")
    assert asked(door, RSA.token()).status_code == asked(door, gold).status_code == 200
    assert "authorization" not in {name.lower() for name in dict(door.sims["small"].last()[0].headers)}
    assert dict(door.sims["big"].last()[0].headers)["authorization"] == f"Bearer {gold}"


def test_keys_rotate_without_a_restart_and_a_broken_file_changes_nothing(door: Stack) -> None:
    fresh = Signer("RS256", "three")
    assert asked(door, fresh.token()).status_code == 401
    door.write(".corp.jwks", key_set(RSA, fresh))
    wait_until(lambda: asked(door, fresh.token()).status_code == 200, "the new key counts")
    assert asked(door, RSA.token()).status_code == 200
    door.write(".corp.jwks", "{")
    wait_until(lambda: any("jwks" in str(error) for error in door.report.errors), "the report tells of the file")
    assert asked(door, fresh.token()).status_code == 200
    door.write(".corp.jwks", key_set(RSA))
    wait_until(lambda: asked(door, fresh.token()).status_code == 401, "the key is withdrawn")
