"""IP addresses of version 4 and 6, but for those that stand for no machine in particular (loopback, unspecified)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.pii.finding import touches_word
from forebay_decision.signals.regex import compile_linear

_V4: Final = compile_linear(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_V6: Final = compile_linear(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.[0-9]{1,3}){3})?")
_VERSION: Final = re.compile(rb"(?:\bv|\bver|version|release|build)[\s.:=]{0,2}$", re.IGNORECASE)
_LEAST_V6: Final = 3
"""Groups of an address of version 6; fewer may be what `::` means in many programming languages."""
_UNICAST: Final = re.compile(r"[23][0-9A-Fa-f]{3}|[Ff][CDcd][0-9A-Fa-f]{2}|[Ff][Ee]80")


def find_addresses(text: bytes) -> Iterator[tuple[int, int]]:
    if b"." in text:
        yield from _found(text, _V4)
    if text.count(b":") > 1:
        yield from _found(text, _V6)


def _found(text: bytes, pattern: object) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):  # type: ignore[attr-defined]
        start, end = match.span()
        if not touches_word(text, start, end) and not _goes_on(text, start, end) and _names_machine(text, start, end):
            yield start, end


def _goes_on(text: bytes, start: int, end: int) -> bool:
    """Whether this is a piece of something longer: a fifth number after a point, a group after a colon."""
    sign = text[start - 1 : start]
    if sign in (b".", b":") and start > 1 and (text[start - 2 : start - 1].isalnum() or sign == b":"):
        return True
    if text[end : end + 1] not in (b".", b":") or not text[end + 1 : end + 2].isalnum():
        return False
    has_port = text[end : end + 1] == b":" and text[end + 1 : end + 2].isdigit() and b":" not in text[start:end]
    return not has_port


def _names_machine(text: bytes, start: int, end: int) -> bool:
    written = text[start:end].decode()
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    if address.version == 6:
        groups = written.split(":")
        if len([group for group in groups if group]) < _LEAST_V6 and not _UNICAST.fullmatch(groups[0]):
            return False
        if "::" not in written and not any(len(group) == 4 or group.lower() != group.upper() for group in groups):
            return False
    elif _VERSION.search(text[max(0, start - 12) : start]):
        return False
    return not (address.is_loopback or address.is_unspecified)
