"""The small HTTP port of both planes for /metrics, /healthz and /readyz.

It answers on the process's own loop: a /healthz that is answered says that the loop turns. Text is rendered on a thread
from what was frozen on the loop, once for all who ask meanwhile, so that a scrape holds up nothing.

Whoever reaches the port must not be able to keep kubelet from it: a probe that is not answered is a restart. So nobody is
turned away; where there are too many connections, the one that has said nothing for longest gives way to the newest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

HEAD_SECONDS: Final = 2.0
"""For a request to come: whoever asks here does so at once, and from near."""
ANSWER_SECONDS: Final = 5.0
MAX_HEAD_BYTES: Final = 16 << 10
MAX_CONNECTIONS: Final = 256
"""Each is a file, and whatever the process is for needs files, too."""
BACKLOG: Final = 100
"""Connections that wait to be accepted: fewer than there may be, so that what came with a connection is read before newer
ones can push it out."""
TEXT: Final = "text/plain; charset=utf-8"
_REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}
Page = Callable[[], Callable[[], tuple[str, bytes]]]
"""Freezes on the loop; what it returns renders on a thread, to content type and text."""


class Exposition:
    """Serves `page` at /metrics. /healthz is 200 whenever the loop turns; /readyz asks `ready`: ``""``, or why not."""

    def __init__(self, page: Page, ready: Callable[[], str]) -> None:
        self._page = page
        self._ready = ready
        self._silent: dict[asyncio.StreamWriter, None] = {}
        """Connections without a request, the oldest first."""
        self._answering: dict[asyncio.StreamWriter, None] = {}
        self._rendering: asyncio.Future[tuple[str, bytes]] | None = None
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._silent) + len(self._answering)

    async def listen(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one where `port` is 0. Raises OSError where it cannot be had."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD_BYTES, backlog=BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening; answers under way are cut."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.connections >= MAX_CONNECTIONS:
            self._hang_up()
        self._silent[writer] = None
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            if writer not in self._silent:
                return
            del self._silent[writer]
            self._answering[writer] = None
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._exchange(head, writer)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            # Whoever sends no request in time, or does not read the answer, gets none.
            writer.transport.abort()
        finally:
            self._forget(writer)
            writer.close()

    def _hang_up(self) -> None:
        """Make room for one connection."""
        oldest = next(iter(self._silent or self._answering))
        self._forget(oldest)
        oldest.transport.abort()

    def _forget(self, writer: asyncio.StreamWriter) -> None:
        self._silent.pop(writer, None)
        self._answering.pop(writer, None)

    async def _exchange(self, head: bytes, writer: asyncio.StreamWriter) -> None:
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
            return 200, *await self._rendered()
        if path == b"/healthz":
            return 200, TEXT, b"ok\n"
        if path == b"/readyz":
            why_not = self._ready()
            return (503, TEXT, f"{why_not}\n".encode()) if why_not else (200, TEXT, b"ok\n")
        return 404, TEXT, b"/metrics, /healthz or /readyz\n"

    async def _rendered(self) -> tuple[str, bytes]:
        if self._rendering is None or self._rendering.done():
            self._rendering = asyncio.ensure_future(asyncio.to_thread(self._page()))
        return await asyncio.shield(self._rendering)
