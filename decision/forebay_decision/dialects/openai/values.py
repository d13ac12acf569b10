"""One member's value: read as the type the endpoint wants, or refused in OpenAI's words with the field's path."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from forebay_decision.errors import BadRequest

T = TypeVar("T")

MOST_TOKENS: Final = 2**31 - 1
_EXPECTED = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_WORDS: Final = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_NUMBER: msgspec.json.Decoder[int | float | None] = msgspec.json.Decoder(int | float | None)
_STRING: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
_FLAG: msgspec.json.Decoder[bool | None] = msgspec.json.Decoder(bool | None)


def typed(decoder: msgspec.json.Decoder[T], raw: bytes, param: str) -> T:
    """`raw`, which is valid JSON, as the decoder's type; BadRequest with a path below `param`."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), param) from None


def string(raw: bytes, param: str) -> str | None:
    """A string, or None for null."""
    return typed(_STRING, raw, param)


def flag(raw: bytes, param: str) -> bool:
    """A boolean; null is false."""
    return bool(typed(_FLAG, raw, param))


def integer(raw: bytes, param: str, *, least: int, most: int = MOST_TOKENS) -> int | None:
    """An integer in [least, most], also written as 3.0 or 1e3; None for null."""
    digits = bytes(raw)
    number = int(digits) if digits.isdigit() and len(digits) <= 10 else typed(_NUMBER, digits, param)
    if number is None:
        return None
    if isinstance(number, float) and not number.is_integer():
        raise BadRequest(
            f"Invalid type for '{param}': expected an integer, but got a decimal number.",
            code="invalid_type",
            param=param,
        )
    if number < least:
        raise BadRequest(
            f"Invalid '{param}': expected a value of at least {least}.", code="integer_below_min_value", param=param
        )
    if number > most:
        raise _above(param, most)
    return int(number)


def missing(param: str, hint: str = "") -> BadRequest:
    """A required parameter is not there."""
    return BadRequest(
        f"Missing required parameter: '{param}'.{f' {hint}' if hint else ''}",
        code="missing_required_parameter",
        param=param,
    )


def empty(param: str, hint: str) -> BadRequest:
    """A value has nothing in it."""
    return BadRequest(f"Invalid '{param}': it is empty. {hint}", code="invalid_value", param=param)


def _above(param: str, most: int) -> BadRequest:
    return BadRequest(
        f"Invalid '{param}': expected a value of at most {most}.", code="integer_above_max_value", param=param
    )


def _refusal(fault: str, param: str) -> BadRequest:
    what, _, where = fault.partition(" - at `$")
    # msgspec does not say which key of a dict it was.
    path = param + where.removesuffix("`").replace("[...]", "")
    lacks = _MISSING.match(what)
    if lacks:
        return missing(f"{path}.{lacks[1]}")
    if what.endswith("out of range"):
        return _above(path, MOST_TOKENS)
    differs = _EXPECTED.match(what)
    if differs:
        expected = " or ".join(_WORDS.get(word, word) for word in differs[1].split(" | "))
        what = f"expected {expected}, but got {_WORDS.get(differs[2], differs[2])}"
    else:
        what = what.replace("`", "")
    return BadRequest(f"Invalid type for '{path}': {what}.", code="invalid_type", param=path)
