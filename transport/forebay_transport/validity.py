"""Until when certificates hold: read out of their DER, because the standard library shows it of a peer's alone.

Source: RFC 5280, 4.1: Certificate > TBSCertificate > [0] version, serialNumber, signature, issuer, validity.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Final

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_BEFORE_VALIDITY: Final = 3
"""serialNumber, signature and issuer."""


def expiry(pem: bytes) -> float | None:
    """When the first of these certificates expires, in seconds since 1970; None where none can be read."""
    ends = [end for found in _PEM.findall(pem) if (end := _not_after(found)) is not None]
    return min(ends, default=None)


def _not_after(encoded: bytes) -> float | None:
    try:
        der = base64.b64decode(encoded)
        _, to_be_signed, _ = _element(der, _element(der, 0)[1])
        tag, _, after = _element(der, to_be_signed)
        at = after if tag == _VERSION else to_be_signed
        for _ in range(_BEFORE_VALIDITY):
            at = _element(der, at)[2]
        _, validity, _ = _element(der, at)
        tag, start, end = _element(der, _element(der, validity)[2])
        text = der[start:end].decode("ascii")
        # A year of two digits is of 1950 to 2049, which strptime sees otherwise from 69 on.
        if tag == _UTC_TIME:
            text = ("19" if text[:2] >= "50" else "20") + text
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except (IndexError, ValueError, binascii.Error):
        return None


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start of content and end of the element that begins at `at`."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der):
        raise ValueError("an element is cut off")
    return tag, start, start + length
