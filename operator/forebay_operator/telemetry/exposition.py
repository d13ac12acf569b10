"""The small HTTP port for /metrics, /healthz and /readyz.

It answers on the operator's own loop: a /healthz that is answered says that the loop turns. Text is rendered on a
thread from what was frozen on the loop, so that a scrape of a thousand pools holds up no acknowledgement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

READ_SECONDS: Final = 5.0
MAX_HEAD_BYTES: Final = 16 << 10
MAX_CONNECTIONS: Final = 64
TEXT: Final = "text/plain; charset=utf-8"
_REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
Page = Callable[[], Callable[[], tuple[str, bytes]]]
"""Freezes on the loop; what it returns renders on a thread, to content type and text."""


class Exposition:
    """Serves `page` at /metrics. /healthz is 200 whenever the loop turns; /readyz asks `ready`: ``""``, or why not."""

    def __init__(self, page: Page, ready: Callable[[], str]) -> None:
        self._page = page
        self._ready = ready
        self._connections = 0
        self._server: asyncio.Server | None = None

    async def start(self, address: str) -> str:
        """Listen on ``host:port``, port 0 for a free one; return what is listened on. Raises OSError where it cannot be
        had."""
        host, _, port = address.rpartition(":")
        self._server = await asyncio.start_server(self._serve, host.strip("[]"), int(port), limit=MAX_HEAD_BYTES)
        return f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening; answers under way are cut."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= MAX_CONNECTIONS:
                async with asyncio.timeout(READ_SECONDS):
                    await self._exchange(reader, writer)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            # Whoever sends no request in time gets no answer.
            pass
        finally:
            self._connections -= 1
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.partition(b" ")
        status, kind, body = await self._answer(method, rest.partition(b" ")[0].partition(b"?")[0])
        writer.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        )
        if method != b"HEAD":
            writer.write(body)
        await writer.drain()

    async def _answer(self, method: bytes, path: bytes) -> tuple[int, str, bytes]:
        if method not in (b"GET", b"HEAD"):
            return 405, TEXT, b"GET or HEAD\n"
        if path == b"/metrics":
            kind, text = await asyncio.to_thread(self._page())
            return 200, kind, text
        if path == b"/healthz":
            return 200, TEXT, b"ok\n"
        if path == b"/readyz":
            why_not = self._ready()
            return (503, TEXT, f"{why_not}\n".encode()) if why_not else (200, TEXT, b"ok\n")
        return 404, TEXT, b"/metrics, /healthz or /readyz\n"
