"""The load generator's parser finds the end of a response, however its bytes arrive."""

from __future__ import annotations

import pytest
from http_response import Malformed, Response

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 429 No\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nb;x=y\r\n0\r\n\r\n world\r\n0\r\n\r\n"
TRAILED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("raw", [SIZED, CHUNKED, TRAILED, EMPTY])
def test_a_response_is_whole_with_its_last_byte_wherever_it_is_cut(raw: bytes) -> None:
    for cut in range(1, len(raw)):
        response = Response()
        assert not response.feed(raw[:cut])
        assert response.feed(raw[cut:])
        assert response.status == int(raw[9:12])


def test_a_response_that_ends_with_its_connection_says_so() -> None:
    response = Response()
    response.feed(EMPTY)
    assert response.closes


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nwhere does it end",
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    ],
)
def test_bytes_without_a_findable_end_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        Response().feed(raw)
