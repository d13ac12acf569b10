"""Neighbours: who the other replicas of the data plane are, where a Service says so.

Replicas are called by their IP addresses there, because that is all that a name server tells of them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from forebay_extproc.outcomes.peers import Peers
from forebay_transport.address import resolve, split

LOOK_SECONDS: Final = 5.0


class Neighbours:
    """Keeps `peers` at the addresses of `service` (``host:port``) other than `replica`'s own."""

    def __init__(
        self,
        peers: Peers,
        service: str,
        replica: str,
        look_up: Callable[[Iterable[str]], Awaitable[tuple[str, ...]]] = resolve,
    ) -> None:
        self._peers = peers
        self._service = service
        self._replica = replica
        self._look_up = look_up

    async def run(self) -> None:
        """Until cancelled. A name that cannot be looked up now changes nothing."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))

    async def look(self) -> None:
        """Once."""
        if found := {split(address)[0]: address for address in await self._look_up((self._service,))}:
            found.pop(self._replica, None)
            self._peers.meet(found)
