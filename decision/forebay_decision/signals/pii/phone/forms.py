"""Forms that phone numbers have, with and without a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from forebay_decision.signals.pii.card import is_card
from forebay_decision.signals.pii.phone.words import BEFORE, NUMBER, WORD, word_around

_CANDIDATE: Final = re.compile(
    rb"[+(\d](?<!\w.)(?<!\d[.,:/-].)(?<!\$.)(?<!\xc2\xa3.)(?<!\xe2\x82\xac.)"
    rb"(?:(?<=\()\+?\d{1,4}|(?<=\+)\(?\d|(?<=\d))"
    rb"(?:[ \t.()/-]{0,3}\d){5,17}+"
    rb"(?:(?=x\d)|(?![\w@%]))(?![.,:/-]\d)"
)
_EXTENSION: Final = re.compile(rb"\s{0,2}(?:,?\s?ext(?:ension)?\.?|x|#)\s?\d{1,6}(?!\w)", re.IGNORECASE)
_LEADING: Final = re.compile(
    rb"(?:\b(?:at|on|to|me|us|ring)|\b[tmfpTMFP][.:]"
    rb"|\b(?:[Hh]ome|[Ww]ork|[Oo]ffice|[Dd]irect|[Ll]ine|[Mm]ain|[Nn](?:o|r|um)\.?)\W{0,2})\s{0,3}\(?$"
    rb"|(?:^|\n)[ \t>*-]{0,8}\(?$|([,;|\t])[ ]{0,2}\(?$"
)
"""What stands right before a number that someone may be reached at, the beginning of a line or of a field."""
_LINE_END: Final = re.compile(rb"[ \t]{0,4}(?:$|[\r\n,;|])")
_SENTENCE_END: Final = re.compile(rb"[ \t]{0,4}(?:$|[\r\n.,;?!)])")
_DATE: Final = re.compile(
    rb"(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:[0-2]?\d|3[01])\b.*"
    rb"|(?:[0-2]?\d|3[01])[-./ ](?:[0-2]?\d|3[01])[-./ ](?:19|20)\d\d\b.*"
    rb"|(?:1\d|20)\d\d[-/](?:1\d|20)\d\d"
)
_GROUPS: Final = re.compile(rb"\d+")
_NANP: Final = re.compile(rb"(?:1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])\d{3}[ .-]\d{4}")
_AREA: Final = re.compile(rb"\((?:0\d{1,4}|\d{2,4})\)[ ]?\d{2,5}[ -]\d{2,5}(?:[ -]\d{2,4})?")
_TRUNK: Final = re.compile(rb"\(?0[1-9]\d{0,4}\)?(?:[ .]\d{2,4}|[-/ ]\d{3,8}){1,4}")
_PAIRS: Final = re.compile(rb"\d\d-\d\d-\d\d-\d\d(?:-\d\d)?|0\d([. ])\d\d\1\d\d\1\d\d\1\d\d")
_GROUPED: Final = re.compile(rb"\(?\d{1,5}\)?(?:([ .-])\d{2,5}(?:\1\d{2,5}){0,4}|[ ]\d{2,5}-\d{2,5})")
_THOUSANDS: Final = re.compile(rb"\d{1,3}(?:([ .])\d{3})(?:\1\d{3})+")
_CODES: Final = (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 "
    "82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 "
    "234 235 236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 "
    "261 262 263 264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 "
    "372 373 374 375 376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 "
    "508 509 590 591 592 593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 "
    "686 687 688 689 690 691 692 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 "
    "964 965 966 967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998 "
)
CALLING_CODES: Final = frozenset(_CODES.split())
"""Calling codes of countries and of networks above them (ITU-T E.164)."""


def find_phones(text: bytes) -> Iterator[tuple[int, int]]:
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        written = text[start:end]
        if _is_phone(written, text, start, end):
            extension = _EXTENSION.match(text, end)
            yield start, extension.end() if extension else end


def _is_phone(written: bytes, text: bytes, start: int, end: int) -> bool:
    groups = _GROUPS.findall(written)
    digits = b"".join(groups)
    if written.startswith((b"+", b"(+")):
        return _international(digits)
    if not 7 <= len(digits) <= 15 or _DATE.fullmatch(written) or written.count(b"(") != written.count(b")"):
        return False
    if _looks_otherwise(written, groups, digits):
        return False
    word = word_around(text, start, end)
    if word is not None:
        return word and len(digits) <= 13 and len(groups) <= 6
    if written.startswith(b"00"):
        return len(groups) > 1 and _international(digits[2:])
    if any(form.fullmatch(written) for form in (_NANP, _AREA, _PAIRS)):
        return True
    if _TRUNK.fullmatch(written) and (9 if len(groups) > 2 else 10) <= len(digits) <= 12:
        return True
    return _stands_as_one(written, text, start, end)


def _stands_as_one(written: bytes, text: bytes, start: int, end: int) -> bool:
    """Whether grouped digits stand where numbers to be reached at do, with no word that says so."""
    if _GROUPED.fullmatch(written) is None or _THOUSANDS.fullmatch(written):
        return False
    before = text[max(0, start - BEFORE) : start]
    leading = _LEADING.search(before)
    if leading is None:
        return not NUMBER.isdisjoint(WORD.findall(before.lower()))
    alone = before[leading.start() :].strip(b" \t\r\n>*-(,;|") == b""
    # "at 12 345 Redbud Drive" is a house.
    return (_LINE_END if alone else _SENTENCE_END).match(text, end) is not None


def _international(digits: bytes) -> bool:
    if digits.startswith(b"1"):
        return len(digits) == 11 and digits[1:2] in b"23456789"
    if not 7 <= len(digits) <= 16:
        return False
    written = digits[:3].decode()
    return any(written[:length] in CALLING_CODES for length in (2, 3)) or digits.startswith(b"7")


def _looks_otherwise(written: bytes, groups: list[bytes], digits: bytes) -> bool:
    """Whether the form is one of something else: SSN, IPv4, decimal numbers, a card, one digit repeated."""
    lengths = [len(group) for group in groups]
    if b"." in written and (len(groups) == 2 or b" " in written or (len(groups) == 4 and max(lengths) <= 3)):
        return True
    return (
        (lengths == [3, 2, 4] and b"-" in written)
        or set(digits) <= set(b"01")
        or len(set(digits)) == 1
        or (len(digits) > 11 and is_card(digits))
    )
