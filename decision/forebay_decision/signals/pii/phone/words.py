"""Words around a number: those that say it is a phone's, and those that say what else it is."""

from __future__ import annotations

import re
from typing import Final

BEFORE: Final = 80
_NEAR: Final = 32
"""Bytes before a number in which a word that says phone, and one that says something else, count."""
_PHONE: Final = frozenset(
    (
        "phone phones telephone telephones tel ph mobile mobiles mob cell cellphone call called calling calls "
        "callback dial dialled phoned rang fax reach reached contact texted sms whatsapp viber hotline helpline "
        "landline voicemail pager switchboard handy telefon telefonnummer telefonnr mobil mobilnummer rufnummer "
        "anrufen tlf tél téléphone appelez teléfono telefono móvil movil celular llame telefone telemóvel ligue "
        "cellulare chiamare telefoon mobiel puhelin"
    )
    .encode()
    .split()
)
_PHONE_PAIRS: Final = frozenset(
    (first, second)
    for first, seconds in {
        b"text": b"me us him her them to",
        b"ring": b"me us him her them",
        b"me": b"on",
        b"us": b"on",
        b"toll": b"free",
        **dict.fromkeys(
            b"my his her our your their new work home office contact daytime emergency free".split(), b"number numbers"
        ),
    }.items()
    for second in seconds.split()
)
NUMBER: Final = frozenset({b"number", b"numbers", b"numero", "número".encode(), "numéro".encode(), b"nummer"})
_OTHER: Final = frozenset(
    b"card iban account acct order invoice ticket tracking zip postal postcode serial version licence license passport ssn "
    b"security tax vat isbn amount price total pin id box date born birthday dob copyright case ref reference file docket "
    b"claim policy booking reservation confirmation flight part model batch sku code".split()
)
"""Words that say what else a number is; `number` by itself says nothing."""
WORD: Final = re.compile(rb"[a-z\x80-\xff]+")
_NATIVE: Final = tuple("тел звон 电话 電話 手机 手機 携帯 전화 휴대폰 هاتف جوال फोन फ़ोन τηλ טלפון".encode().split())
_AFTERWARDS: Final = re.compile(
    rb"\W{0,3}(?:\((?:m|mobile|cell|home|work|office)\)|(?:office|fax|mobile|cell|home|work)\b)", re.IGNORECASE
)


def word_around(text: bytes, start: int, end: int) -> bool | None:
    """True where the nearest telling word before, or one just after, says phone; False where it says something else."""
    if _AFTERWARDS.match(text, end):
        return True
    before = text[max(0, start - BEFORE) : start]
    if not before.isascii() and any(word in before for word in _NATIVE):
        return True
    told: bool | None = None
    previous = b""
    for found in WORD.finditer(before.lower()):
        word = found[0]
        if word in _PHONE or (previous, word) in _PHONE_PAIRS:
            told = True
        elif word in _OTHER and len(before) - found.end() <= _NEAR:
            told = False
        previous = word
    return told
