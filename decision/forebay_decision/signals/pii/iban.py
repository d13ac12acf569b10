"""IBANs: a country's length and structure, and the check digits of ISO 13616 (mod 97)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stdnum import iban as registry

from forebay_decision.signals.pii.finding import touches_word
from forebay_decision.signals.regex import compile_linear

_OF_LENGTH: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
LENGTHS: Final = {country: length for length, countries in _OF_LENGTH.items() for country in countries.split()}
"""Country -> letters of its IBANs (SWIFT's registry)."""
_BEGINS: Final = compile_linear(rf"(?:{'|'.join(LENGTHS)})[0-9]{{2}}", case_sensitive=False)
_SEPARATORS: Final = b" -"


def find_ibans(text: bytes) -> Iterator[tuple[int, int]]:
    position = 0
    for match in _BEGINS.finditer(text):
        start: int = match.start()
        if start < position:
            continue
        compact, end = _take(text, start, LENGTHS[text[start : start + 2].decode().upper()])
        if compact and not touches_word(text, start, end) and _valid(compact):
            yield start, end
            position = end


def _take(text: bytes, start: int, length: int) -> tuple[str, int]:
    """`length` letters and digits from `start` on, single separators left out, and where they end; or nothing."""
    taken = bytearray()
    place = start
    for place in range(start, min(start + 2 * length, len(text))):
        byte = text[place : place + 1]
        if byte.isalnum():
            taken += byte
            if len(taken) == length:
                break
        elif byte not in _SEPARATORS or text[place - 1 : place] in _SEPARATORS:
            return "", start
    return (taken.decode(), place + 1) if len(taken) == length else ("", start)


def _valid(compact: str) -> bool:
    upper = compact.upper()
    number = int("".join(str(int(letter, 36)) for letter in upper[4:] + upper[:4]))
    # The registry also knows which places hold letters and which digits, and some countries' own check digits.
    return number % 97 == 1 and bool(registry.is_valid(upper))
