"""Events on transitions: what a person sees under `kubectl describe`, and nothing that repeats itself."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from forebay_api.base import API_VERSION
from forebay_api.status import Condition
from forebay_operator.cluster.change import Identity
from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.kinds import EVENTS
from forebay_operator.cluster.leading.fence import Fence, NotLeading
from forebay_operator.judgement.findings import cut

CONTROLLER: Final = "forebay.dev/operator"
MOST_WAITING: Final = 512
LONGEST_NOTE: Final = 1024
"""The API's own limit on `note`."""
_TOLD: Final = ("Ready", "Accepted", "ResolvedRefs", "Programmed", "Saturated")
_GOOD_WHEN_FALSE: Final = frozenset({"Saturated"})
Result = Literal["posted", "refused", "dropped"]
_LOG = logging.getLogger(__name__)


class Transition(msgspec.Struct, frozen=True):
    """A condition that has changed its status, or been refused for another reason. `note` stands for what the condition
    would say of itself."""

    kind: str
    identity: Identity
    condition: Condition
    note: str = ""

    @property
    def warns(self) -> bool:
        good = "False" if self.condition.type in _GOOD_WHEN_FALSE else "True"
        return self.condition.status != good and self.condition.reason != "Pending"


def transitions(
    kind: str, identity: Identity, before: Sequence[Condition], now: Sequence[Condition]
) -> Iterator[Transition]:
    """What has changed between two statuses of an object that somebody should hear of.

    A wait is no news (Pending), and Ready repeats the others: it is told only when it becomes True.
    """
    former = {condition.type: condition for condition in before}
    for condition in now:
        old = former.get(condition.type)
        changed = old is None or old.status != condition.status or old.reason != condition.reason
        if condition.type not in _TOLD or not changed or condition.reason == "Pending":
            continue
        if condition.type == "Ready" and condition.status != "True" and condition.reason == "NotReady":
            continue
        good = "False" if condition.type in _GOOD_WHEN_FALSE else "True"
        if old is None and condition.status == good and condition.type != "Ready":
            continue  # a new object that is well says so once
        yield Transition(kind, identity, condition)


def event(told: Transition, instance: str, now: datetime) -> dict[str, Any]:
    """The Event to create (events.k8s.io/v1)."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    condition = told.condition
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            # Names of objects may fill the whole length that a name may have.
            "name": f"{told.identity.name[:230]}.{secrets.token_hex(8)}",
            "namespace": told.identity.namespace,
        },
        "eventTime": stamp,
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "reason": condition.reason[:128],
        "type": "Warning" if told.warns else "Normal",
        "note": cut(told.note or f"{condition.type} is {condition.status}: {condition.message}", LONGEST_NOTE),
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": told.kind,
            "namespace": told.identity.namespace,
            "name": told.identity.name,
            "uid": told.identity.uid,
        },
    }


class EventPoster:
    """Posts transitions one by one. A full queue drops the newest: Events are a courtesy, conditions the record.

    `on_result` hears what became of each: posted; refused by the API server; dropped, because too many waited or because
    leadership was lost meanwhile.
    """

    def __init__(
        self, api: Fence, instance: str, *, on_result: Callable[[Result], None] = lambda _result: None
    ) -> None:
        self._api = api
        self._instance = instance
        self._on_result = on_result
        self._waiting: asyncio.Queue[Transition] = asyncio.Queue(MOST_WAITING)

    def post(self, told: Transition) -> None:
        try:
            self._waiting.put_nowait(told)
        except asyncio.QueueFull:
            self._on_result("dropped")

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            told = await self._waiting.get()
            made = event(told, self._instance, datetime.now(UTC))
            try:
                await self._api.create(EVENTS.path(told.identity.namespace), made)
                self._on_result("posted")
            except NotLeading:
                self._on_result("dropped")
            except ApiError as error:
                self._on_result("refused")
                # A namespace that is being deleted takes none; whatever it is, the condition stands.
                _LOG.warning("Event for %s %s not posted: %s", told.kind, told.identity.key, error)
                await asyncio.sleep(0.2)
