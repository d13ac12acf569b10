"""One HTTP/1.1 response as it arrives: as little parsing as keeps the count honest (framing, status, an expected text)."""

from __future__ import annotations

import re
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CLOSES: Final = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)


class Malformed(ValueError):
    """The bytes are no response that a keep-alive client can find the end of."""


class Response:
    """Feed it bytes until it is complete; then `status`, `head`, `raw` and `closes` hold. One object a response."""

    __slots__ = ("_at", "_end", "closes", "head", "raw", "status")

    def __init__(self) -> None:
        self.status = 0
        self.head = b""
        self.raw = b""
        self.closes = False
        self._end = -1
        """Where the response ends, once a length says so; -1 while it is unknown or chunked."""
        self._at = 0
        """Start of the next chunk's size line."""

    def feed(self, data: bytes) -> bool:
        """True once the response is whole. Raises Malformed."""
        raw = self.raw = self.raw + data if self.raw else data
        if not self.status:
            head_end = raw.find(HEAD_END)
            if head_end < 0:
                return False
            self._read_head(raw[: head_end + 2], head_end + len(HEAD_END))
        if self._end >= 0:
            return len(raw) >= self._end
        return self._skip_chunks()

    def _read_head(self, head: bytes, body: int) -> None:
        if not head.startswith(b"HTTP/1.") or not head[9:12].isdigit():
            raise Malformed(f"no status line: {head[:40]!r}")
        self.status = int(head[9:12])
        self.head = head
        self.closes = _CLOSES.search(head) is not None
        length = _LENGTH.search(head)
        if length is not None:
            self._end = body + int(length.group(1))
        elif _CHUNKED.search(head) is not None:
            self._at = body
        elif self.status in (204, 304):
            self._end = body
        else:
            raise Malformed("neither content-length nor chunked: its end cannot be found")

    def _skip_chunks(self) -> bool:
        raw = self.raw
        while True:
            line_end = raw.find(b"\r\n", self._at)
            if line_end < 0:
                return False
            try:
                size = int(raw[self._at : line_end].partition(b";")[0], 16)
            except ValueError as error:
                raise Malformed(f"bad chunk size: {raw[self._at : line_end][:40]!r}") from error
            if size == 0:
                return raw.find(HEAD_END, line_end) >= 0
            after = line_end + 2 + size + 2
            if len(raw) < after:
                return False
            self._at = after
