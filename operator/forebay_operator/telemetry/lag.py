"""How late the loop is: what holds it up holds up acknowledgements, probes and the Lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

LOOK_SECONDS: Final = 0.05


async def measure_lag(observe: Callable[[float], None]) -> None:
    """Tell by how many seconds a short sleep was overslept, again and again, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        observe(max(0.0, loop.time() - due))
