"""`regex`: an RE2 pattern, matched in time linear in the text, with bounded memory."""

from __future__ import annotations

from typing import Any, Final

import re2

from forebay_api.signal import Regex
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts

MEMORY_BYTES: Final = 32 << 20


class PatternError(ValueError):
    """The pattern is not RE2 syntax, or its automaton is too large."""


def compile_linear(pattern: str, *, case_sensitive: bool = True) -> Any:
    """An RE2 automaton for UTF-8 bytes; PatternError says what is wrong with the pattern."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    options.case_sensitive = case_sensitive
    try:
        return re2.compile(pattern, options)  # type: ignore[no-untyped-call]
    except re2.error as error:
        text = error.args[0]
        raise PatternError(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)) from None


class RegexDetector:
    """Matches when the pattern is found anywhere in the text."""

    kind = "regex"
    cost = 5.0

    def __init__(self, name: str, spec: Regex) -> None:
        self.name = name
        self.scope = spec.scope
        self._automaton = compile_linear(spec.pattern)

    def prepare(self, texts: Texts) -> None:
        """Nothing: the text is all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord:
        return SignalRecord(matched=self._automaton.search(texts.scoped(self.scope)) is not None)
