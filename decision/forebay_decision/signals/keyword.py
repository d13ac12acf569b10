"""`keyword`: whole words and phrases. All phrases of a signal are one RE2 automaton, so time is linear in the text."""

from __future__ import annotations

import re
import unicodedata

from forebay_api.signal import Keyword
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.regex import compile_linear

# Scripts without spaces between words have no word boundary to look for.
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_BEFORE, _AFTER = r"(?:^|[^\pL\pN_])", r"(?:$|[^\pL\pN_])"


class KeywordDetector:
    """Matches when any phrase stands in the text; `label` is the phrase as the policy spells it."""

    kind = "keyword"
    cost = 5.0

    def __init__(self, name: str, spec: Keyword) -> None:
        self.name = name
        self.scope = spec.scope
        self._fold = not spec.case_sensitive
        self._phrases = {self._folded(phrase): phrase for phrase in spec.any}
        alternatives = "|".join(_pattern(phrase) for phrase in spec.any)
        self._automaton = compile_linear(alternatives, case_sensitive=spec.case_sensitive)

    def prepare(self, texts: Texts) -> None:
        """Nothing: the text is all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord:
        found = self._automaton.search(texts.scoped(self.scope))
        return SignalRecord(matched=found is not None, label=self._label(found.group()) if found else None)

    def _label(self, found: bytes) -> str | None:
        text = self._folded(found.decode("utf-8", "replace"))
        return (
            self._phrases.get(text)
            or self._phrases.get(text[1:])
            or self._phrases.get(text[:-1])
            or self._phrases.get(text[1:-1])
        )

    def _folded(self, text: str) -> str:
        return text.casefold() if self._fold else text


def _pattern(phrase: str) -> str:
    before = _BEFORE if _spaced(phrase[0]) else ""
    after = _AFTER if _spaced(phrase[-1]) else ""
    return f"{before}{re.escape(phrase)}{after}"


def _spaced(letter: str) -> bool:
    return letter.isalnum() and not unicodedata.name(letter, "").startswith(_UNSPACED)
