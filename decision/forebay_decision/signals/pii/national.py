"""National identity, social security and personal tax numbers, checked by python-stdnum.

How a number is written is looked up as a picture, with 9 for each digit and A for each letter: `999-99-9999` may be an
American social security number, `99999999A` a Spanish DNI. Where the picture, or the check digits behind it, are
telling, that is enough. Where a number could as well be any other, a word of its country must stand before it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from forebay_decision.signals.pii.finding import touches_word

Check = Callable[[str], bool]


class Number(msgspec.Struct, frozen=True):
    """One kind of number. `pictures` are telling by themselves; `plain` ones want one of `words` before them."""

    country: str
    module: str
    pictures: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


_TEN, _ELEVEN, _THIRTEEN = "9" * 10, "9" * 11, "9" * 13
NUMBERS: Final = (
    Number("US", "us.ssn", ("999-99-9999",), ("999999999", "999 99 9999"), ("ssn", "social security", "social sec")),
    Number("US", "us.itin", ("999-99-9999",), ("999999999",), ("itin", "taxpayer")),
    Number("CA", "ca.sin", (), ("999-999-999", "999 999 999", "999999999"), ("sin", "social insurance", "nas")),
    Number("GB", "gb.nhs", (), ("999 999 9999", "999-999-9999", _TEN), ("nhs",)),
    Number("GB", "", ("AA999999A",)),
    Number("IE", "ie.pps", ("9999999A", "9999999AA")),
    Number(
        "FR",
        "fr.nir",
        ("9" * 15, "9 99 99 99 999 999 99", "9 99 99 9A 999 999 99", "999999A99999999", "9" * 13 + " 99"),
    ),
    Number("FR", "fr.nif", (), (_THIRTEEN, "99 99 999 999 999"), ("fiscal", "spi", "nif")),
    Number("DE", "de.idnr", (), (_ELEVEN, "99 999 999 999"), ("steuer", "idnr", "tin", "tax")),
    Number(
        "AT",
        "at.vnr",
        (),
        (_TEN, "9999 999999", "9999-999999"),
        ("svnr", "sozialversicherung", "sv-nummer", "versicherungsnummer"),
    ),
    Number("CH", "ch.ssn", ("999.9999.9999.99",), (_THIRTEEN,), ("ahv", "avs", "oasi")),
    Number("ES", "es.dni", ("99999999A", "99999999-A", "99.999.999-A", "99999999 A")),
    Number("ES", "es.nie", ("A9999999A", "A-9999999-A", "A9999999-A")),
    Number("PT", "pt.cc", ("999999999AA9", "99999999 9 AA9", "99999999 9AA9")),
    Number("PT", "pt.nif", (), ("999999999", "999 999 999"), ("nif", "contribuinte")),
    Number("IT", "it.codicefiscale", ("AAAAAA99A99A999A",)),
    Number("NL", "nl.bsn", (), ("999999999", "9999.99.999"), ("bsn", "burgerservice", "sofi")),
    Number(
        "BE",
        "be.nn",
        ("99.99.99-999.99",),
        (_ELEVEN, "999999-999-99", "999999 999 99"),
        ("rijksregister", "national", "niss", "insz", "insz"),
    ),
    Number("DK", "dk.cpr", ("999999-9999",), (_TEN,), ("cpr", "personnummer")),
    Number(
        "SE",
        "se.personnummer",
        ("999999-9999", "99999999-9999", "999999+9999"),
        (_TEN, "9" * 12),
        ("personnummer", "personnr"),
    ),
    Number("NO", "no.fodselsnummer", ("999999 99999", _ELEVEN), (), ("fodsel", "fødsel", "personnummer")),
    Number("FI", "fi.hetu", ("999999-999A", "999999-9999", "999999A999A", "999999A9999", "999999+999A")),
    Number("IS", "is_.kennitala", ("999999-9999",), (_TEN,), ("kennitala",)),
    Number("EE", "ee.ik", (), (_ELEVEN,), ("isikukood", "personal code")),
    Number("LT", "lt.asmens", (), (_ELEVEN,), ("asmens",)),
    Number("LV", "lv.pvn", ("999999-99999",), (_ELEVEN,), ("personas kod",)),
    Number("PL", "pl.pesel", (), (_ELEVEN,), ("pesel",)),
    Number("CZ", "cz.rc", ("999999/9999",), (_TEN, "999999/999"), ("rodné", "rodne")),
    Number("SK", "sk.rc", ("999999/9999",), (_TEN,), ("rodné", "rodne")),
    Number("RO", "ro.cnp", (), (_THIRTEEN,), ("cnp", "cod numeric")),
    Number("BG", "bg.egn", (), (_TEN,), ("егн", "egn")),
    Number("HR", "hr.oib", (), (_ELEVEN,), ("oib",)),
    Number("SI", "si.emso", (), (_THIRTEEN,), ("emšo", "emso", "jmbg")),
    Number("GR", "gr.amka", (), (_ELEVEN,), ("amka", "αμκα")),
    Number("TR", "tr.tckimlik", (), (_ELEVEN,), ("kimlik", "tckn", "t.c.")),
    Number("UA", "ua.rntrc", (), (_TEN,), ("рнокпп", "іпн", "rntrc")),
    Number("RU", "ru.inn", (), ("9" * 12,), ("инн", "inn")),
    Number("MD", "md.idno", (), (_THIRTEEN,), ("idno", "idnp")),
    Number("IL", "il.idnr", (), ("999999999", "99999999-9"), ("teudat", "ת.ז", "תעודת", "israeli id", "id number")),
    Number("ZA", "za.idnr", (), (_THIRTEEN, "999999 9999 99 9"), ("south african", "id number", "identity", "rsa id")),
    Number("IN", "in_.aadhaar", (), ("9999 9999 9999", "9" * 12, "9999-9999-9999"), ("aadhaar", "aadhar", "uidai")),
    Number("IN", "in_.pan", ("AAAAA9999A",)),
    Number("CN", "cn.ric", ("9" * 18, "9" * 17 + "A")),
    Number("KR", "kr.rrn", ("999999-9999999",), (_THIRTEEN,), ("주민",)),
    Number("JP", "jp.in_", (), ("9" * 12, "9999 9999 9999"), ("マイナンバー", "個人番号", "my number")),
    Number("MY", "my.nric", ("999999-99-9999",), ("9" * 12,), ("nric", "mykad", "ic number")),
    Number("ID", "id.nik", (), ("9" * 16,), ("nik", "ktp")),
    Number("TH", "th.pin", ("9-9999-99999-99-9",), (_THIRTEEN,), ("บัตรประชาชน", "thai id")),
    Number("PK", "pk.cnic", ("99999-9999999-9",), (_THIRTEEN,), ("cnic", "nadra")),
    Number("AU", "au.tfn", (), ("999 999 999", "999999999", "99999999"), ("tfn", "tax file")),
    Number("NZ", "nz.ird", (), ("99-999-999", "999-999-999", "99999999", "999999999"), ("ird",)),
    Number("BR", "br.cpf", ("999.999.999-99",), (_ELEVEN,), ("cpf",)),
    Number("AR", "ar.cuit", ("99-99999999-9",), (_ELEVEN,), ("cuit", "cuil")),
    Number("AR", "ar.dni", (), ("99999999", "99.999.999"), ("dni", "documento")),
    Number(
        "CL",
        "cl.rut",
        ("99.999.999-9", "99.999.999-A", "99999999-A", "9.999.999-9", "9.999.999-A"),
        ("99999999-9", "9999999-9"),
        ("rut", "run"),
    ),
    Number("MX", "mx.curp", ("AAAA999999AAAAAA99", "AAAA999999AAAAAAA9")),
    Number("CO", "co.nit", (), (_TEN, "999999999-9"), ("nit", "cédula", "cedula")),
    Number("PE", "pe.cui", (), ("99999999-9", "999999999"), ("dni", "cui")),
    Number("EC", "ec.ci", (), (_TEN,), ("cédula", "cedula")),
    Number("DO", "do.cedula", ("999-9999999-9",), (_ELEVEN,), ("cédula", "cedula")),
    Number("CU", "cu.ni", (), (_ELEVEN,), ("identidad",)),
    Number("VE", "ve.rif", ("A-99999999-9", "A999999999"), (), ()),
    Number("MU", "mu.nid", ("A9999999999999", "A999999999999A")),
)
"""Kinds of numbers. A module of python-stdnum says whether one is valid; the one without a module is _NINO's."""

COUNTRIES: Final = tuple(sorted({number.country for number in NUMBERS}))
_TOKEN: Final = re.compile(rb"\d[\dA-Za-z]*(?:[./+-][\dA-Za-z]+)*")
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PICTURE: Final = bytes.maketrans(b"0123456789" + _LETTERS, b"9" * 10 + b"A" * 52)
_MOST_LEADING: Final = 9
_LONGEST: Final = 32
_BEFORE: Final = 48
_NINO: Final = re.compile(
    rb"[A-CEGHJ-PR-TW-Z](?<!\w.)[A-CEGHJ-NPR-TW-Z](?<!BG)(?<!GB)(?<!NK)(?<!KN)(?<!TN)(?<!NT)(?<!ZZ)"
    rb" ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)"
)
"""Great Britain's national insurance number has no check digit."""


class NationalNumbers:
    """Finds the numbers of some countries."""

    def __init__(self, countries: Iterable[str]) -> None:
        """Imports the modules that check them, so that no request waits for that."""
        self._by_picture: dict[bytes, list[tuple[Check, tuple[bytes, ...]]]] = {}
        self._spaced: dict[bytes, list[bytes]] = {}
        wanted = frozenset(countries)
        self._insurance = "GB" in wanted
        for number in NUMBERS:
            if number.country in wanted and number.module:
                check = _check(number.module)
                words = tuple(word.encode() for word in number.words)
                for pictures, needed in ((number.pictures, ()), (number.plain, words)):
                    for picture in pictures:
                        self._add(picture.encode(), check, needed)

    def _add(self, picture: bytes, check: Check, words: tuple[bytes, ...]) -> None:
        self._by_picture.setdefault(picture, []).append((check, words))
        first, space, _ = picture.partition(b" ")
        if space and picture not in self._spaced.setdefault(first, []):
            self._spaced[first].append(picture)

    def __call__(self, text: bytes) -> Iterator[tuple[int, int]]:
        done = 0
        for match in _TOKEN.finditer(text):
            if match.start() < done:
                continue
            start, end = _whole(text, *match.span())
            found = self._number(text, start, end)
            if found:
                yield start, found
                done = found
        if self._insurance:
            yield from (match.span() for match in _NINO.finditer(text))

    def _number(self, text: bytes, start: int, end: int) -> int:
        """Where the number that begins with this token ends, or 0."""
        if end - start > _LONGEST:
            return 0
        picture = text[start : start + _LONGEST].translate(_PICTURE)
        token = picture[: end - start]
        for spaced in self._spaced.get(token, ()):
            last = start + len(spaced)
            if (
                picture.startswith(spaced)
                and not touches_word(text, start, last)
                and self._taken(text, start, last, spaced)
            ):
                return last
        return end if token in self._by_picture and self._taken(text, start, end, token) else 0

    def _taken(self, text: bytes, start: int, end: int, picture: bytes) -> bool:
        written = text[start:end].decode()
        return any(
            (not words or _preceded(text, start, words)) and check(written)
            for check, words in self._by_picture[picture]
        )


def _whole(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The token with the letters before its first digit, and with `X-` where one letter and a hyphen stand there."""
    first = start
    while first > 0 and start - first < _MOST_LEADING and text[first - 1] in _LETTERS:
        first -= 1
    if first == start and start > 1 and text[start - 1 : start] == b"-" and text[start - 2] in _LETTERS:
        first = start - 2
    return (start, end) if first and text[first - 1 : first].isalnum() else (first, end)


def _preceded(text: bytes, start: int, words: tuple[bytes, ...]) -> bool:
    before = text[max(0, start - _BEFORE) : start].lower()
    return any(word in before for word in words)


def _check(module: str) -> Check:
    valid: Check = importlib.import_module(f"stdnum.{module}").is_valid

    def check(written: str) -> bool:
        try:
            return bool(valid(written))
        except Exception:  # noqa: BLE001  some modules raise what they should not for some digits
            return False

    return check
