"""`regex`: an RE2 pattern, found anywhere in the text in time linear in it, with bounded memory.

The syntax is RE2's: no back references and no looking around. `(?i)` at the beginning ignores case, `\\b` is an end of
a word of ASCII letters. A pattern whose automaton would not fit into 32 MiB is refused when the manifest is read.

* Reads the scope's text in full up to 1 MiB; of a longer text the first and the last half, and an absence is then
  unknown. Unknown, too, where the decision's time does not suffice.
* Digits and letters that merely look alike (full-width, Cyrillic) are other letters to it: `keyword` folds, `regex` does not.
"""

from __future__ import annotations

import re
from typing import Any, Final

import re2

from forebay_api.signal import Regex
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.scan import SHORT_BYTES, Scan, plan_scan, scanned
from forebay_decision.work import Skipped

MEMORY_BYTES: Final = 32 << 20
_SECONDS_PER_BYTE: Final = 6e-9
_BEYOND: Final = re.compile(r"invalid perl operator: \(\?<?[=!]|invalid escape sequence: \\[1-9]")
_NOT_RE2: Final = ": RE2 knows no looking around and no back references"
_PRESENT: Final = SignalRecord(matched=True)
_ABSENT: Final = SignalRecord(matched=False)


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
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        raise PatternError(said + (_NOT_RE2 if _BEYOND.match(said) else "")) from None


class RegexDetector:
    """Matches when the pattern is found anywhere in the text."""

    kind = "regex"
    cost = 5.0

    def __init__(self, name: str, spec: Regex) -> None:
        self.name = name
        self.scope = spec.scope
        self._automaton = compile_linear(spec.pattern)

    def prepare(self, texts: Texts) -> Scan | Skipped | None:
        length = len(texts.scoped(self.scope))
        if length <= SHORT_BYTES:
            return None
        return plan_scan(self.kind, length * _SECONDS_PER_BYTE, texts.seconds_left(), lambda: self._look(texts))

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord | Skipped:
        return self._look(texts) if prepared is None else scanned(prepared)

    def _look(self, texts: Texts) -> SignalRecord:
        return _PRESENT if self._automaton.search(texts.scoped(self.scope)) is not None else _ABSENT
