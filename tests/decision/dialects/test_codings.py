"""A body that is not coded as its headers say is answered with the header's name and the fix."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from forebay_decision.dialects.openai.codings import named
from forebay_decision.dialects.openai.view import read
from forebay_decision.errors import BadRequest

CHAT = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}]}).encode()
KNOWN = {"content-length": "9"}
"""Headers of a body that Envoy has not inflated: it takes the length away where it does."""


def refusal(body: bytes, headers: dict[str, str]) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read("ChatCompletions", body)
    return named(caught.value, headers, body)


@pytest.mark.parametrize(
    ("body", "headers", "fix"),
    [
        (b"", {}, "leave that header out, or compress the body"),
        (CHAT[:30], {}, "send it whole, or as it is"),
        (CHAT[:-4] + "é".encode()[:1], {}, "send it whole, or as it is"),
        (gzip.compress(CHAT), KNOWN, "send 'content-encoding: gzip', or the body as it is"),
        (gzip.compress(CHAT), {}, "send 'content-encoding: gzip', or the body as it is"),
        (zlib.compress(CHAT), KNOWN, "send it as it is, or with gzip"),
        (b"\x28\xb5\x2f\xfd\x00", KNOWN, "send it as it is, or with gzip"),
    ],
)
def test_the_header_that_may_lie_is_named_with_the_fix(body: bytes, headers: dict[str, str], fix: str) -> None:
    error = refusal(body, headers)
    assert fix in error.message
    assert "content-encoding" in error.message
    assert (error.http_status, error.code in ("invalid_json", "invalid_utf8")) == (400, True)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", KNOWN),
        (CHAT[:30], KNOWN),
        (b"{]", {}),
        (b'{"model":"\xff"}', KNOWN),
        (b'{"model":"auto","model":"b"}', {}),
    ],
)
def test_an_error_of_the_json_is_told_as_such(body: bytes, headers: dict[str, str]) -> None:
    assert "content-encoding" not in refusal(body, headers).message
