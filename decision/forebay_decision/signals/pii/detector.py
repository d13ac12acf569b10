"""PiiDetector: counts the entities of a text, chunk by chunk, within the decision's time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from typing import Final

from forebay_api.signal import Entity, Pii
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.pii.card import find_cards
from forebay_decision.signals.pii.crypto import find_crypto_addresses
from forebay_decision.signals.pii.email import find_emails
from forebay_decision.signals.pii.finding import Finder, Finding
from forebay_decision.signals.pii.iban import find_ibans
from forebay_decision.signals.pii.ip import find_addresses
from forebay_decision.signals.pii.national import COUNTRIES, NationalNumbers
from forebay_decision.signals.pii.phone import find_phones
from forebay_decision.signals.pii.plain import plain
from forebay_decision.signals.pii.regions import find_in_regions, number_regions
from forebay_decision.signals.pii.secret import find_secrets
from forebay_decision.signals.pii.url import find_url_credentials
from forebay_decision.signals.regex import PatternError
from forebay_decision.signals.scan import INLINE_SECONDS, Looked, Scan, plan_scan, scanned
from forebay_decision.work import Skipped

_FINDERS: Final[Mapping[Entity, Finder]] = {
    "URLCredentials": find_url_credentials,
    "Secret": find_secrets,
    "CryptoAddress": find_crypto_addresses,
    "Email": find_emails,
    "IBAN": find_ibans,
    "CreditCard": find_cards,
    "IPAddress": find_addresses,
    "Phone": find_phones,
}
"""In the order in which a piece of text is given to one entity: the surer form first. National ids go before phones."""
_ORDER: Final = (*tuple(_FINDERS)[:-2], "NationalID", "IPAddress", "Phone")
_OF_DIGITS: Final = frozenset({"CreditCard", "NationalID", "Phone"})
_STEP: Final = 1 << 13
_DENSE_STEP: Final = 1 << 11
_BEFORE, _AFTER = 128, 1024
"""Bytes of a chunk, of one that is full of digits and signs, and how far what belongs to an entity may reach beyond it. The
deadline is looked at per chunk, and one of such text takes 5 ms."""
_DENSE_SHARE: Final = 1 / 8
_SECONDS_PER_BYTE: Final = 30e-9
"""Of prose."""
_SECONDS_PER_SIGN: Final = 1e-6
"""Of digits and signs, more where they are nearly numbers of some country; the deadline ends what takes longer."""
_UNSUSPICIOUS: Final = b" \n" + bytes(range(65, 91)) + bytes(range(97, 123)) + bytes(range(128, 256))
_SHORT_BYTES: Final = 1 << 10
"""So little is looked at on the spot, whatever it is."""


class PiiDetector:
    """Matches when at least so many pieces of the text are entities that the policy names."""

    kind = "pii"
    cost = 110.0

    def __init__(self, name: str, spec: Pii) -> None:
        """PatternError where a country's national ids are not known."""
        self.name = name
        self.scope = spec.scope
        self._entities = spec.entities
        self._least = spec.least
        if unknown := sorted(set(spec.countries or ()) - set(COUNTRIES)):
            raise PatternError(f"no national id of {unknown[0]!r} is known: the countries are {', '.join(COUNTRIES)}")
        finders = dict(_FINDERS)
        if "NationalID" in spec.entities or "Phone" in spec.entities:
            finders["NationalID"] = NationalNumbers(spec.countries or COUNTRIES)
        last = max(_ORDER.index(entity) for entity in spec.entities)
        # What stands before the last one is looked for, too: a card is no phone number, whoever asks for phones.
        self._finders = [(entity, finders[entity]) for entity in _ORDER[: last + 1] if entity in finders]

    def prepare(self, texts: Texts) -> Scan | Skipped | None:
        text = texts.scoped(self.scope)
        if len(text) <= _SHORT_BYTES:
            return None
        left = texts.seconds_left()
        seconds = len(text) * _SECONDS_PER_BYTE
        if seconds <= INLINE_SECONDS:
            # A text of digits takes a hundred times as long as prose, and whoever sends it must not hold up others.
            dense = len(plain(text).translate(None, _UNSUSPICIOUS)) * _SECONDS_PER_SIGN
            seconds = max(seconds, min(seconds + dense, left / 2))
        if seconds > INLINE_SECONDS or len(text) <= _STEP:
            return plan_scan(self.kind, seconds, left, lambda: self._look(texts))
        return self._begin(texts, left)

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord | Skipped:
        return self._look(texts) if prepared is None else scanned(prepared)

    def find(self, text: bytes) -> list[Finding]:
        """Entities of a text of at most one chunk, in order, none within another. What is not asked for is among them."""
        found: list[Finding] = []
        regions = number_regions(text)
        for entity, finder in self._finders:
            spans = find_in_regions(text, finder, regions) if entity in _OF_DIGITS else finder(text)
            found = _joined(found, entity, sorted(spans))
        return found

    def _begin(self, texts: Texts, left: float) -> Scan | Skipped:
        """Look on the spot, and elsewhere at the rest of what turns out to take longer than it seemed: words that are nearly
        addresses look like any."""
        steps = self._steps(texts)
        while left - texts.seconds_left() <= INLINE_SECONDS:
            try:
                next(steps)
            except StopIteration as done:
                return Looked(self.kind, done.value)
        left = texts.seconds_left()
        return Scan(self.kind, left / 2, lambda: _finish(steps, texts)) if left > 0.0 else Skipped("deadline")

    def _look(self, texts: Texts) -> SignalRecord | Skipped:
        return _finish(self._steps(texts), texts)

    def _steps(self, texts: Texts) -> Generator[None, None, SignalRecord]:
        """A step a chunk."""
        text = plain(texts.scoped(self.scope))
        counts = dict.fromkeys(self._entities, 0)
        for chunk, first, last in _chunks(text):
            within = (finding.entity for finding in self.find(chunk) if first <= finding.start < last)
            for entity, count in Counter(within).items():
                if entity in counts:
                    counts[entity] += count
            yield
        labels = tuple(entity for entity, count in counts.items() if count)
        return SignalRecord(
            matched=sum(counts.values()) >= self._least,
            label=labels[0] if labels else None,
            labels=labels,
            counts={str(entity): count for entity, count in counts.items()},
        )


def _joined(found: list[Finding], entity: Entity, spans: list[tuple[int, int]]) -> list[Finding]:
    """`found` and those of the sorted `spans` that touch none of it, nor one another, in order."""
    joined: list[Finding] = []
    place = end_of_last = 0
    for start, end in spans:
        while place < len(found) and found[place].start < start:
            joined.append(found[place])
            end_of_last = max(end_of_last, found[place].end)
            place += 1
        if start >= end_of_last and (place == len(found) or found[place].start >= end):
            joined.append(Finding(entity, start, end))
            end_of_last = end
    return joined + found[place:]


def _finish(steps: Generator[None, None, SignalRecord], texts: Texts) -> SignalRecord | Skipped:
    """Take the steps that are left, in time."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        if texts.seconds_left() <= 0.0:
            return Skipped("deadline")


def _chunks(text: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Pieces with a margin on both sides, and the range of each in which what begins there is counted."""
    start = 0
    while start < max(len(text), 1):
        signs = len(text[start : start + _STEP].translate(None, _UNSUSPICIOUS))
        step = _DENSE_STEP if signs > _STEP * _DENSE_SHARE else _STEP
        before = min(start, _BEFORE)
        yield text[start - before : start + step + _AFTER], before, before + step
        start += step
