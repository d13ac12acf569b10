"""The operator's port for /metrics, /healthz and /readyz."""

from __future__ import annotations

from forebay_transport import exposition


class Exposition(exposition.Exposition):
    """As `forebay_transport.exposition` has it, with addresses as options spell them."""

    async def start(self, address: str) -> str:
        """Listen on ``host:port``, port 0 for a free one; return what is listened on. Raises OSError where it cannot be
        had."""
        host, _, port = address.rpartition(":")
        return f"{host}:{await self.listen(host.strip('[]'), int(port))}"
