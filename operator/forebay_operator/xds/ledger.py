"""What one client wants and has of one resource type, and so what it has to be sent next.

One response is outstanding at most. While it is, changes are not queued: the next response is computed from the newest
view when the answer is in, so a slow reader costs a fixed amount of memory and skips what has been superseded.

A refusal (NACK) says nothing reliable about *which* resource of a response is bad, and Envoy may have taken some of the
others. So a refused response is halved and sent again until the refusal is about one resource: that one is then left
alone until it changes, and the rest is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from forebay_operator.xds.messages import Offer, Request, Response
from forebay_operator.xds.type_urls import WILDCARD

RESPONSE_BYTES: Final = 2 << 20
"""Resource bytes in one response; more are split over several. A single larger resource travels alone."""
_ABSENT: Final = ""
_UNSURE: Final = "?"


class TooManyNames(Exception):
    """A client subscribes to, or claims, more names than the server keeps for one."""


class Refusal(NamedTuple):
    """The version of a resource that a client refused, and the client's words."""

    version: str
    text: str


@dataclass(frozen=True, slots=True)
class Differences:
    """What separates a client from the view. `unknown` names never existed for it; `withdrawn` are gone from the view."""

    changed: tuple[Offer, ...]
    unknown: tuple[str, ...]
    withdrawn: tuple[str, ...]


class Ledger:
    """Mutable bookkeeping for one (stream, type). Pure: time is passed in.

    `claims_until` (seconds, same clock as `now`): what the client says it has from an earlier stream and the view does
    not know is withdrawn only then, because after an operator's restart others may still refer to it.
    """

    def __init__(self, type_url: str, *, legacy_wildcard: bool, claims_until: float, max_names: int) -> None:
        self.type_url = type_url
        self.claims_until = claims_until
        self.names: set[str] = set()
        self.wildcard = False
        self.refused: dict[str, Refusal] = {}
        self._legacy_wildcard = legacy_wildcard
        self._max_names = max_names
        self._greeting_owed = False
        self._first = True
        self._claimed: frozenset[str] = frozenset()
        self._held: dict[str, str] = {}
        self._nonce = ""
        self._sent: dict[str, str] = {}
        self._suspects: list[tuple[str, ...]] = []
        self._known: tuple[Mapping[str, Offer], Differences] | None = None

    @property
    def awaits_answer(self) -> bool:
        """True while a response is outstanding."""
        return self._nonce != ""

    @property
    def has_claims(self) -> bool:
        """True where the client came with resources from an earlier stream."""
        return bool(self._claimed)

    def holds(self, name: str) -> str | None:
        """The version that the client is known to have accepted, None where there is none."""
        return self._held.get(name) or None

    def receive(self, request: Request) -> None:
        """Take in a request: the answer it may carry, then its subscriptions.

        Raises TooManyNames past the bound; the stream has to end then.
        """
        self._known = None
        if self._first:
            self._open(request)
        elif request.nonce and request.nonce == self._nonce:
            self._answer(request.error)
        for name in request.subscribe:
            if name == WILDCARD:
                self._greeting_owed |= not self.wildcard
                self.wildcard = True
                continue
            if not self._first:
                # Naming a resource again means "send it again": the client may have forgotten it.
                self.repeat((name,))
                self.refused.pop(name, None)
            self.names.add(name)
        for name in request.unsubscribe:
            self._forget(name)
        self._first = False
        if max(len(self.names), len(request.initial_versions)) > self._max_names:
            raise TooManyNames(f"more than {self._max_names} names of {self.type_url}")

    def repeat(self, names: Iterable[str]) -> None:
        """Have these sent again although the client has them; without effect on names it did not ask for."""
        for name in names:
            self._held.pop(name, None)
            self._sent.pop(name, None)
        self._known = None

    def _open(self, request: Request) -> None:
        everything = WILDCARD in request.subscribe or (self._legacy_wildcard and not request.subscribe)
        wanted = request.initial_versions if everything else set(request.subscribe)
        self._held = {name: version for name, version in request.initial_versions.items() if name in wanted}
        self._claimed = frozenset(self._held)
        self.wildcard = everything
        # A client that starts waits for a first answer, even if there is nothing to tell.
        self._greeting_owed = everything and not self._held

    def _answer(self, error: str | None) -> None:
        sent, self._sent, self._nonce = self._sent, {}, ""
        names = tuple(sent)
        if error is None or (len(names) == 1 and sent[names[0]] == _ABSENT):
            # Nothing can be done for a client that refuses to let go of a resource.
            for name, version in sent.items():
                if version != _ABSENT or name in self.names:
                    self._held[name] = version
                else:
                    self._held.pop(name, None)
        elif len(names) == 1:
            self.refused[names[0]] = Refusal(sent[names[0]], error)
        elif names:
            # Envoy has taken the good ones among them; which, is not said.
            self._held.update((name, _UNSURE) for name, version in sent.items() if version != _ABSENT)
            middle = len(names) // 2
            self._suspects[:0] = [names[:middle], names[middle:]]

    def _forget(self, name: str) -> None:
        if name == WILDCARD:
            self.wildcard = False
            for held in set(self._held) - self.names:
                self._forget(held)
            return
        self.names.discard(name)
        if not self.wildcard:
            self._held.pop(name, None)
            self._sent.pop(name, None)
            self.refused.pop(name, None)

    def differences(self, view: Mapping[str, Offer], now: float) -> Differences:
        """What the client would have to be sent to be where `view` is, less what it refused and waiting claims."""
        if self._known is not None and self._known[0] is view:
            return self._known[1]
        changed: list[Offer] = []
        unknown: list[str] = []
        withdrawn: list[str] = []
        claims_wait = now < self.claims_until
        for name in view.keys() | self._held.keys() | self.names if self.wildcard else self.names:
            offer, held = view.get(name), self._held.get(name)
            if offer is not None:
                refusal = self.refused.get(name)
                if offer.version != held and (refusal is None or refusal.version != offer.version):
                    changed.append(offer)
            elif held is None:
                unknown.append(name)
            elif held != _ABSENT and not (claims_wait and name in self._claimed):
                withdrawn.append(name)
        changed.sort(key=lambda offer: offer.resource.name)
        result = Differences(tuple(changed), tuple(sorted(unknown)), tuple(sorted(withdrawn)))
        if not (claims_wait and self._claimed):
            self._known = (view, result)
        return result

    def refuses(self, view: Mapping[str, Offer]) -> dict[str, str]:
        """Resources of the view that the client refused at the version in view: name -> text."""
        return {
            name: refusal.text
            for name, refusal in self.refused.items()
            if (offer := view.get(name)) is not None and offer.version == refusal.version
        }

    def compose(self, view: Mapping[str, Offer], nonce: str, now: float, *, withdraw: bool) -> Response | None:
        """The next response, None where there is nothing to send or an answer is awaited.

        `withdraw` False keeps back the names of resources that the client has and the view no longer does.
        """
        if self.awaits_answer:
            return None
        if self.refused:
            self.refused = {name: refusal for name, refusal in self.refused.items() if name in view}
        found = self.differences(view, now)
        offers = {offer.resource.name: offer for offer in found.changed}
        removed = set(found.unknown) | (set(found.withdrawn) if withdraw else set())
        if not offers and not removed:
            self._suspects.clear()
            if not self._greeting_owed:
                return None
        names = self._next_names(offers, removed)
        chosen = tuple(offers[name] for name in names if name in offers)
        gone = tuple(name for name in names if name in removed)
        self._greeting_owed = False
        self._nonce = nonce
        self._sent = {offer.resource.name: offer.version for offer in chosen} | dict.fromkeys(gone, _ABSENT)
        for offer in chosen:
            self.refused.pop(offer.resource.name, None)
        self._known = None
        return Response(self.type_url, nonce, chosen, gone)

    def _next_names(self, offers: Mapping[str, Offer], removed: set[str]) -> list[str]:
        while self._suspects:
            if names := [name for name in self._suspects.pop(0) if name in offers or name in removed]:
                return names
        names, size = [], 0
        for name, offer in offers.items():
            size += len(offer.resource.value)
            if names and size > RESPONSE_BYTES:
                return names
            names.append(name)
        return names + sorted(removed)
