"""What Forebay adds to a request: time to the answer's first byte through it, less the same asked of the server itself.

Both sides are timed by the same client at the same moment, turn by turn, and their medians compared; so the client's own
time and the simulated server's cancel out, and what is left is what a caller pays. It holds everything: Envoy, the call
to the data plane, the decision, the edit of the body.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping
from typing import Any, Final

from forebay_cli.demo.ask import Answer, Door
from forebay_cli.demo.cases import Request
from forebay_cli.demo.servers import Fleet

ROUNDS: Final = 7


class Stopwatch:
    """Compares the front door with the servers behind it. `upstream` gives each model's own name."""

    def __init__(self, door: Door, fleet: Fleet, upstream: Mapping[str, str]) -> None:
        self._door = door
        self._fleet = fleet
        self._upstream = upstream
        self._direct: dict[str, Door] = {}

    async def added_ms(self, request: Request, answer: Answer) -> float | None:
        """Milliseconds added to this request, or None where no server answered it."""
        model = self._upstream.get(answer.decided.get("model", ""))
        if answer.status != 200 or answer.server not in self._fleet.servers or model is None:
            return None
        body = _brief(request, answer)
        front = Request(kind=request.kind, prefix=request.prefix, body=body)
        behind = Request(kind=request.kind, body=body | {"model": model})
        direct = self._direct_door(answer.server)
        through: list[float] = []
        alone: list[float] = []
        for _ in range(ROUNDS):
            for door, asked, times in ((self._door, front, through), (direct, behind, alone)):
                seconds = await door.first_byte_seconds(asked)
                if seconds is not None:
                    times.append(seconds)
        if not through or not alone:
            return None
        return 1000 * (statistics.median(through) - statistics.median(alone))

    async def settle(self) -> None:
        """Wait until no server is busy with answers that nobody waits for."""
        await asyncio.gather(*(door.settle() for door in (self._door, *self._direct.values())))

    async def close(self) -> None:
        await asyncio.gather(*(door.close() for door in self._direct.values()))

    def _direct_door(self, server: str) -> Door:
        if server not in self._direct:
            url = self._fleet.url(server)
            tls = url.startswith("https")
            # Its own key, so that whoever looks at what the servers saw can tell these requests from Forebay's.
            key = self._fleet.key if tls else "straight-to-the-server"
            self._direct[server] = Door(url, key=key, trust=self._fleet.trust() if tls else None)
        return self._direct[server]


def _brief(request: Request, answer: Answer) -> dict[str, Any]:
    """The request with as short an answer as there is, so that the server's own time hides nothing.

    A limit of tokens would take a request out of what Envoy decides alone; such a one is streamed instead, because its
    header comes with the first token.
    """
    if request.kind == "embeddings":
        return request.body
    if answer.decided.get("decision") == "Envoy":
        return request.body | {"stream": True}
    limit = "max_output_tokens" if request.kind == "responses" else "max_tokens"
    return request.body | {"stream": False, limit: 1}
