"""Bodies: how much memory the bodies of all requests of this process take, and who may add to it.

A body is in memory several times: while it arrives, while it is read, and in the answer to Envoy. What the bodies of all
streams may take together is bounded by a budget, so that many large ones at once are told to come again instead of
ending the process, and with it everything that is under way.

Room is taken before Envoy is asked for a body: from then on it comes whole and nothing stops it. Who finds none waits, first
come, first served, for longer than anybody may keep room for a body that does not come: many callers who do not say how
long their bodies are pass one after the other, and those who are slow hold room only as long as nobody else needs it.
Large bodies leave a part of the budget to small ones, which wait for nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

COPIES: Final = 3
"""Times its length that a body of plain ASCII takes at most: as it came, as a message, and as what is read from it."""
WIDE_COPIES: Final = 9
"""The same for other texts: one character beyond the Basic Multilingual Plane has Python hold four bytes for each."""
ANSWERED_COPIES: Final = 2
"""The same once it is answered: as what is sent, and as what the transport has of that."""
SMALL: Final = 256 << 10
"""Bytes taken up to which a body may use all of the budget; not looked at closely either."""
LARGE_SHARE: Final = 7 / 8
"""What larger ones may use of it."""
PATIENT_SECONDS: Final = 1.0
"""How long room is kept for a body that does not come."""
MAX_WAITING: Final = 1024
"""Requests that wait for room, small ones and larger ones each. They have no body yet."""
LOOK_SECONDS: Final = 0.1
"""How often room is looked for that has been kept for long, while somebody waits."""


class Bodies:
    """Lives on the event loop. `limit` is the budget in bytes, `clock` gives monotonic seconds, and `refused` is told why a
    body found no room (``full``) or lost it (``late``)."""

    def __init__(self, limit: int, clock: Callable[[], float], refused: Callable[[str], None]) -> None:
        self.limit = limit
        self.taken = 0
        """Bytes."""
        self._clock = clock
        self._refused = refused
        self._large = 0
        self._awaited: dict[Room, float] = {}
        """Room for bodies that have not come, the oldest first, and since when."""
        self._small: deque[_Waiter] = deque()
        self._larger: deque[_Waiter] = deque()
        """Who waits, the longest first."""
        self._looking = False

    async def room(self, length: int, withdraw: Callable[[], None], seconds: float) -> Room | None:
        """Room for a body of at most `length` bytes that is about to be asked for, or None where there is none for so many
        seconds.

        `withdraw` is called when somebody else gets the room, as long as `hold` or `release` has not been.
        """
        waiter = _Waiter(Room(self, withdraw), length * COPIES)
        waiting = self._small if waiter.size <= SMALL else self._larger
        if len(waiting) < MAX_WAITING:
            waiting.append(waiter)
            try:
                await self._wait(waiter, seconds)
            except asyncio.CancelledError:
                # Out of the line first: what is given back must not go to somebody who has left.
                if not waiter.let_in.done():
                    waiting.remove(waiter)
                waiter.room.release()
                raise
            if not waiter.let_in.done():
                waiting.remove(waiter)
        if waiter.let_in.done():
            return waiter.room
        self._refused("full")
        return None

    async def _wait(self, waiter: _Waiter, seconds: float) -> None:
        self._let_in()
        if not waiter.let_in.done() and seconds > 0.0:
            self._look_later()
            await asyncio.wait((waiter.let_in,), timeout=seconds)

    def _look_later(self) -> None:
        """Look for room that has been kept for long, once for all who wait."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = False
        self._let_in()
        if self._small or self._larger:
            self._look_later()

    def _let_in(self) -> None:
        """Give what room there is to those who have waited longest."""
        for waiting in (self._small, self._larger):
            while waiting and self._make(waiting[0].room, waiting[0].size):
                first = waiting.popleft()
                self._awaited[first.room] = self._clock()
                first.let_in.set_result(None)

    def _make(self, room: Room, size: int) -> bool:
        """Have `room` take `size` bytes, if need be of rooms that have been awaited for long."""
        if self._fits(room, size, 0, 0):
            room.resize(size)
            return True
        late: list[Room] = []
        freed = freed_large = 0
        before = self._clock() - PATIENT_SECONDS
        for awaited, since in self._awaited.items():
            if since > before or awaited is room:
                break
            late.append(awaited)
            freed += awaited.size
            freed_large += awaited.size if awaited.size > SMALL else 0
            if self._fits(room, size, freed, freed_large):
                for each in late:
                    self._refused("late")
                    each.withdraw()
                room.resize(size)
                return True
        return False

    def _fits(self, room: Room, size: int, freed: int, freed_large: int) -> bool:
        others = self.taken - room.size - freed
        if size <= SMALL:
            return others + size <= self.limit
        large = self._large - (room.size if room.size > SMALL else 0) - freed_large
        # One alone always fits: what a policy takes must not be refused for good.
        return not large or (large + size <= self.limit * LARGE_SHARE and others + size <= self.limit)


class _Waiter:
    """Somebody who waits for a room of `size` bytes."""

    __slots__ = ("let_in", "room", "size")

    def __init__(self, room: Room, size: int) -> None:
        self.room = room
        self.size = size
        self.let_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Room:
    """What one body takes of the budget, from `Bodies.room` to `release`."""

    __slots__ = ("_bodies", "_withdraw", "size", "withdrawn")

    def __init__(self, bodies: Bodies, withdraw: Callable[[], None]) -> None:
        self._bodies = bodies
        self._withdraw = withdraw
        self.size = 0
        self.withdrawn = False
        """Somebody else has got it."""

    def hold(self, body: bytes) -> bool:
        """The body has come and is about to be read; False where there is no room for what that takes."""
        self._bodies._awaited.pop(self, None)
        if not self._bodies._make(self, weight(body)):
            self._bodies._refused("full")
            return False
        self._bodies._let_in()
        return True

    def answered(self, length: int) -> None:
        """An answer of `length` bytes is being sent, and nothing else is left of the body."""
        self.resize(length * ANSWERED_COPIES)
        self._bodies._let_in()

    def release(self) -> None:
        """Nothing of the body is left. May be called again."""
        self._bodies._awaited.pop(self, None)
        self.resize(0)
        self._bodies._let_in()

    def withdraw(self) -> None:
        """Give the room to somebody else."""
        self._bodies._awaited.pop(self, None)
        self.resize(0)
        self.withdrawn = True
        self._withdraw()

    def resize(self, size: int) -> None:
        """Take so many bytes, whether there is room or not."""
        bodies, before = self._bodies, self.size
        bodies.taken += size - before
        bodies._large += (size if size > SMALL else 0) - (before if before > SMALL else 0)
        self.size = size


def weight(body: bytes) -> int:
    """Bytes that reading `body` takes at most."""
    plain = len(body) * WIDE_COPIES <= SMALL or (body.isascii() and b"\\u" not in body)
    return len(body) * (COPIES if plain else WIDE_COPIES)
