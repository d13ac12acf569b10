"""Writes status: only what differs from what the API server has, the newest only, and each object apart.

Transitions are written at once, but of one object that swings to and fro no more than SWINGS in STILL_SECONDS. What merely
moves (a message, a load) waits until these have passed since the object's last write. A write that fails is tried again while it is still wanted, later each time; where the API server
is out of reach or has too much to do, the writer that heard of it rests as well. What older definitions do not know is
left out (`gaps`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from forebay_api.base import API_VERSION
from forebay_api.status import Condition, PolicyStatus, PoolStatus
from forebay_operator.cluster.change import Identity
from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.gaps import Gaps
from forebay_operator.cluster.kinds import Resource
from forebay_operator.cluster.leading.fence import Fence, NotLeading

MANAGER: Final = "forebay-operator"
WRITERS: Final = 4
STILL_SECONDS: Final = 15.0
SWINGS: Final = 8
"""More than it takes from a new object to one that is served; a pool at its limit may swing every second for hours."""
AGAIN_SECONDS: Final = 0.5
MOST_AGAIN_SECONDS: Final = 60.0
REST_SECONDS: Final = 1.0
_GOOD_WHEN_FALSE: Final = frozenset({"Saturated", "Stalled"})
Status = PolicyStatus | PoolStatus
Result = Literal["written", "conflict", "failed"]
_LOG = logging.getLogger(__name__)


class Known(msgspec.Struct):
    """What an object's status is at the API server, as far as we know, and when we last wrote it (monotonic seconds)."""

    resource: Resource
    identity: Identity
    stored: Status
    written_at: float = -STILL_SECONDS
    swings: tuple[float, ...] = ()
    """When it was last written, SWINGS times at most."""
    version: int = 0
    """Resource version of the newest state that we know of."""
    failures: int = 0
    """Attempts in a row that the API server did not take."""
    again_at: float = 0.0


class StatusWriter:
    """`on_written` is called after each write with the object and its status before and now, `on_result` with what
    became of each attempt. `clock` gives monotonic seconds."""

    def __init__(
        self,
        api: Fence,
        *,
        on_written: Callable[[Resource, Identity, Status, Status], None] = lambda *_: None,
        on_result: Callable[[Resource, Result], None] = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._on_written = on_written
        self._on_result = on_result
        self._clock = clock
        self._known: dict[tuple[str, str], Known] = {}
        self._wanted: dict[tuple[str, str], Status] = {}
        self._due: dict[tuple[str, str], None] = {}
        self._busy: set[tuple[str, str]] = set()
        self._news = asyncio.Event()
        self.gaps = Gaps()
        self.written = 0

    def shown(self, resource: Resource, identity: Identity, status: Any, version: str) -> None:
        """The API server has shown this status of an object at this resource version; what is older than our own last
        write is no news, and would be mistaken for somebody else's."""
        key = (resource.plural, identity.key)
        at = _number(version)
        known = self._known.get(key)
        if known is None or known.identity != identity:
            self._wanted.pop(key, None)  # it was said of the object that had the name before
            self._known[key] = Known(resource, identity, decode(resource, status), version=at)
        elif at >= known.version:
            known.stored, known.version = decode(resource, status), at
        self._consider(key)

    def gone(self, resource: Resource, identity: Identity) -> None:
        key = (resource.plural, identity.key)
        known = self._known.get(key)
        if known is not None and known.identity == identity:
            self._known.pop(key, None)
            self._wanted.pop(key, None)
            self._due.pop(key, None)

    def stored(self, resource: Resource, key: str) -> Status | None:
        """What the API server has of an object, None where we do not know the object."""
        known = self._known.get((resource.plural, key))
        return None if known is None else known.stored

    def want(self, resource: Resource, key: str, status: Status) -> None:
        """This is an object's true status."""
        self._wanted[resource.plural, key] = status
        self._consider((resource.plural, key))

    def untrue(self) -> Counter[tuple[str, ...]]:
        """Objects by kind, condition and reason, of conditions that ought to be True and are not: what is to be said, whether
        it is written yet or not."""
        return Counter(
            (known.resource.kind, condition.type, condition.reason)
            for key, wanted in self._wanted.items()
            if (known := self._known.get(key)) is not None
            for condition in wanted.conditions
            if condition.status != "True" and condition.type not in _GOOD_WHEN_FALSE
        )

    def withdraw(self) -> None:
        """Nothing is ours to write any more: leadership is lost."""
        self._wanted.clear()
        self._due.clear()

    def tick(self) -> None:
        """Look again at what waits for its time; call it about once a second."""
        self.gaps.expire(self._clock())
        for key in self._wanted:
            self._consider(key)

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(self._write_forever())

    def _consider(self, key: tuple[str, str]) -> None:
        known, wanted = self._known.get(key), self._tellable(key)
        if known is None or wanted is None or wanted == known.stored:
            self._due.pop(key, None)
            return
        now = self._clock()
        if now < known.again_at or now < _earliest(known, wanted):
            self._due.pop(key, None)
            return
        self._due[key] = None
        self._news.set()

    def _tellable(self, key: tuple[str, str]) -> Status | None:
        """What is wanted of an object, as far as its definition knows it."""
        known, wanted = self._known.get(key), self._wanted.get(key)
        return None if known is None or wanted is None else self.gaps.within(known.resource, wanted)

    async def _write_forever(self) -> None:
        while True:
            key = next((key for key in self._due if key not in self._busy), None)
            if key is None:
                self._news.clear()
                await self._news.wait()
                continue
            del self._due[key]
            self._busy.add(key)
            try:
                await self._write(key)
            finally:
                self._busy.discard(key)
                self._consider(key)

    async def _write(self, key: tuple[str, str]) -> None:
        known, wanted = self._known.get(key), self._tellable(key)
        if known is None or wanted is None or wanted == known.stored:
            return
        # The watch may show the write before its answer is here: what stood before is what is known now.
        resource, identity, before = known.resource, known.identity, known.stored
        body = {
            "apiVersion": API_VERSION,
            "kind": resource.kind,
            # The uid refuses the write where another object has taken the name meanwhile.
            "metadata": {"name": identity.name, "namespace": identity.namespace, "uid": identity.uid},
            "status": msgspec.to_builtins(wanted),
        }
        try:
            path = resource.path(identity.namespace, identity.name, "status")
            answer = await self._api.apply(path, body, manager=MANAGER)
        except NotLeading:
            known.again_at = self._clock() + AGAIN_SECONDS  # `withdraw` is about to be called
            return
        except ApiError as error:
            if self.gaps.learn(resource, wanted, error, self._clock()):
                self._on_result(resource, "failed")
                return  # what is left of it is due at once
            await self._failed(known, error)
            return
        self.written += 1
        known.failures = 0
        known.stored, known.written_at = wanted, self._clock()
        known.swings = (*known.swings, known.written_at)[-SWINGS:]
        known.version = max(known.version, _number(answer["metadata"].get("resourceVersion", "")))
        self._on_result(resource, "written")
        self._on_written(resource, identity, before, wanted)

    async def _failed(self, known: Known, error: ApiError) -> None:
        """Deleted or made anew (404, 409), the watch brings the news; until then, and for anything else, wait."""
        known.again_at = self._clock() + min(AGAIN_SECONDS * 2**known.failures, MOST_AGAIN_SECONDS)
        known.failures = min(known.failures + 1, 16)
        self._on_result(known.resource, "conflict" if error.gone or error.conflict else "failed")
        if not (error.gone or error.conflict):
            _LOG.warning("status of %s %s not written: %s", known.resource.kind, known.identity.key, error)
        if error.overloaded:
            await asyncio.sleep(REST_SECONDS)


def decode(resource: Resource, status: Any) -> Status:
    """A stored status; what cannot be read counts as none, and is written anew."""
    shape: type[Status] = PoolStatus if resource.plural == "modelpools" else PolicyStatus
    try:
        return msgspec.convert(status or {}, shape)
    except msgspec.ValidationError:
        return shape(conditions=[])


def _number(version: str) -> int:
    """Resource versions are ordered as numbers (KEP-5504); one that is none counts as the oldest."""
    return int(version) if version.isdigit() else 0


def _earliest(known: Known, wanted: Status) -> float:
    """When the status may be written."""
    if known.stored.observed_generation != wanted.observed_generation:
        return 0.0
    if _standing(known.stored) != _standing(wanted):
        return known.swings[0] + STILL_SECONDS if len(known.swings) == SWINGS else 0.0
    return known.written_at + STILL_SECONDS


def _standing(status: Status) -> Mapping[str, tuple[str, str]]:
    return {c.type: _verdict(c) for c in status.conditions}


def _verdict(condition: Condition) -> tuple[str, str]:
    return condition.status, condition.reason
