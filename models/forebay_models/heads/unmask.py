"""Reads through what hides a text from a classifier and not from a model: invisible letters, look-alikes from other
alphabets, full-width forms, small capitals, tag characters, spelled-out letters, leetspeak, base64, hexadecimal, character
references, percent codes, one of these in another; ROT13, and words or whole texts written backwards.

Linear in the text, of which the two ends are read. A text that hides nothing comes back as it is, after one quick look.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from typing import Final
from urllib.parse import unquote

from forebay_models.cut import cut_middle

READ: Final = 16_384
LEAST_LETTERS: Final = 0.75
LEAST_LEET: Final = 2

_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_LIKE: Final = str.maketrans(
    "аесорхуікѕԁһјԛԝοαειυνρτκАВСЕНКМОРТХΑΒΕΗΙΚΜΝΟΡΤΧ", "aecopxyiksdhjqwoaeiuvptkABCEHKMOPTXABEHIKMNOPTX"
)
_SMALL: Final = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_TAGS: Final = {0xE0000 + code: code for code in range(0x20, 0x7F)}
"""Letters that nobody sees and models read (U+E0020 to U+E007E)."""
_WORD: Final = re.compile(r"\S{1,64}")
_MIXED: Final = re.compile(r"[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]")
_MARKED: Final = re.compile(r"(?<!\S)[^\W_]([.\-_])(?:[^\W_]\1| \1){5,}[^\W_]?")
_SPACED: Final = re.compile(r"(?<!\S)(?:[^\W_] {1,3}){6,}[^\W_]?(?!\S)")
_BASE64: Final = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{16,}={0,2}(?![\w+/])")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}[ ]?){8,}(?![0-9A-Za-z])")
_LEET_WORD: Final = re.compile(r"(?<![\w@$])(?=\w*[a-z])(?=[\w@$]*[013457@$])[\w@$]{3,}(?![\w@$])", re.IGNORECASE)
_LEET: Final = str.maketrans({"4": "a", "3": "e", "1": "i", "0": "o", "5": "s", "7": "t", "@": "a", "$": "s"})
# One by one, each in its own case: an alternation of them all takes five times as long.
_SUSPECT: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"[A-Za-z0-9+/]{16}", r"&#\w", r"%[0-9A-Fa-f]{2}", r"\w[.\-_ ]\w[.\-_ ]\w[.\-_ ]\w[.\-_ ]", r"[A-Za-z][013457@$]+[A-Za-z]",
        r"(?:[0-9a-fA-F]{2} ){6}",
    )
)  # fmt: skip


SAMPLE: Final = 400
LEAST_WORDS: Final = 4
FEW_COMMON: Final = 0.1
MANY_COMMON: Final = 0.3
COMMON: Final = frozenset(
    (
        "the", "of", "and", "to", "a", "in", "is", "you", "that", "it", "for", "on", "with", "as", "are", "be",
        "this", "your", "not", "all", "me", "my", "i", "what", "how", "do", "from", "or", "have", "can", "no", "any",
        "now", "ignore", "forget", "previous", "above", "instructions", "rules", "system", "prompt", "tell", "show",
        "print", "reveal", "repeat", "act", "answer", "without",
    )
)  # fmt: skip
"""English words that a text of some length has, and those of attacks: where they turn up, a text has been put right."""


def unmask(text: str) -> str:
    """The text with its disguises taken off; the same object where there is none."""
    read = cut_middle(text, READ)
    plain = _take_off(read) if _may_hide(read) else read
    if plain is not read and _may_hide(plain):
        plain = _take_off(plain)
    plain = _turn_round(plain)
    return text if plain == read else plain


def _may_hide(text: str) -> bool:
    return not text.isascii() or any(pattern.search(text) is not None for pattern in _SUSPECT)


def _turn_round(text: str) -> str:
    """ROT13 and what is written backwards, told by the words that the text has then and has not now."""
    sample = text[:SAMPLE]
    words = sample.lower().split()
    if len(words) < LEAST_WORDS or _common(words) >= FEW_COMMON * len(words):
        return text
    if _common(codecs.encode(sample.lower(), "rot13").split()) >= MANY_COMMON * len(words):
        return codecs.encode(text, "rot13")
    if _common([word[::-1] for word in words]) >= MANY_COMMON * len(words):
        # A capital at the end of the first word: each is backwards in its place. Else the whole is.
        in_place = sample.split(None, 1)[0][-1].isupper()
        return " ".join(word[::-1] for word in text.split(" ")) if in_place else text[::-1]
    return text


def _common(words: list[str]) -> int:
    return sum(word in COMMON for word in words)


def _take_off(plain: str) -> str:
    read = plain
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", plain)).translate(_SMALL | _TAGS)
        if _MIXED.search(plain) is not None:
            plain = _WORD.sub(_unmixed, plain)
    if "&#" in plain:
        plain = html.unescape(plain)
    if "%" in plain:
        plain = unquote(plain, errors="ignore")
    plain = _BASE64.sub(_from_base64, plain)
    plain = _HEX.sub(_from_hex, plain)
    plain = _MARKED.sub(lambda run: run[0][::2], plain)
    plain = _SPACED.sub(_joined, plain)
    if len(_LEET_WORD.findall(plain)) >= LEAST_LEET:
        plain = _LEET_WORD.sub(lambda word: word[0].translate(_LEET), plain)
    return read if plain == read else plain


def _is_text(raw: bytes) -> str | None:
    """The bytes as text, where they are mostly letters and spaces."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        return None
    likely = sum(letter.isalpha() or letter == " " for letter in text)
    return text if text.isprintable() and likely >= LEAST_LETTERS * len(text) else None


def _from_base64(found: re.Match[str]) -> str:
    run = found[0].rstrip("=")
    try:
        raw = base64.b64decode(run + "=" * (-len(run) % 4), validate=True)
    except (binascii.Error, ValueError):
        return found[0]
    return _is_text(raw) or found[0]


def _from_hex(found: re.Match[str]) -> str:
    run = found[0].replace(" ", "")
    return _is_text(bytes.fromhex(run[: len(run) // 2 * 2])) or found[0]


def _unmixed(word: re.Match[str]) -> str:
    return word[0].translate(_LIKE) if _MIXED.search(word[0]) is not None else word[0]


def _joined(found: re.Match[str]) -> str:
    """`i g n o r e   i t` -> `ignore it`: one space joins, more of them part words."""
    return " ".join(word.replace(" ", "") for word in re.split(" {2,}", found[0]))
