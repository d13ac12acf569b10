"""Check types, known fields and bounds: everything that a structural schema says about one place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from forebay_api.admission.fault import Fault, show_value, suggest
from forebay_api.path import Path
from forebay_api.schema.shape import Shape, ShapeType
from forebay_api.template import unrendered

_NOUNS: Final[dict[ShapeType, str]] = {
    "object": "a mapping of fields",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "intOrString": "a whole number or text",
}
_FIELDS: Final = 6
"""Fields that are told where something else stands in place of them all."""
_SIZES: Final[dict[ShapeType, str]] = {
    "string": "character",
    "array": "item",
    "object": "member",
    "intOrString": "character",
}


def check_fields(value: Any, shape: Shape, path: Path = ()) -> Iterator[Fault]:
    """All faults of a value, outermost first; nothing is looked for below a value of the wrong type."""
    if shape.type == "any":
        return
    if not _fits(value, shape.type):
        yield Fault(path, _wrong_type(value, shape))
        return
    yield from _check_bounds(value, shape, path)
    match value:
        case dict():
            yield from _check_members(value, shape, path)
        case list() if shape.items is not None:
            for index, item in enumerate(value):
                yield from check_fields(item, shape.items, (*path, index))


def _fits(value: Any, expected: ShapeType) -> bool:
    match expected:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "intOrString":
            return isinstance(value, int | str) and not isinstance(value, bool)
        case _:
            return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_type(value: Any, shape: Shape) -> str:
    wanted = f"must be {_NOUNS[shape.type]}"
    if shape.type == "object" and shape.properties and not isinstance(value, list | None):
        return f"{wanted} ({', '.join(list(shape.properties)[:_FIELDS])}), not {_kind_of(value)}"
    match value:
        case None:
            return f"{wanted}, and stands empty here"
        case bool() | int() | float() if shape.type == "string":
            return _not_quoted(show_value(value), shape)
        case str() if shape.type in ("integer", "number") and re.fullmatch(r"[-+.0-9eE_]+", value):
            return f"{wanted}, not text: write it without quotes, leading zeros and underscores"
        case str() if shape.type in ("integer", "number", "boolean"):
            return f"{wanted}, not {show_value(value)}{unrendered(value)}"
        case str() if shape.type == "array":
            return f"{wanted}, not text: write [{show_value(value)}]"
        case float() if shape.type in ("integer", "intOrString"):
            return f"{wanted}, not {show_value(value)}"
        case _:
            return f"{wanted}, not {_kind_of(value)}"


def _not_quoted(shown: str, shape: Shape) -> str:
    """Quotes mend it only where what stands in them would do: "30" is as little a duration as 30."""
    if shape.enum:
        return f"{shown} is not one of its values{suggest(shown, shape.enum)}"
    if shape.pattern is not None and shape.examples and not _pattern(shape.pattern).search(shown):
        return f"must look like {' or '.join(shape.examples)}, not {shown}"
    return f'must be {_NOUNS[shape.type]}: write it in quotes, "{shown}"'


def _kind_of(value: Any) -> str:
    for name in ("object", "array", "string", "boolean", "number"):
        if _fits(value, name):
            return _NOUNS[name]
    return type(value).__name__


def _check_bounds(value: Any, shape: Shape, path: Path) -> Iterator[Fault]:
    if shape.enum and value not in shape.enum:
        yield Fault(path, f"{show_value(value)} is not one of its values{suggest(value, shape.enum)}")
    if shape.type in ("integer", "number") or (shape.type == "intOrString" and isinstance(value, int)):
        yield from _check_range(value, shape, path)
        return
    if shape.type in _SIZES:
        yield from _check_size(len(value), shape, path)
    if shape.pattern is not None and not _pattern(shape.pattern).search(value):
        like = f"must look like {' or '.join(shape.examples)}" if shape.examples else "has characters it cannot have"
        yield Fault(path, f"{show_value(value)} {like} (pattern {shape.pattern}){unrendered(value)}")


def _check_size(size: int, shape: Shape, path: Path) -> Iterator[Fault]:
    unit = _SIZES[shape.type]
    if shape.min_size is not None and size < shape.min_size:
        yield Fault(path, f"needs at least {_count(shape.min_size, unit)}")
    if shape.max_size is not None and size > shape.max_size:
        yield Fault(path, f"has {_count(size, unit)}: at most {shape.max_size} are allowed")


def _check_range(value: float, shape: Shape, path: Path) -> Iterator[Fault]:
    if shape.minimum is not None:
        if shape.exclusive_minimum and value <= shape.minimum:
            yield Fault(path, f"must be above {shape.minimum:g}, not {value}")
        elif value < shape.minimum:
            yield Fault(path, f"must be at least {shape.minimum:.10g}, not {value}")
    if shape.maximum is not None and value > shape.maximum:
        yield Fault(path, f"must be at most {shape.maximum:.10g}, not {value}")


def _check_members(value: dict[str, Any], shape: Shape, path: Path) -> Iterator[Fault]:
    for name in shape.required:
        if name not in value:
            yield Fault((*path, name), "is required")
    for key, member in value.items():
        place = (*path, key)
        if shape.values is not None:
            yield from check_fields(member, shape.values, place)
        elif key in shape.properties:
            yield from check_fields(member, shape.properties[key], place)
        else:
            yield Fault(place, f"unknown field{suggest(key, shape.properties)}")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    # Python's `$` also matches before a final line break; the API server's does not.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))
