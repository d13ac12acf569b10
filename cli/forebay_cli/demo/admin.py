"""What Envoy and the simulated servers say of themselves: retry counters, and the requests as they arrived."""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from typing import Any, Final

import msgspec

from forebay_cli.demo.servers import Fleet
from forebay_cli.up.supervisor import Supervisor
from forebay_decision.names import CREDENTIAL_HEADERS

TIMEOUT_SECONDS: Final = 5.0
_RETRIES: Final = "upstream_rq_retry$"


async def retries(supervisor: Supervisor) -> int:
    """Requests that Envoy has sent again since it started, to another server or another pool."""
    told = await _get(f"http://{supervisor.plan.addresses.admin}/stats?format=json&filter={_RETRIES}")
    return sum(stat.get("value", 0) for stat in told["stats"] if stat.get("name", "").startswith("cluster."))


async def credentials_seen(fleet: Fleet) -> dict[str, set[str]]:
    """Server -> the values of every credential header among its last requests."""
    seen: dict[str, set[str]] = {}
    for name in fleet.servers:
        told = await _get(f"{fleet.url(name)}/sim/last?n=20", fleet.trust())
        headers = [request["headers"] for request in told["requests"]]
        seen.setdefault(told["server"], set()).update(
            value for sent in headers for key, value in sent.items() if key in CREDENTIAL_HEADERS
        )
    return seen


async def _get(url: str, trust: ssl.SSLContext | None = None) -> Any:
    """A JSON document. Raises OSError."""

    def fetch() -> bytes:
        # Without the proxies that the environment may name: everything is on this machine.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            return bytes(response.read())

    return msgspec.json.decode(await asyncio.to_thread(fetch))
