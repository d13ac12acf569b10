"""Credentials in URLs: a user and a password before the host (RFC 3986, 3.2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.regex import compile_linear

_USER_AND_PASSWORD: Final = compile_linear(
    r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/?#@:\"'<>`]{0,256}:[^\s/?#@\"'<>`]{1,256}@[\pL\pN\[]"
)
_PLACEHOLDERS: Final = (b"$", b"{", b"<", b"%s", b"***")


def find_url_credentials(text: bytes) -> Iterator[tuple[int, int]]:
    if b"://" not in text or b"@" not in text:
        return
    for match in _USER_AND_PASSWORD.finditer(text):
        start, end = match.span()
        password = text[start:end].rpartition(b"@")[0].rpartition(b":")[2]
        if not password.startswith(_PLACEHOLDERS):
            yield start, end - 1
