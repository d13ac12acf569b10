"""`language`: which language the text is written in, by ISO 639 code, or unknown.

Letters of a script that one language alone uses (Greek, Hangul, kana, Thai, Georgian and others) settle a short text at
once, as do four Chinese characters without kana. Else CLD2 (Compact Language Detector 2, by n-grams of letters) decides: it knows 150 languages
and says for up to three of them how much of the text they make up. Code, fenced or not, and URLs are left out first.

* Matches when the language with the largest share is among `is`.
* `label`: that language; `score`: its share of the text in [0,1]; `labels`: all with a share of at least 0.15, largest
  first. Norwegian is `no`, Chinese `zh` in either script, Serbian `sr`, Croatian `hr` and Bosnian `bs` are told apart
  poorly.
* Unknown where CLD2 finds the text too short or too mixed to be told (mostly below 25 letters), and where the largest
  share is below `confidence`.
* Of more than 512 letters the first and the last half are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, cast

import msgspec
import pycld2

from forebay_api.signal import Language
from forebay_decision.record import SignalRecord
from forebay_decision.signals.code import lines_of, sample
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.regex import PatternError
from forebay_decision.work import Skipped

MOST_LETTERS: Final = 512
LEAST_SHARE: Final = 0.15
_RENAMED: Final = {
    "iw": "he",
    "jw": "jv",
    "nb": "no",
    "nn": "no",
    "zh-Hant": "zh",
    "sr-ME": "sr",
    "sh": "sr",
    "mo": "ro",
}
_NOT_TEXT: Final = (
    ("://", re.compile(r"\w{1,16}://\S*")),
    ("@", re.compile(r"[\w.+-]{1,64}@\S*")),
    ("`", re.compile(r"`[^`\n]*+`")),
)
"""What gives it away -> what is no text of a language: addresses and inline code."""
_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000efffe-\U0010ffff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 14))
    + "]"
)
"""What CLD2 refuses to read: control characters, surrogates, code points that are no characters."""
_SCRIPTS: Final = {
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "hy": "\u0531-\u058f",
    "ka": "\u10a0-\u10ff",
    "th": "\u0e01-\u0e5b",
    "lo": "\u0e81-\u0edf",
    "km": "\u1780-\u17ff",
    "my": "\u1000-\u109f",
    "ko": "\u1100-\u11ff\uac00-\ud7af",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "gu": "\u0a80-\u0aff",
    "pa": "\u0a00-\u0a7f",
    "or": "\u0b00-\u0b7f",
    "si": "\u0d80-\u0dff",
    "am": "\u1200-\u137f",
    "bo": "\u0f00-\u0fff",
}
"""Language -> letters that no other well-known language is written in. Amharic shares its script with Tigrinya, which
CLD2 tells apart in longer texts; Hebrew's and Arabic's letters serve several languages and are left to CLD2."""
_JAPANESE: Final = re.compile("[\u3041-\u309f\u30a1-\u30ff]")
_SCRIPT: Final = {code: re.compile(f"[{letters}]") for code, letters in _SCRIPTS.items()}
_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LEAST_HAN: Final = 4
"""Chinese characters without kana among them that are hardly Japanese."""
_LETTER: Final = re.compile(r"[^\W\d_]")
_SHORT: Final = 64
"""Letters below which the script is asked before CLD2."""


class Detected(msgspec.Struct, frozen=True):
    """Languages and their shares of the text, largest first; empty where it cannot be told."""

    shares: tuple[tuple[str, float], ...]


class LanguageDetector:
    """Matches when the text is in one of the languages asked for."""

    kind = "language"
    cost = 60.0

    def __init__(self, name: str, spec: Language) -> None:
        """PatternError where a code is of no language that can be told."""
        self.name = name
        self.scope = spec.scope
        self._is = frozenset(spec.is_)
        self._confidence = spec.confidence
        if unknown := sorted(self._is - LANGUAGES):
            raise PatternError(f"no language {unknown[0]!r} can be told: the codes are {', '.join(sorted(LANGUAGES))}")

    def prepare(self, texts: Texts) -> None:
        """Nothing: the text is all it takes."""

    def detect(self, texts: Texts, prepared: object = None) -> SignalRecord | Skipped:
        shares = _shared(texts, self.scope).shares
        if not shares:
            return Skipped("too short or too mixed to tell a language")
        label, share = shares[0]
        if share < self._confidence:
            return Skipped("no language has enough of the text")
        return SignalRecord(
            matched=label in self._is,
            score=share,
            threshold=self._confidence,
            label=label,
            labels=tuple(code for code, part in shares if part >= LEAST_SHARE),
        )


def detect_languages(text: str) -> Detected:
    """The languages of a text; shares are of the letters that were read, and may add up to less than 1."""
    prose = _prose(text)
    if len(prose) <= _SHORT and (found := _by_script(prose)):
        return Detected(((found, 1.0),))
    if not prose:
        return Detected(())
    reliable, _, details = _told(prose)
    if not reliable:
        return Detected(())
    shares: dict[str, float] = {}
    for _, code, percent, _ in details:
        name = _RENAMED.get(code, code)
        if name in LANGUAGES:
            shares[name] = shares.get(name, 0.0) + percent / 100
    return Detected(tuple(sorted(shares.items(), key=lambda item: -item[1])))


def _shared(texts: Texts, scope: str) -> Detected:
    """The scope's languages, told once for all signals of a request."""
    key = ("language", scope)
    shared = texts.shared()
    if key not in shared:
        shared[key] = detect_languages(texts.scoped(scope).decode("utf-8", "replace"))
    return cast("Detected", shared[key])


def _prose(text: str) -> str:
    prose = "\n".join(_prose_lines(sample(text, MOST_LETTERS)))
    for sign, pattern in _NOT_TEXT:
        if sign in prose:
            prose = pattern.sub(" ", prose)
    return prose.strip()


def _prose_lines(text: str) -> Iterator[str]:
    return (line for line, is_code in lines_of(text) if not is_code)


def _told(prose: str) -> tuple[bool, int, tuple[tuple[str, str, int, float], ...]]:
    try:
        return pycld2.detect(prose)  # type: ignore[no-any-return]
    except pycld2.error:
        return pycld2.detect(_UNFIT.sub(" ", prose))  # type: ignore[no-any-return]


def _by_script(text: str) -> str:
    """The one language whose script most letters are of, or empty."""
    letters = len(_LETTER.findall(text))
    if not letters or text.isascii():
        return ""
    if _JAPANESE.search(text):
        return "ja"
    if len(han := _HAN.findall(text)) >= _LEAST_HAN and 2 * len(han) > letters:
        return "zh"
    return next((code for code, script in _SCRIPT.items() if 2 * len(script.findall(text)) > letters), "")


def _known() -> frozenset[str]:
    codes = {code for name, code in pycld2.LANGUAGES if name in pycld2.DETECTED_LANGUAGES and "X_" not in name}
    return frozenset(_RENAMED.get(code, code) for code in codes if code.isalpha() or code in _RENAMED)


LANGUAGES: Final = _known()
"""ISO 639 codes that can be told."""
