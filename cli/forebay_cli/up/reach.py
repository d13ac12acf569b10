"""Whether Envoy has found a data plane to ask.

It has its configuration a moment before its health checks have passed, and until then answers 503: whoever sends the
first request once `forebay up` says "live" should not be the one to notice.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote

ATTEMPT_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 0.05
_HEALTHY: Final = "cluster.data-plane.membership_healthy"
"""Spelt out: the operator's module that names the cluster takes a second to import."""
_MOST_BYTES: Final = 1 << 16


async def wait_reached(admin: str, seconds: float) -> bool:
    """Wait until Envoy, whose admin interface is at `admin` (``host:port``), holds a worker healthy; False where it does
    not in that time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await _reached(admin):
                    return True
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        return False


async def _reached(admin: str) -> bool:
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            return healthy_workers(await _stats(admin)) > 0
    except OSError:
        return False


def healthy_workers(answer: bytes) -> int:
    """Workers that Envoy's statistics call healthy; 0 where they say nothing of them."""
    for line in answer.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(": ")
        if name == _HEALTHY and value.isdigit():
            return int(value)
    return 0


async def _stats(admin: str) -> bytes:
    host, _, port = admin.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        wanted = quote(f"^{_HEALTHY}$")
        writer.write(f"GET /stats?filter={wanted} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        return await reader.readexactly(_MOST_BYTES)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    finally:
        writer.close()
