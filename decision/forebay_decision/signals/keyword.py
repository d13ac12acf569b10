"""`keyword`: whole words and phrases, up to ten thousand a signal.

All phrases of a signal are one Aho-Corasick automaton, so the time does not grow with their number and is linear in
the text. Case and compatibility forms are folded on both sides (folding.py), so that `straße` finds `STRASSE` and
`urgent` finds full-width letters; `caseSensitive` compares letters as they are.

A phrase that begins or ends with a letter or digit does so at the end of a word: `urgent` is not in `insurgents`, and
neither letters, digits nor `_` may touch it. Scripts without spaces between words have no such ends: there a phrase is
found anywhere, and what stands beside a word of another script does not count.

* `label`: the phrase that stands first in the text, as the policy spells it.
* Reads the scope's text in full up to 1 MiB; of a longer text the first and the last half, and an absence is then
  unknown. Unknown, too, where the decision's time ends first.
* Zero-width characters inside a word are letters like others: they hide it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterator
from typing import Final, cast

from ahocorasick_rs import AhoCorasick

from forebay_api.signal import Keyword
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.folding import fold, fold_pieces
from forebay_decision.signals.scan import SHORT_BYTES, Scan, plan_scan, scanned
from forebay_decision.work import Skipped

# Scripts without spaces between words have no word boundary to look for.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_CHUNK: Final = 1 << 14
"""Letters that pass the automaton at once: bounds what its matches take up, and how long it cannot be stopped."""
_SECONDS_PER_BYTE: Final = 40e-9
_ABSENT: Final = SignalRecord(matched=False)


class KeywordDetector:
    """Matches when any phrase stands in the text; `label` is the phrase as the policy spells it."""

    kind = "keyword"
    cost = 15.0

    def __init__(self, name: str, spec: Keyword) -> None:
        self.name = name
        self.scope = spec.scope
        self._fold = not spec.case_sensitive
        self._spelled = spec.any or []
        self._phrases = [fold(phrase) if self._fold else phrase for phrase in self._spelled]
        self._ends = [(_spaced(phrase[0]), _spaced(phrase[-1])) for phrase in self._phrases]
        self._longest = max(map(len, self._phrases), default=0)
        self._automaton = AhoCorasick(self._phrases)

    def prepare(self, texts: Texts) -> Scan | Skipped | None:
        length = len(texts.scoped(self.scope))
        if length <= SHORT_BYTES:
            return None
        return plan_scan(self.kind, length * _SECONDS_PER_BYTE, texts.seconds_left(), lambda: self._look(texts))

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord | Skipped:
        return self._look(texts) if prepared is None else scanned(prepared)

    def _look(self, texts: Texts) -> SignalRecord | Skipped:
        text = _folded(texts, self.scope) if self._fold else texts.scoped(self.scope).decode("utf-8", "replace")
        if text is None:
            return Skipped("deadline")
        step = max(_CHUNK, 4 * self._longest)
        if len(text) <= step:
            found = self._first(text, 0, len(text))
            return _ABSENT if found is None else SignalRecord(matched=True, label=self._spelled[found])
        for start in range(0, len(text), step):
            if start and texts.seconds_left() <= 0.0:
                return Skipped("deadline")
            # A phrase may begin in this chunk and end in the next one, and wants to see the letter before and after.
            found = self._first(text, start, min(start + step + self._longest, len(text)))
            if found is not None:
                return SignalRecord(matched=True, label=self._spelled[found])
        return _ABSENT

    def _first(self, text: str, start: int, end: int) -> int | None:
        """The phrase whose match begins first; of several, the one that the policy names first."""
        matches = self._automaton.find_matches_as_indexes(text[start:end], overlapping=True)
        found = min(self._whole(matches, text, start), default=None) if matches else None
        return None if found is None else found[1]

    def _whole(self, matches: list[tuple[int, int, int]], text: str, start: int) -> Iterator[tuple[int, int]]:
        """Place before each match that ends where words end, and its phrase."""
        for phrase, first, after in matches:
            begins, ends = self._ends[phrase]
            left, right = start + first - 1, start + after
            if begins and left >= 0 and _in_word(text[left]):
                continue
            if ends and right < len(text) and _in_word(text[right]):
                continue
            yield left, phrase


def _folded(texts: Texts, scope: str) -> str | None:
    """The scope's text, folded once for all signals of a request; None where the time ends before."""
    key: Hashable = ("folded", scope)
    shared = texts.shared()
    if key not in shared:
        pieces: list[str] = []
        for piece in fold_pieces(texts.scoped(scope).decode("utf-8", "replace")):
            if pieces and texts.seconds_left() <= 0.0:
                return None
            pieces.append(piece)
        shared[key] = "".join(pieces)
    return cast("str", shared[key])


def _spaced(letter: str) -> bool:
    """Whether a phrase that ends with this letter ends where a word ends."""
    return letter.isalnum() and (letter.isascii() or not unicodedata.name(letter, "").startswith(_UNSPACED))


def _in_word(letter: str) -> bool:
    return letter == "_" or _spaced(letter)
