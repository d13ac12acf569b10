"""When what is over may go, and when what shows requests may get a target, or let go of one.

Nothing is shown before the way to data planes has been there for a moment (gateway/showing.py). Nothing goes before what
relies on it has gone, each a while after the gateway has heard of the step before; HTTPRoutes whose requests others have let
them pass first (gateway/unmatched.py). And none of it waits for ever: a gateway that is down must not keep what a deleted
policy has left.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from forebay_operator.cluster.gateway.aim import ROUTES, SHOWING, Aim, Key, Over, Want
from forebay_operator.cluster.gateway.ways import Ways
from forebay_operator.gateway.comparison import is_as_wanted
from forebay_operator.gateway.naming import CONTENT, SHOWN
from forebay_operator.gateway.showing import between, way
from forebay_operator.gateway.transition import SETTLE_SECONDS

OVER_SECONDS: Final = 3.0
"""From the moment when requests are no longer shown until what they need goes."""
PASSED_SECONDS: Final = SETTLE_SECONDS + 2.0
"""From the word that an HTTPRoute lets requests pass until it goes: until a gateway's proxies know, and what a question to a
data plane may take, 2 s: a request goes by the table of routes that was there when it began."""
MOST_OVER_SECONDS: Final = 30.0
"""How long one thing that is over waits at most for another."""
MOMENT_SECONDS: Final = 1.0
"""How long a target stays shown at least after its policy has left it: what people change together comes one after the other,
and who takes it over may be the next to come."""
Due = Literal["later", "retire", "delete"]


class Leaving:
    """Remembers since when. Times are passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._over: dict[Key, float] = {}
        self._waited: dict[Key, float] = {}
        self._retired: dict[Key, float] = {}
        self._heard: dict[Key, float] = {}
        """Of what is retired, since when the gateway knows."""
        self._ways = Ways()
        self._letting_go: dict[Key, float] = {}
        self._shown: dict[str, float] = {}
        """By label of a policy's objects, when it last showed requests that it was not to show."""
        self._there: dict[str, frozenset[str]] = {}
        """What is over, by plural: the labels of it."""

    def look(self, aim: Aim, now: float) -> None:
        """This is how things are."""
        comparison = aim.comparison
        self._over = {found.key: self._over.get(found.key, now) for found in comparison.over}
        self._waited = {key: at for key, at in self._waited.items() if key in self._over}
        self._ways.look(comparison.wants, self._heard, now)
        retired = [f for f in comparison.over if not f.leaves and (f.key[0] == SHOWING or f.is_taken_over)]
        self._retired = {found.key: self._retired.get(found.key, now) for found in retired}
        self._heard = {found.key: self._heard.get(found.key, now) for found in retired if found.heard}
        leaving = [want for want in comparison.wants if want.leaves]
        self._letting_go = {want.key: self._letting_go.get(want.key, now) for want in leaving}
        for want in comparison.wants:
            if want.key[0] == SHOWING and want.stored is not None and (want.leaves or not want.heard):
                self._shown[want.label] = now
        self._there = {
            plural: frozenset(found.label for found in comparison.over if found.key[0] == plural)
            for plural in (SHOWING, ROUTES)
        }
        kept = self._there[ROUTES]
        self._shown = {label: at for label, at in self._shown.items() if label in kept or now < at + OVER_SECONDS}

    def soon(self, now: float) -> float | None:
        """In how many seconds something may be shown by a way that is new; None where only news can change that."""
        return self._ways.soon(now)

    def step(self, want: Want, aim: Aim, now: float, *, known: bool) -> Want | None:
        """What is to be there of something that shows requests, for now; None where what is stored has to do. `known`: it was
        as it should be before, so that it does not begin now."""
        stored = want.stored
        new = aim.asked.issuperset(want.made.policies)
        if want.well or (stored is not None and stored.metadata.annotations.get(CONTENT) == want.made.content):
            return want  # there, or changed by hand
        if not want.label or (stored is not None and SHOWN not in stored.metadata.labels):
            return want if new else None
        if stored is None:
            if self._ways.comes_with_many(want.key) or (new and (known or not want.kept)):
                return want if new else None
            return msgspec.structs.replace(want, made=way(want.made))
        new = new and self._ways.is_open(want.key, now)
        since = self._letting_go.get(want.key, now)
        old = want.leaves and _is_kept(want, aim, now - since)
        made = between(want.made, stored, new=new, old=old)
        if made is None:
            return None
        return want if made is want.made else msgspec.structs.replace(want, made=made, well=is_as_wanted(made, stored))

    def due(self, found: Over, aim: Aim, now: float) -> Due:
        """What to do with something that is over."""
        since = self._over[found.key]
        if found.key[0] == SHOWING:
            return self._due_showing(found, aim, now, since)
        at_last = since + 2 * MOST_OVER_SECONDS
        if now >= at_last:
            return "delete"
        if self._is_relied_on(found):
            return "later"
        if found.is_taken_over and not found.leaves:
            return "delete" if self._has_rested(found, now, PASSED_SECONDS) else "later"
        if not found.instead | found.others <= aim.taken and now < since + MOST_OVER_SECONDS:
            if not found.others <= aim.taken:
                self._waited[found.key] = now  # what is decided just before they are served needs it still
            return "later"
        rested = max(self._waited.get(found.key, since), self._shown.get(found.label, since))
        if now < rested + OVER_SECONDS:
            return "later"
        return "delete" if found.retired is None else "retire"

    def _has_rested(self, found: Over, now: float, seconds: float) -> bool:
        """Whether the gateway knows for so long that it is retired, or has kept silent for too long."""
        heard = self._heard.get(found.key)
        return (heard is not None and now >= heard + seconds) or now >= self._retired[found.key] + MOST_OVER_SECONDS

    def _is_relied_on(self, found: Over) -> bool:
        """Whether what refers to it is over, too, and still there."""
        if found.key[0] == ROUTES:
            return found.label in self._there[SHOWING]
        return any(self._there.values())

    def _due_showing(self, found: Over, aim: Aim, now: float, since: float) -> Due:
        if not found.label:
            return "delete"  # as an operator before this one has written it
        if found.leaves:
            if _is_kept(found, aim, now - since):
                return "later"
            return "delete" if found.retired is None else "retire"
        return "delete" if self._has_rested(found, now, OVER_SECONDS) else "later"


def _is_kept(one: Want | Over, aim: Aim, seconds: float) -> bool:
    """Whether what has been left for so long stays shown."""
    return seconds < MOMENT_SECONDS or (not one.takers <= aim.comparison.showing and seconds < MOST_OVER_SECONDS)
