"""One way to write what people write in several: digits, spaces and hyphens of other scripts become ASCII's."""

from __future__ import annotations

from typing import Final

_SPACES: Final = "\u00a0\u2007\u2009\u202f\u3000"
_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2212\uff0d"
_SIGNS: Final = {"\uff0b": "+", "\uff08": "(", "\uff09": ")", "\uff0e": ".", "\uff20": "@", "\uff1a": ":"}
_DIGITS: Final = "\uff10\u0660\u06f0\u0966\u09e6"
"""Zeros of full-width, Arabic, Persian, Devanagari and Bengali digits; the other nine follow each."""
_FORMS: Final = {
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_HYPHENS, "-"),
    **_SIGNS,
    **{chr(ord(zero) + digit): str(digit) for zero in _DIGITS for digit in range(10)},
}
_BY_LEAD: Final[dict[bytes, list[tuple[bytes, bytes]]]] = {}
for _form, _plain in _FORMS.items():
    _BY_LEAD.setdefault(_form.encode()[:-1], []).append((_form.encode(), _plain.encode()))


def plain(text: bytes) -> bytes:
    """UTF-8 with the forms replaced; a text that has none comes back as it is."""
    if text.isascii():
        return text
    for lead, forms in _BY_LEAD.items():
        if lead in text:
            for form, ascii_form in forms:
                text = text.replace(form, ascii_form)
    return text
