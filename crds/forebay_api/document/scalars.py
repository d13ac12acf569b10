"""Plain YAML scalars -> JSON values, by the YAML 1.2 core schema as far as JSON can hold it.

YAML 1.1, which PyYAML and kubectl follow, reads ``Off``, ``no`` and ``on`` as booleans and ``1:30`` as a number. Here
only true and false are booleans, and what is no decimal number is text.
"""

from __future__ import annotations

import math
import re
from typing import Final

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# No leading zeros: 010 is eight to YAML 1.1 and ten to YAML 1.2, so it stays text and a number field refuses it.
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INT64_DIGITS: Final = 19
_EXACT: Final = 2**53
_YAML_1_1_BOOLEANS: Final = frozenset(
    {"y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"}
)

# As far as it is no number above: leading zeros, underscores, other bases.
_YAML_1_1_NUMBER: Final = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F_]*[0-9a-fA-F]|0[oO][0-7_]*[0-7]|0[bB][01_]*[01]|[0-9][0-9_]*(\.[0-9_]*)?)"
    r"([eE][-+]?[0-9]+)?"
)


def resolve_scalar(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar; 8.0 is 8, because JSON does not tell them apart.

    Raises ValueError where the number is one that JSON cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        if len(text.lstrip("+-")) > _INT64_DIGITS or not -(2**63) <= int(text) < 2**63:
            raise ValueError("the number does not fit in 64 bits")
        return int(text)
    if _FLOAT.fullmatch(text):
        if not math.isfinite(number := float(text)):
            raise ValueError("the number is too large")
        return int(number) if number.is_integer() and abs(number) < _EXACT else number
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("infinity and NaN are not numbers here")
    return text


def kubectl_reading(text: str) -> str:
    """What an unquoted scalar that is text here would be to kubectl, where that is not text; otherwise empty."""
    if text in _YAML_1_1_BOOLEANS:
        return "a boolean"
    return "a number" if _YAML_1_1_NUMBER.fullmatch(text) else ""
