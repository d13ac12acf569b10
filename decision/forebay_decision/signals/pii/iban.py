"""IBANs: a country's length and structure, and the check digits of ISO 13616 (mod 97)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stdnum import iban as registry

from forebay_decision.signals.pii.finding import touches_word
from forebay_decision.signals.regex import compile_linear

LENGTHS: Final = {
    **{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29},
    **{"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29},
    **{"ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28},
    **{"HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20},
    **{"LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19},
    **{"MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29},
    **{"PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24},
    **{"SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20},
    "YE": 30,
}
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
    for place in range(start, min(start + 2 * length, len(text))):  # noqa: B007  the place after the last one is told
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
