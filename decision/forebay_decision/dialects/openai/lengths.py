"""Limits on how many values a body and elements a list may have, told before any of them is read.

A body of a few megabytes can hold a million empty messages, and each would cost a struct, a turn and its text. Here
they are counted as raw values, in C; and not even that where the bytes have too few commas to separate so many.

What is nobody's element costs as well: a million empty objects somewhere inside a message take a second to be looked
through for keys that occur twice, and longer where all text is asked for, during which the event loop does nothing else.
So all values of a body together are bounded, too, wherever they stand.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from forebay_decision.errors import BadRequest

MOST_ELEMENTS: Final = 4096
"""Messages or items of a request, tools of one, and parts (or whatever else is listed) of a message or item."""
MOST_VALUES: Final = 131_072
"""Strings, numbers, lists and so on of a whole body. A conversation of MOST_ELEMENTS messages has some 25,000, two megabytes
of tools' definitions have as many as this."""
MOST_PROMPTS: Final = 65_536
"""Prompts of a completion or texts to embed."""
MOST_TOKEN_IDS: Final = 1_000_000
"""Token ids of all prompts together; no model reads more in one pass."""

_LIST = msgspec.json.Decoder(list[Raw])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def check_values(body: bytes, beside: int = 0) -> None:
    """BadRequest for a body of more than MOST_VALUES values and `beside`; what is no JSON is for others to judge.

    Time is linear in the body, and memory bounded by its length, whatever it holds.
    """
    most = MOST_VALUES + beside
    if len(body) <= most or _separated(body) <= most:
        return
    # What stands in strings separates nothing. Only there are backslashes, and only pairs of them hide no quote.
    pieces = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"', 4 * MOST_VALUES)
    if len(pieces) > 4 * MOST_VALUES or _separated(b"".join(pieces[::2])) > most:
        raise BadRequest(
            f"The body holds more than {most} values (strings, numbers, lists and objects, at any depth). Send less at once.",
            code="too_many_values",
        )


def _separated(text: bytes) -> int:
    """At least the number of values: each but the first follows a comma, or the bracket that opens what it is in."""
    return text.count(b",") + text.count(b"{") + text.count(b"[")


def check_length(raw: Raw, param: str, most: int = MOST_ELEMENTS) -> None:
    """BadRequest for a list of more than `most` elements; what is no list is for others to judge."""
    _long(bytes(raw), param, most)


def check_lengths(raw: Raw, param: str) -> None:
    """The same for a list and for every list that is a member of one of its elements, all MOST_ELEMENTS at most."""
    for index, element in enumerate(_long(bytes(raw), param, MOST_ELEMENTS)):
        check_members(element, f"{param}[{index}]")


def check_members(raw: Raw, param: str) -> None:
    """The same for every list that is a member of an object."""
    value = bytes(raw)
    if value.count(b",") >= MOST_ELEMENTS and value.startswith(b"{"):
        for key, inner in _OBJECT.decode(value).items():
            _long(bytes(inner), f"{param}.{key}", MOST_ELEMENTS)


def too_long(param: str, most: int, of: str = "elements") -> BadRequest:
    """A list has more than `most` elements."""
    return BadRequest(
        f"Invalid '{param}': it has more than {most} {of}. Send fewer, in several requests if need be.",
        code="array_above_max_length",
        param=param,
    )


def _long(value: bytes, param: str, most: int) -> list[Raw]:
    """The elements, if `value` is a list that has enough commas to be too long and is not."""
    if value.count(b",") < most or not value.startswith(b"["):
        return []
    elements = _LIST.decode(value)
    if len(elements) > most:
        raise too_long(param, most)
    return elements
