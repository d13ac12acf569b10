"""Writes what an adapter wants to be there: applies what differs, repairs what others have changed, sweeps what is over.

What differs is found by comparing with what the API server shows, so nothing is written when nothing has changed. An
object that is as new as this operator made it and yet not what it should be has been changed by hand: it is applied
again, and an Event says so. What carries our label and is not wanted any more is deleted after all else is written; what
shows requests shows none any more before that (`leaving`).

Many writes go out together (`batch`).

What goes wrong with one object holds up later stages for that round only; it is told, counted, and tried again, later each
time. So are errors of our own, which are logged with their traceback: they end no writer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.gateway.aim import SHOWING, Aim, Comparison, Key, Over, Want
from forebay_operator.cluster.gateway.batch import Batch
from forebay_operator.cluster.gateway.leaving import MOMENT_SECONDS, Leaving
from forebay_operator.cluster.kinds import WRITTEN, Resource
from forebay_operator.cluster.leading.fence import Fence, NotLeading
from forebay_operator.cluster.statuses import MANAGER
from forebay_operator.gateway.implementation import Generated
from forebay_operator.gateway.naming import CONTENT

SHOWN_SECONDS: Final = 3.0
"""How long the API server may take to show a change of what it has shown before."""
FIRST_SECONDS: Final = 15.0
"""And to show it for the first time: among many that are new, that takes longer, and asking again makes it longer still."""
AGAIN_SECONDS: Final = 2.0
MOST_AGAIN_SECONDS: Final = 30.0
WRITERS: Final = 8
LAST_STAGE: Final = 2
RESOURCES: Final[Mapping[str, Resource]] = {resource.plural: resource for resource in WRITTEN}
Result = Literal["written", "deleted", "refused", "failed"]
"""What became of a write: the API server has refused it, or it failed here."""
_LOG = logging.getLogger(__name__)


class Failure(msgspec.Struct):
    message: str
    again: float
    wait: float


class Applier:
    """`on_repaired` is called with an object that was changed by hand; `on_failed` when failures have changed; `on_result`
    with the plural of a kind and what became of a write, and with no plural where a whole round has failed. `clock` gives
    monotonic seconds."""

    def __init__(
        self,
        api: Fence,
        *,
        on_repaired: Callable[[Generated, str], None],
        on_failed: Callable[[], None] = lambda: None,
        on_result: Callable[[str, Result], None] = lambda _plural, _result: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._on_repaired = on_repaired
        self._on_failed = on_failed
        self._on_result = on_result
        self._clock = clock
        self._aim: Aim | None = None
        self._news = asyncio.Event()
        self._batches = _batches()
        self._leaving = Leaving()
        self._applied: dict[Key, tuple[str, float]] = {}
        self._seen: set[Key] = set()
        self._deleted: dict[Key, float] = {}
        self._failures: dict[Key, Failure] = {}

    def aim(self, aim: Aim) -> None:
        self._aim = aim
        self._news.set()

    def rest(self) -> None:
        """Nothing is ours to write: leadership is lost."""
        self._aim = None
        self._batches = _batches()
        self._applied.clear()
        self._seen.clear()
        self._deleted.clear()
        self._leaving = Leaving()
        self._failures.clear()

    @property
    def failures(self) -> dict[str, str]:
        """What could not be written, by ``plural namespace/name``."""
        return {f"{plural} {key}": failure.message for (plural, key), failure in self._failures.items()}

    async def run(self) -> None:
        """Write until cancelled."""
        wait = AGAIN_SECONDS
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                again = await self.round()
                wait = AGAIN_SECONDS
            except Exception:  # noqa: BLE001  # what is written stays; tried again, later each time
                _LOG.exception("what gateways are to be told could not be written; tried again in %g s", wait)
                self._on_result("", "failed")
                await asyncio.sleep(wait)
                again, wait = 0.0, min(wait * 2, MOST_AGAIN_SECONDS)
            if again is not None:
                # Something waits for its time, or for what the API server has still to show.
                asyncio.get_running_loop().call_later(again, self._news.set)

    async def round(self) -> float | None:
        """One pass over everything; in how many seconds another one is due without news."""
        aim = self._aim
        if aim is None:
            return None
        now = self._clock()
        self._remember(aim.comparison)
        self._leaving.look(aim, now)
        # Data planes answer for a while where a policy was, and not for as long as others' writes may take.
        shown = await self._sweep(aim, now, lambda found: found.key[0] == SHOWING)
        waits = [MOMENT_SECONDS] if shown or any(want.leaves for want in aim.comparison.wants) else []
        if (soon := self._leaving.soon(now)) is not None:
            waits.append(soon)
        for stage in range(LAST_STAGE + 1):
            looks = [self._look(want, aim, now) for want in aim.comparison.wants if want.made.stage == stage]
            due = [want for want, verdict in looks if verdict == "apply"]
            if any(verdict == "later" for _, verdict in looks):
                waits.append(SHOWN_SECONDS / 2)
            # Of what routes need, nobody knows how much more will come; what shows requests waits for it, and is counted.
            more = stage < LAST_STAGE or any(verdict == "withheld" for _, verdict in looks)
            if (held := self._batches[stage].hold(len(due), more=more, now=now)) > 0:
                return min([held, *waits])
            if not await self._apply_all(due):
                return SHOWN_SECONDS / 2  # what comes later relies on this
            if any(want.made.optional for want in due):
                waits.append(SHOWN_SECONDS / 2)  # it may have failed, and nothing has waited for it
        if await self._sweep(aim, now, lambda found: found.key[0] != SHOWING):
            waits.append(SHOWN_SECONDS / 2)
        return min(waits, default=None)

    def _remember(self, comparison: Comparison) -> None:
        """What has been seen to be there, and nothing of what is over and gone."""
        keys = {want.key for want in comparison.wants}
        self._seen = (self._seen & keys) | {want.key for want in comparison.wants if want.well}
        keys |= {found.key for found in comparison.over}  # some are written once more before they go
        self._applied = {key: applied for key, applied in self._applied.items() if key in keys}
        self._failures = {key: failure for key, failure in self._failures.items() if key in keys}

    def _look(self, want: Want, aim: Aim, now: float) -> tuple[Want, Literal["well", "later", "withheld", "apply"]]:
        """What is to be there now, and what to do about it."""
        if want.made.stage == LAST_STAGE:
            step = self._leaving.step(want, aim, now, known=want.key in self._seen)
            if step is None:
                return want, "withheld"
            want = step
        if want.well:
            return want, "well"
        return want, "apply" if self._is_due(want, now) else "later"

    def _is_due(self, want: Want, now: float) -> bool:
        """Unless it was just written, and may only not be seen yet, or has failed just now."""
        had, at = self._applied.get(want.key, ("", 0.0))
        if (failure := self._failures.get(want.key)) is not None and now < failure.again:
            return False
        return had != want.made.content or now >= at + (SHOWN_SECONDS if want.key in self._seen else FIRST_SECONDS)

    async def _apply_all(self, due: Sequence[Want]) -> bool:
        waiting = list(reversed(due))
        fine = True

        async def work() -> None:
            nonlocal fine
            while waiting and self._aim is not None:
                fine &= await self._apply(waiting.pop())

        async with asyncio.TaskGroup() as group:
            for _ in range(min(WRITERS, len(due))):
                group.create_task(work())
        return fine

    async def _apply(self, want: Want) -> bool:
        made, stored = want.made, want.stored
        try:
            resource = RESOURCES[made.plural]
            await self._api.apply(resource.path(made.namespace, made.name), body(made), manager=MANAGER)
        except NotLeading:
            return False  # `rest` is about to be called
        except ApiError as error:
            self._fail(want, f"{resource.kind} {made.key} could not be written: {error}")
            self._on_result(made.plural, "refused")
            return made.optional
        except Exception as error:  # noqa: BLE001  # one object's fault holds up no other
            _LOG.exception("%s %s could not be written", made.plural, made.key)
            self._fail(
                want, f"{made.plural} {made.key} could not be written: {type(error).__name__}, see the operator's log"
            )
            self._on_result(made.plural, "failed")
            return made.optional
        self._on_result(made.plural, "written")
        if self._failures.pop(want.key, None) is not None:
            self._on_failed()
        before = self._applied.get(want.key, ("", 0.0))[0]
        self._applied[want.key] = (made.content, self._clock())
        self._deleted.pop(want.key, None)
        if stored is None and before == made.content and want.key in self._seen:
            self._on_repaired(made, "was deleted by somebody and is there again")
        elif stored is not None and stored.metadata.annotations.get(CONTENT) == made.content:
            self._on_repaired(made, "was changed by somebody and is as it was")
        return True

    async def _sweep(self, aim: Aim, now: float, which: Callable[[Over], bool]) -> bool:
        """Retire and delete what is over and due; whether something of it is there yet."""
        waits = False
        retired: list[Want] = []
        for found in filter(which, aim.comparison.over):
            due = self._leaving.due(found, aim, now)
            if due == "retire" and found.retired is not None:
                retired.append(Want(found.retired, found.stored, well=False))
            # It may only not be seen to be gone yet, or have been made again meanwhile.
            seen = now >= self._deleted.get(found.key, -SHOWN_SECONDS) + SHOWN_SECONDS
            if not (due == "delete" and seen and await self._delete(found)):
                waits = True
        await self._apply_all([want for want in retired if self._is_due(want, now)])
        self._deleted = {key: at for key, at in self._deleted.items() if now < at + 10 * SHOWN_SECONDS}
        return waits

    async def _delete(self, found: Over) -> bool:
        resource, metadata = RESOURCES[found.key[0]], found.stored.metadata
        try:
            await self._api.delete(resource.path(metadata.namespace, metadata.name), uid=metadata.uid or "")
        except NotLeading:
            return False
        except ApiError as error:
            if not (error.gone or error.conflict):
                _LOG.warning("%s %s is over and was not deleted: %s", resource.kind, found.key[1], error)
                self._on_result(found.key[0], "refused")
                return False
        except Exception:  # noqa: BLE001  # one object's fault holds up no other
            _LOG.exception("%s %s is over and was not deleted", resource.kind, found.key[1])
            self._on_result(found.key[0], "failed")
            return False
        self._on_result(found.key[0], "deleted")
        self._deleted[found.key] = self._clock()
        return True

    def _fail(self, want: Want, message: str) -> None:
        before = self._failures.get(want.key)
        wait = AGAIN_SECONDS if before is None else min(before.wait * 2, MOST_AGAIN_SECONDS)
        self._failures[want.key] = Failure(message, self._clock() + wait, wait)
        if before is None or before.message != message:
            _LOG.warning("%s", message)
            self._on_failed()


def _batches() -> tuple[Batch, ...]:
    return tuple(Batch() for _ in range(LAST_STAGE + 1))


def body(made: Generated) -> dict[str, Any]:
    """The object to apply."""
    resource = RESOURCES[made.plural]
    metadata: dict[str, Any] = {
        "name": made.name,
        "namespace": made.namespace,
        "labels": made.labels,
        "annotations": {CONTENT: made.content},
    }
    if made.owner is not None:
        metadata["ownerReferences"] = [made.owner, *([] if made.keeper is None else [made.keeper])]
    return {
        "apiVersion": f"{resource.group}/{resource.version}",
        "kind": resource.kind,
        "metadata": metadata,
        "spec": made.spec,
    }
