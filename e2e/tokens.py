"""Tokens of an issuer of ours, and the key set that they are verified by."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

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
