"""The last requests as they arrived, so that tests see what a proxy really sent.

Shown headers include credentials: that an upstream got the right one is what such tests are about. Nothing is written
to disk or to a log, and what is kept is bounded.
"""

from __future__ import annotations

import time
from collections import deque

import msgspec
from aiohttp.typedefs import RawHeaders

MAX_REQUESTS = 20
MAX_BODY_BYTES = 64 << 10


class _Arrival(msgspec.Struct, frozen=True):
    at: float
    method: str
    target: str
    headers: RawHeaders
    body: bytes
    body_bytes: int


class SeenRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request; ``at`` is in seconds since the epoch, ``body`` its first 64 KiB as text, ``bodyBytes`` its length.

    Header names are in lower case; values of repeated headers are joined with ", ".
    """

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: str
    body_bytes: int
    body_truncated: bool


class RecentRequests:
    """A ring of the last 20 requests."""

    def __init__(self) -> None:
        self._ring: deque[_Arrival] = deque(maxlen=MAX_REQUESTS)
        self.total = 0

    def add(self, method: str, target: str, headers: RawHeaders, body: bytes) -> None:
        self.total += 1
        self._ring.append(_Arrival(time.time(), method, target, headers, body[:MAX_BODY_BYTES], len(body)))

    def last(self, count: int = 1) -> list[SeenRequest]:
        """Up to ``count`` requests, newest first."""
        newest_first = list(self._ring)[::-1]
        return [_show(arrival) for arrival in newest_first[:count]]


def _show(arrival: _Arrival) -> SeenRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in arrival.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "replace")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return SeenRequest(
        at=arrival.at,
        method=arrival.method,
        path=arrival.target,
        headers=headers,
        body=arrival.body.decode("utf-8", "replace"),
        body_bytes=arrival.body_bytes,
        body_truncated=arrival.body_bytes > MAX_BODY_BYTES,
    )
