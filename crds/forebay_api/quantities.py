"""Scalars that manifests spell as strings: durations, byte sizes and money, with their parsers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

# Gateway API duration (GEP-2257).
DURATION_PATTERN = r"^([0-9]{1,5}(h|m|s|ms)){1,4}$"
BYTES_PATTERN = r"^[0-9]{1,12}(Ki|Mi|Gi)?$"
MONEY_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,9})?$"
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"

Duration = Annotated[str, Meta(pattern=DURATION_PATTERN, max_length=24)]
ByteSize = Annotated[str, Meta(pattern=BYTES_PATTERN, max_length=14)]
Money = Annotated[str, Meta(pattern=MONEY_PATTERN, max_length=19)]
Name = Annotated[str, Meta(pattern=NAME_PATTERN, min_length=1, max_length=63)]
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
