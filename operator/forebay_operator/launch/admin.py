"""What the launcher asks of Envoy's admin interface."""

from __future__ import annotations

from typing import Final

import aiohttp

TIMEOUT: Final = aiohttp.ClientTimeout(total=2.0)
UNDER_WAY: Final = r"^http\.public\.downstream_rq_active$"


class Admin:
    """At ``host:port`` or ``unix:/path``. What cannot be had counts as no."""

    def __init__(self, address: str) -> None:
        socket = address.removeprefix("unix:")
        self._connector = None if socket == address else socket
        self._base = f"http://{address if self._connector is None else 'envoy'}"

    async def is_live(self) -> bool:
        """Whether Envoy has its configuration and serves."""
        return await self._ask("GET", "/ready") == "LIVE\n"

    async def drain(self) -> bool:
        """Tell clients with their next answer to go elsewhere; connections still come in."""
        return await self._ask("POST", "/drain_listeners?graceful&skip_exit") is not None

    async def requests(self) -> int | None:
        """Requests under way on public listeners; None where Envoy does not say."""
        text = await self._ask("GET", f"/stats?filter={UNDER_WAY}")
        if text is None:
            return None
        try:
            return sum(int(line.rpartition(": ")[2]) for line in text.splitlines() if line)
        except ValueError:
            return None

    async def _ask(self, method: str, path: str) -> str | None:
        connector = None if self._connector is None else aiohttp.UnixConnector(self._connector)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
                session.request(method, f"{self._base}{path}") as answer,
            ):
                text = await answer.text()
                return text if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None
