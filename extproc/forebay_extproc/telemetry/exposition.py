"""The tiny HTTP port for /metrics, /healthz and /readyz.

Its own few lines instead of prometheus-client's server: that one starts a thread a scrape, and readiness belongs on
the loop that would stall. The text is rendered on a thread, so that a scrape delays no decision by more than the
interpreter's switch interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

READ_SECONDS: Final = 5.0
MAX_HEAD: Final = 16 << 10
MAX_CONNECTIONS: Final = 64
"""Each is a file, and decisions need files, too."""
_REASONS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class Exposition:
    """Serves `registry`; /healthz says that the loop turns, /readyz asks `ready` (``""`` or why not)."""

    def __init__(self, registry: CollectorRegistry, ready: Callable[[], str]) -> None:
        self._registry = registry
        self._ready = ready
        self._connections = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one where `port` is 0."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
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
        status, kind, body = await self._answer(head)
        writer.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: {kind}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        )
        if not head.startswith(b"HEAD "):
            writer.write(body)
        await writer.drain()

    async def _answer(self, head: bytes) -> tuple[int, str, bytes]:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return 405, "text/plain", b"GET or HEAD\n"
        if path == b"/metrics":
            return 200, CONTENT_TYPE_PLAIN_0_0_4, await asyncio.to_thread(generate_latest, self._registry)
        if path == b"/healthz":
            return 200, "text/plain", b"ok\n"
        if path == b"/readyz":
            why_not = self._ready()
            return (503, "text/plain", f"{why_not}\n".encode()) if why_not else (200, "text/plain", b"ok\n")
        return 404, "text/plain", b"/metrics, /healthz or /readyz\n"
