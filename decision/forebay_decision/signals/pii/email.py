"""E-mail addresses: an unquoted local part, and a domain with a top level that may be one (RFC 5321, RFC 6531).

Around each `@` at most 64 bytes before and 255 after are looked at, so the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_BACKWARDS: Final = re.compile(rb"[\w!#$%&*+^~\x80-\xff-]+(?:\.[\w!#$%&*+^~\x80-\xff-]+)*")
"""A local part read from its end. Quotes, slashes and signs of assignment may begin one, and hardly ever do."""
_DOMAIN: Final = re.compile(
    rb"(?:[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9\x80-\xff-]{0,61}[A-Za-z0-9\x80-\xff])?\.)+"
    rb"(xn--[A-Za-z0-9-]{2,59}|[A-Za-z\x80-\xff]{2,63})(?![\w-])"
)
_FILES: Final = frozenset(
    b"png jpg jpeg gif svg webp ico css scss js jsx ts tsx json html md py rb go rs java yaml yml toml txt pdf zip".split()
)
"""What follows `@2x.` and the like: endings of files that are no top-level domains, or hardly ever are."""
_MOST_LOCAL: Final = 64
_MOST_DOMAIN: Final = 255


def find_emails(text: bytes) -> Iterator[tuple[int, int]]:
    at = text.find(b"@")
    while at >= 0:
        # One byte more than a local part may have: a longer one is none.
        local = _BACKWARDS.match(text[max(0, at - _MOST_LOCAL - 1) : at][::-1])
        domain = _DOMAIN.match(text, at + 1, at + 1 + _MOST_DOMAIN)
        if local and domain and local.end() <= _MOST_LOCAL and domain[1].lower() not in _FILES:
            yield at - local.end(), domain.end()
            at = domain.end() - 1
        at = text.find(b"@", at + 1)
