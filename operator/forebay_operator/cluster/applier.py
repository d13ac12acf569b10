"""Writes what an adapter wants to be there: applies what differs, repairs what others have changed, sweeps what is over.

What differs is found by comparing with what the API server shows, so nothing is written when nothing has changed. An
object that is as new as this operator made it and yet not what it should be has been changed by hand: it is applied
again, and an Event says so. What carries our label and is not wanted any more is deleted after all else is written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.fence import Fence, NotLeading
from forebay_operator.cluster.kinds import WRITTEN, Resource
from forebay_operator.cluster.objects import ReferenceGrant
from forebay_operator.cluster.statuses import MANAGER
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Plan
from forebay_operator.gateway.naming import CONTENT, INSTALLATION, content_hash
from forebay_operator.gateway.objects import Stored

SETTLE_SECONDS: Final = 3.0
"""How long the API server may take to show what was written."""
AGAIN_SECONDS: Final = 2.0
MOST_AGAIN_SECONDS: Final = 30.0
OVER_SECONDS: Final = 3.0
"""From the moment when requests are no longer shown until what they need goes."""
SHOWING: Final = "envoyextensionpolicies"
WRITERS: Final = 4
LAST_STAGE: Final = 2
RESOURCES: Final[Mapping[str, Resource]] = {resource.plural: resource for resource in WRITTEN}
_LOG = logging.getLogger(__name__)


class Aim(msgspec.Struct, frozen=True):
    """What should be, and what is. `asked` are the policies that every data plane has and that the gateway has routes for:
    only then are requests shown to data planes, so that none meets one that knows nothing of the policy, and each
    decision finds its route."""

    plan: Plan
    facts: GatewayFacts
    installation: str
    asked: frozenset[str]


class Failure(msgspec.Struct):
    message: str
    again: float
    wait: float


class Applier:
    """`on_repaired` is called with an object that was changed by hand; `on_failed` when failures have changed."""

    def __init__(
        self, api: Fence, *, on_repaired: Callable[[Generated, str], None], on_failed: Callable[[], None] = lambda: None
    ) -> None:
        self._api = api
        self._on_repaired = on_repaired
        self._on_failed = on_failed
        self._aim: Aim | None = None
        self._news = asyncio.Event()
        self._over: dict[tuple[str, str], float] = {}
        self._applied: dict[tuple[str, str], tuple[str, float]] = {}
        self._deleted: dict[tuple[str, str], float] = {}
        self._failures: dict[tuple[str, str], Failure] = {}

    def aim(self, aim: Aim) -> None:
        self._aim = aim
        self._news.set()

    def rest(self) -> None:
        """Nothing is ours to write: leadership is lost."""
        self._aim = None
        self._applied.clear()
        self._deleted.clear()
        self._over.clear()
        self._failures.clear()

    @property
    def failures(self) -> dict[str, str]:
        """What the API server has not taken, by ``plural namespace/name``."""
        return {f"{plural} {key}": failure.message for (plural, key), failure in self._failures.items()}

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            if await self._round():
                # Something waits for its time, or for what the API server has still to show.
                asyncio.get_running_loop().call_later(SETTLE_SECONDS / 2, self._news.set)

    async def _round(self) -> bool:
        """One pass over everything; says whether another one is due without news."""
        aim = self._aim
        if aim is None:
            return False
        unsettled = False
        now = time.monotonic()
        for stage in range(LAST_STAGE + 1):
            due = []
            for made in (made for made in aim.plan.objects if made.stage == stage):
                verdict = self._look(made, aim, now)
                unsettled |= verdict == "later"
                if verdict == "apply":
                    due.append(made)
            if not await self._apply_all(due, aim):
                return True  # what comes later relies on this
            unsettled |= any(made.optional for made in due)  # it may have failed, and nothing has waited for it
        return await self._sweep(aim, now) or unsettled

    def _look(self, made: Generated, aim: Aim, now: float) -> str:
        key = (made.plural, made.key)
        stored = stored_of(aim.facts, made)
        wanted = content_hash([made.spec, made.labels, made.owner])
        had, at = self._applied.get(key, ("", 0.0))
        if stored is not None and is_as_wanted(made, stored):
            return "well"
        if (failure := self._failures.get(key)) is not None and now < failure.again:
            return "later"
        if had == wanted and now < at + SETTLE_SECONDS:
            return "later"
        by_hand = stored is not None and stored.metadata.annotations.get(CONTENT) == wanted
        if made.stage == LAST_STAGE and not by_hand and not set(made.policies) <= aim.asked:
            return "later"
        return "apply"

    async def _apply_all(self, due: list[Generated], aim: Aim) -> bool:
        waiting = list(reversed(due))
        fine = True

        async def work() -> None:
            nonlocal fine
            while waiting and self._aim is not None:
                fine &= await self._apply(waiting.pop(), aim)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(WRITERS, len(due))):
                group.create_task(work())
        return fine

    async def _apply(self, made: Generated, aim: Aim) -> bool:
        key = (made.plural, made.key)
        resource = RESOURCES[made.plural]
        wanted = content_hash([made.spec, made.labels, made.owner])
        stored = stored_of(aim.facts, made)
        try:
            await self._api.apply(resource.path(made.namespace, made.name), body(made), manager=MANAGER)
        except NotLeading:
            return False  # `rest` is about to be called
        except ApiError as error:
            self._fail(key, f"{resource.kind} {made.key} could not be written: {error}")
            return made.optional
        if self._failures.pop(key, None) is not None:
            self._on_failed()
        before = self._applied.get(key, ("", 0.0))[0]
        self._applied[key] = (wanted, time.monotonic())
        self._deleted.pop(key, None)
        if stored is None and before == wanted:
            self._on_repaired(made, "was deleted by somebody and is there again")
        elif stored is not None and stored.metadata.annotations.get(CONTENT) == wanted:
            self._on_repaired(made, "was changed by somebody and is as it was")
        return True

    async def _sweep(self, aim: Aim, now: float) -> bool:
        """Delete what is over: first what shows requests to data planes; what those requests need a little later."""
        wanted = {(made.plural, made.key) for made in aim.plan.objects}
        over = {
            (resource.plural, key): stored
            for resource in sorted(WRITTEN, key=lambda resource: resource.plural != SHOWING)
            for key, stored in ours(aim.facts, resource.plural, aim.installation)
            if (resource.plural, key) not in wanted
        }
        self._over = {place: self._over.get(place, now) for place in over}
        waits = False
        for place, stored in over.items():
            resource, key = RESOURCES[place[0]], place[1]
            rest = 0.0 if resource.plural == SHOWING else OVER_SECONDS
            if now < max(self._deleted.get(place, -SETTLE_SECONDS) + SETTLE_SECONDS, self._over[place] + rest):
                waits = True  # it may only not be seen to be gone yet, or have been made again meanwhile
                continue
            try:
                path = resource.path(stored.metadata.namespace, stored.metadata.name)
                await self._api.delete(path, uid=stored.metadata.uid or "")
            except NotLeading:
                return True
            except ApiError as error:
                if not (error.gone or error.conflict):
                    _LOG.warning("%s %s is over and was not deleted: %s", resource.kind, key, error)
                    waits = True
                    continue
            self._deleted[place] = now
            self._applied.pop(place, None)
            self._failures.pop(place, None)
        self._deleted = {place: at for place, at in self._deleted.items() if now < at + 10 * SETTLE_SECONDS}
        return waits

    def _fail(self, key: tuple[str, str], message: str) -> None:
        before = self._failures.get(key)
        wait = AGAIN_SECONDS if before is None else min(before.wait * 2, MOST_AGAIN_SECONDS)
        self._failures[key] = Failure(message, time.monotonic() + wait, wait)
        if before is None or before.message != message:
            _LOG.warning("%s", message)
            self._on_failed()


def body(made: Generated) -> dict[str, Any]:
    """The object to apply."""
    resource = RESOURCES[made.plural]
    metadata: dict[str, Any] = {
        "name": made.name,
        "namespace": made.namespace,
        "labels": made.labels,
        "annotations": {CONTENT: content_hash([made.spec, made.labels, made.owner])},
    }
    if made.owner is not None:
        metadata["ownerReferences"] = [made.owner]
    return {
        "apiVersion": f"{resource.group}/{resource.version}",
        "kind": resource.kind,
        "metadata": metadata,
        "spec": made.spec,
    }


def stored_of(facts: GatewayFacts, made: Generated) -> Stored | None:
    if made.plural == "referencegrants":
        grant = facts.grants.get(made.key)
        return None if grant is None else _as_stored(grant)
    return facts.stored(made.plural, made.key)


def ours(facts: GatewayFacts, plural: str, installation: str) -> Iterator[tuple[str, Stored]]:
    """Everything of a kind that carries this installation's label."""
    if plural == "referencegrants":
        there: Mapping[str, Stored] = {key: _as_stored(grant) for key, grant in facts.grants.items()}
    else:
        there = facts.routes if plural == "httproutes" else facts.kinds.get(plural, {})
    for key, stored in sorted(there.items()):
        if stored.metadata.labels.get(INSTALLATION) == installation:
            yield key, stored


def is_as_wanted(made: Generated, stored: Stored) -> bool:
    """Whether all that we write stands there; the API server's defaults stand beside it."""
    has = stored.metadata
    return (
        holds(stored.spec, made.spec)
        and holds(has.labels, made.labels)
        and has.annotations.get(CONTENT) == content_hash([made.spec, made.labels, made.owner])
    )


def holds(there: Any, wanted: Any) -> bool:
    """Whether `there` has all of `wanted`; lists are whole."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(key in there and holds(there[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list | tuple):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(holds, there, wanted))
    return bool(there == wanted)


def _as_stored(grant: ReferenceGrant) -> Stored:
    spec = {
        "from": [{"group": f.group, "kind": f.kind, "namespace": f.namespace} for f in grant.spec.from_],
        "to": [{"group": t.group, "kind": t.kind, **({"name": t.name} if t.name else {})} for t in grant.spec.to],
    }
    return Stored(metadata=grant.metadata, spec=spec)
