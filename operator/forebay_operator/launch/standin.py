"""A stand-in for the operator, for an Envoy that starts while none leads: the last good configuration over xDS.

It is the operator's own xDS server on a loopback address, so an Envoy that was served here goes on with the operator
as with a new leader: it says what it has, is sent what differs, and drops no request. An Envoy that has any
configuration is refused: what it has came from an operator, with credentials, and is better.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from forebay_operator.lastgood.shards import snapshot_of
from forebay_operator.xds.server import XdsServer
from forebay_transport.shards import UnusableShards, read_directory

LOG: Final = logging.getLogger(__name__)


class StandIn:
    """Stands by until `offer`. `directory` None, empty or unusable: there is nothing to offer."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._server = XdsServer(leading=False, newcomers_only=True)
        self._loaded = False
        self._said = ""

    async def start(self) -> str:
        """Listen; return the address."""
        (address,) = await self._server.start(["127.0.0.1:0"])
        return address

    def offer(self) -> bool:
        """Serve the last good configuration to whoever has none; True where there is one."""
        if not self._loaded:
            self._loaded = self._load()
        self._server.lead(self._loaded)
        return self._loaded

    def withdraw(self) -> None:
        """An operator leads: send everybody to it."""
        self._server.lead(False)

    async def stop(self) -> None:
        await self._server.stop(0.1)

    def _load(self) -> bool:
        try:
            content = None if self._directory is None else read_directory(self._directory)
        except (UnusableShards, OSError) as error:
            return self._say(f"the last good configuration in {self._directory} cannot be used: {error}")
        if content is None:
            return self._say("there is no last good configuration here: Envoy waits for an operator")
        self._server.publish(snapshot_of(content))
        LOG.warning("no operator leads: Envoy starts from the last good configuration, without credentials")
        return True

    def _say(self, problem: str) -> bool:
        if problem != self._said:
            self._said = problem
            LOG.warning("%s", problem)
        return False
