"""E-mail addresses: an unquoted local part, and a domain with a top level that may be one (RFC 5321, RFC 6531)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.regex import compile_linear

_ADDRESS: Final = compile_linear(
    r"[\pL\pN!#$%&'*+/=?^_~-]+(?:\.[\pL\pN!#$%&'*+/=?^_~-]+)*@"
    r"(?:[\pL\pN](?:[\pL\pN-]*[\pL\pN])?\.)+(?:xn--[a-z0-9-]{2,59}|\pL{2,63})"
)
_FILES: Final = frozenset(
    b"png jpg jpeg gif svg webp ico css scss js jsx ts tsx json html md py rb go rs java yaml yml toml txt pdf zip".split()
)
"""What follows `@2x.` and the like: endings of files that are no top-level domains, or hardly ever are."""
_MOST_LOCAL: Final = 64
_OPENING: Final = b"'/=?"


def find_emails(text: bytes) -> Iterator[tuple[int, int]]:
    if b"@" not in text:
        return
    for match in _ADDRESS.finditer(text):
        start, end = match.span()
        # Quotes and what assigns stand before an address more often than they begin one: mailto:, x=y@z, 'y@z'.
        while text[start : start + 1] in _OPENING:
            start += 1
        local, _, domain = text[start:end].partition(b"@")
        for sign in b"=/":
            start += local.rfind(sign) + 1
            local = local[local.rfind(sign) + 1 :]
        ending = domain.rpartition(b".")[2].lower()
        if local and len(local) <= _MOST_LOCAL and ending not in _FILES:
            yield start, end
