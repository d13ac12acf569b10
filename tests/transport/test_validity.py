"""When certificates expire, as OpenSSL says it of the same files."""

from __future__ import annotations

import random
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from forebay_transport.validity import expiry


@pytest.mark.parametrize("end", [datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC), datetime(2055, 1, 2, tzinfo=UTC)])
def test_the_first_to_expire_counts_of_a_chain(tmp_path: Path, end: datetime) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("forebay-operator", not_after=end).cert_chain_pems[0].bytes()
    file = tmp_path / "leaf.pem"
    file.write_bytes(leaf)
    openssl: Any = ssl._ssl  # type: ignore[attr-defined]
    assert expiry(leaf) == end.timestamp() == ssl.cert_time_to_seconds(openssl._test_decode_cert(str(file))["notAfter"])
    later = authority.cert_pem.bytes()
    assert expiry(leaf + later) == min(end.timestamp(), expiry(later) or 0.0)


def test_what_is_no_certificate_says_nothing() -> None:
    assert expiry(b"") is None
    assert expiry(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----") is None
    leaf = trustme.CA().cert_pem.bytes()
    for seed in range(200):
        broken = bytearray(leaf)
        broken[random.Random(seed).randrange(len(broken))] ^= 0x15
        expiry(bytes(broken))
