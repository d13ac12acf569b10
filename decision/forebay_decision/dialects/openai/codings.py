"""What is said where a body is not coded as its headers say.

Envoy undoes gzip, and takes the header and the length away. Where a body says gzip and is none, nothing at all may be left
of it; where it was cut short, or is past the ratio that Envoy allows, its beginning is. And what is compressed without
saying so comes as bytes that are no text. A caller who reads that the body is empty, or no UTF-8, would look for the
fault in the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forebay_decision.errors import BadRequest

_BEGINNINGS: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x78\x01", "deflate"),
    (b"\x78\x5e", "deflate"),
    (b"\x78\x9c", "deflate"),
    (b"\x78\xda", "deflate"),
)
_UNREADABLE: Final = ("invalid_json", "invalid_utf8")


def named(error: BadRequest, headers: Mapping[str, str], body: bytes) -> BadRequest:
    """The same error, with the header named that may be at fault; `headers` are those that came with `body`."""
    if error.code not in _UNREADABLE:
        return error
    found = next((coding for start, coding in _BEGINNINGS if body.startswith(start)), "")
    if found:
        fix = (
            "send 'content-encoding: gzip', or the body as it is"
            if found == "gzip"
            else "send it as it is, or with gzip"
        )
        message = f"The body starts as {found} does, and no 'content-encoding' header says so: {fix}."
    elif "content-length" in headers:
        return error
    elif not body.strip():
        message = (
            f"{error.message} If it was sent with 'content-encoding: gzip', it is no gzip: leave that header out, or compress"
            " the body."
        )
    elif "truncated" in error.message or error.code == "invalid_utf8":
        message = (
            f"{error.message} If it was sent with 'content-encoding: gzip', it may have been cut short, or inflate to more than"
            " about 100 times its size: send it whole, or as it is."
        )
    else:
        return error
    return BadRequest(message, code=error.code, param=error.param)
