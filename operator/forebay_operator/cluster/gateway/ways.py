"""Whether the way to data planes of something that is to show requests is open, and what does without that question.

It is on our own routes alone until then (gateway/showing.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from forebay_operator.cluster.gateway.aim import SHOWING, Key, Want
from forebay_operator.cluster.gateway.batch import FEW
from forebay_operator.gateway.showing import is_way
from forebay_operator.gateway.transition import PATIENCE_SECONDS

WAY_SECONDS: Final = 1.0
"""From the word that the way is there until requests are shown. Where many come at once there is no such step: a gateway has a
word for each, and says fifty in a second."""


class Ways:
    """Remembers since when. Times are passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._ways: dict[Key, tuple[float, float | None]] = {}
        """Since when it is there and shows nothing, and since when the gateway knows."""
        self._with_many: set[Key] = set()

    def look(self, wants: Sequence[Want], heard: Mapping[Key, float], now: float) -> None:
        """This is how things are; `heard` are ways that were over until now, and since when the gateway knows of them."""
        self._ways = {
            want.key: self._begun(want, heard.get(want.key), now)
            for want in wants
            if want.kept and want.stored is not None and is_way(want.stored)
        }
        coming = [w for w in wants if w.label and w.key[0] == SHOWING and (w.stored is None or is_way(w.stored))]
        missing = {want.key for want in coming if want.stored is None}
        self._with_many = missing if len(coming) > FEW else self._with_many & missing

    def comes_with_many(self, key: Key) -> bool:
        return key in self._with_many

    def is_open(self, key: Key, now: float) -> bool:
        """Whether requests may take it: the gateway has it, or says nothing of it; or nothing keeps it."""
        if key not in self._ways:
            return True
        since, heard = self._ways[key]
        return (heard is not None and now >= heard + WAY_SECONDS) or now >= since + PATIENCE_SECONDS

    def soon(self, now: float) -> float | None:
        """In how many seconds one opens; None where only news can change that."""
        dues = (heard + WAY_SECONDS for _, heard in self._ways.values() if heard is not None)
        return min((due - now for due in dues if now < due), default=None)

    def _begun(self, want: Want, heard: float | None, now: float) -> tuple[float, float | None]:
        since, known = self._ways.get(want.key, (now, heard))
        return since, now if known is None and want.heard else known
