"""The data plane's port for /metrics, /healthz and /readyz.

Not prometheus-client's server: that one starts a thread a scrape, and readiness belongs on the loop that would stall. A
scrape delays no decision by more than the interpreter's switch interval.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from forebay_transport import exposition


class Exposition(exposition.Exposition):
    """Serves `registry`; /healthz says that the loop turns, /readyz asks `ready` (``""`` or why not)."""

    def __init__(self, registry: CollectorRegistry, ready: Callable[[], str]) -> None:
        super().__init__(lambda: lambda: (CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry)), ready)

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one where `port` is 0."""
        return await self.listen(host, port)
