"""Bodies: how much memory the bodies of all requests of this process take, and who may add to it.

A body is in memory several times: while it arrives, while it is read, and in the answer to Envoy. What the bodies of all
streams may take together is bounded by a budget, so that many large ones at once are told to come again instead of
ending the process, and with it everything that is under way.

Room is taken before Envoy is asked for a body: from then on it comes whole and nothing stops it. Nobody waits for room, so
nothing half-read holds up anything else. Room that is taken for a body that does not come is given to others: a caller
who is slow holds it only as long as nobody else needs it. And large bodies leave a part of the budget to small ones.
"""

from __future__ import annotations

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

    def expect(self, length: int, withdraw: Callable[[], None]) -> Room | None:
        """Room for a body of at most `length` bytes that is about to be asked for, or None where there is none.

        `withdraw` is called when somebody else gets the room, as long as `hold` or `release` has not been.
        """
        room = Room(self, withdraw)
        if not self._make(room, length * COPIES):
            self._refused("full")
            return None
        self._awaited[room] = self._clock()
        return room

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


class Room:
    """What one body takes of the budget, from `Bodies.expect` to `release`."""

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
        if self._bodies._make(self, weight(body)):
            return True
        self._bodies._refused("full")
        return False

    def answered(self, length: int) -> None:
        """An answer of `length` bytes is being sent, and nothing else is left of the body."""
        self.resize(length * ANSWERED_COPIES)

    def release(self) -> None:
        """Nothing of the body is left. May be called again."""
        self._bodies._awaited.pop(self, None)
        self.resize(0)

    def withdraw(self) -> None:
        """Give the room to somebody else."""
        self.release()
        self.withdrawn = True
        self._withdraw()

    def resize(self, size: int) -> None:
        """Take so many bytes, whether there is room or not."""
        bodies = self._bodies
        bodies.taken += size - self.size
        bodies._large += (size if size > SMALL else 0) - (self.size if self.size > SMALL else 0)
        self.size = size


def weight(body: bytes) -> int:
    """Bytes that reading `body` takes at most."""
    plain = len(body) * WIDE_COPIES <= SMALL or (body.isascii() and b"\\u" not in body)
    return len(body) * (COPIES if plain else WIDE_COPIES)
