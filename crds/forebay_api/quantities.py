"""Scalars that manifests spell as strings: durations, byte sizes and money, with their parsers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final

from msgspec import Meta

# Gateway API duration (GEP-2257).
DURATION_PATTERN: Final = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
BYTES_PATTERN: Final = r"^[0-9]{1,12}(Ki|Mi|Gi)?$"
# At most 64Mi, stated so that the API server can check it without arithmetic.
BODY_SIZE_PATTERN: Final = r"^([1-9][0-9]{0,6}|[1-9][0-9]{0,3}Ki|([1-9]|[1-5][0-9]|6[0-4])Mi)$"
MONEY_PATTERN: Final = r"^[0-9]{1,9}(\.[0-9]{1,9})?$"
NAME_PATTERN: Final = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
LABEL_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
HOSTNAME_PATTERN: Final = r"^(\*|(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?)$"
HOST_PATTERN: Final = r"^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$"
_IPV6: Final = "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
SERVER_PATTERN: Final = f"^([-A-Za-z0-9.]+|{_IPV6})$"
"""A name or an IP address, and no port behind it: two colons at least make an IPv6 address."""
LISTEN_PATTERN: Final = rf"^([0-9]{{1,3}}(\.[0-9]{{1,3}}){{3}}|{_IPV6})$"
"""What Envoy listens on: an IP address, never a name."""
# Visible ASCII, because the name travels in headers; no `|`, which separates names there.
MODEL_PATTERN: Final = r"^[!-{}~]+$"

Duration = Annotated[str, Meta(pattern=DURATION_PATTERN, max_length=24, examples=["500ms", "20s", "1m30s"])]
ByteSize = Annotated[str, Meta(pattern=BYTES_PATTERN, max_length=14, examples=["512Ki", "8Mi"])]
BodySize = Annotated[str, Meta(pattern=BODY_SIZE_PATTERN, max_length=8, examples=["512Ki", "8Mi", "64Mi"])]
Money = Annotated[str, Meta(pattern=MONEY_PATTERN, max_length=19, examples=["0.05", "12"])]
Name = Annotated[str, Meta(pattern=NAME_PATTERN, min_length=1, max_length=63, examples=["a-name"])]
ObjectName = Annotated[str, Meta(pattern=NAME_PATTERN, min_length=1, max_length=253, examples=["a-name"])]
Hostname = Annotated[
    str,
    Meta(pattern=HOSTNAME_PATTERN, max_length=253, examples=["llm.example.com", "*.example.com", "*"]),
]
Namespace = Annotated[str, Meta(pattern=LABEL_PATTERN, min_length=1, max_length=63, examples=["team-a"])]
SectionName = Annotated[str, Meta(pattern=NAME_PATTERN, min_length=1, max_length=253, examples=["https"])]
PortName = Annotated[str, Meta(pattern=LABEL_PATTERN, min_length=1, max_length=63, examples=["http"])]
ModelName = Annotated[
    str, Meta(pattern=MODEL_PATTERN, min_length=1, max_length=253, examples=["Qwen/Qwen2.5-7B-Instruct"])
]
Port = Annotated[int, Meta(ge=1, le=65535)]
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]

_DURATION_PART = re.compile(r"([0-9]{1,5})(ms|h|m|s)")
_DURATION_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTE_UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def duration_seconds(text: Duration) -> float:
    """Seconds in a Gateway API duration such as ``1m30s``; the text has passed DURATION_PATTERN."""
    return sum(int(number) * _DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(text))


def byte_count(text: ByteSize) -> int:
    """Bytes in a size such as ``32Mi``; the text has passed BYTES_PATTERN."""
    digits = text.rstrip("KMGi")
    return int(digits) * _BYTE_UNITS[text[len(digits) :]]


def money(text: Money) -> Decimal:
    """US dollars of a decimal string."""
    return Decimal(text)
