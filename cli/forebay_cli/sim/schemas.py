"""The smallest JSON value that a JSON Schema accepts, for structured answers and tool arguments.

It covers what applications send as ``response_format`` or tool parameters. A keyword whose value cannot be constructed
directly (``pattern``, ``not``, ...) is refused by name: an answer that breaks its schema would be worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 48
_MAX_LENGTH = 10_000
_MAX_VALUES = 10_000
_ANNOTATIONS = frozenset({"$comment", "$defs", "$schema", "$id", "default", "deprecated", "description", "title"})
_REFUSED = ("pattern", "not", "if", "patternProperties", "dependentRequired", "dependentSchemas", "contains")
_FORMATS = {
    "date": "2024-01-01",
    "date-time": "2024-01-01T00:00:00Z",
    "duration": "PT1S",
    "email": "user@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "time": "00:00:00Z",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class UnsupportedSchema(ValueError):
    """A schema that this module cannot satisfy; the text says where (``$.properties.x``) and why."""


def minimal_value(schema: Any) -> Any:
    """A JSON value valid under ``schema``: required properties only, shortest strings, smallest numbers from zero."""
    return _Builder(schema).value(schema, "$", 0)


class _Builder:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._built = 0

    def value(self, schema: Any, path: str, depth: int) -> Any:
        self._built += 1
        if self._built > _MAX_VALUES:
            raise UnsupportedSchema(f"{path}: the smallest value has more than {_MAX_VALUES} parts")
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            raise UnsupportedSchema(f"{path}: a schema is an object, not {type(schema).__name__}")
        if depth > _MAX_DEPTH:
            raise UnsupportedSchema(f"{path}: the required part nests deeper than {_MAX_DEPTH} levels")
        for keyword in _REFUSED:
            if keyword in schema:
                raise UnsupportedSchema(f"{path}: the simulator cannot satisfy `{keyword}`")
        if "$ref" in schema:
            return self.value(self._resolve(schema["$ref"], path), path, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            if not isinstance(schema["enum"], list) or not schema["enum"]:
                raise UnsupportedSchema(f"{path}: `enum` must list at least one value")
            return schema["enum"][0]
        if "allOf" in schema:
            return self.value(self._merged(schema, path), path, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._first_possible(schema, keyword, path, depth)
        return self._typed(schema, path, depth)

    def _typed(self, schema: Mapping[str, Any], path: str, depth: int) -> Any:
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            kind = kind[0] if kind else "object"
        match kind:
            case "object":
                return self._object(schema, path, depth)
            case "array":
                return self._array(schema, path, depth)
            case "string":
                return _string(schema, path)
            case "integer" | "number":
                return _number(schema, path, kind)
            case "boolean":
                return False
            case "null":
                return None
        raise UnsupportedSchema(f"{path}: unknown type {kind!r}")

    def _object(self, schema: Mapping[str, Any], path: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not isinstance(properties, Mapping) or not isinstance(required, list):
            raise UnsupportedSchema(f"{path}: `properties` must be an object and `required` a list of names")
        names = [name for name in required if isinstance(name, str)]
        spare = [name for name in properties if name not in names]
        missing = max(0, _length(schema, "minProperties", path) - len(names))
        if missing > len(spare):
            raise UnsupportedSchema(f"{path}: `minProperties` asks for more than `properties` names")
        others = schema.get("additionalProperties", True)
        return {
            name: self.value(properties.get(name, others), f"{path}.properties.{name}", depth + 1)
            for name in names + spare[:missing]
        }

    def _array(self, schema: Mapping[str, Any], path: str, depth: int) -> list[Any]:
        count = _length(schema, "minItems", path)
        if schema.get("uniqueItems") and count > 1:
            raise UnsupportedSchema(f"{path}: the simulator cannot satisfy `uniqueItems` with `minItems` above 1")
        heads = schema.get("prefixItems", [])
        items = schema.get("items", True)
        return [
            self.value(heads[index] if index < len(heads) else items, f"{path}.items", depth + 1)
            for index in range(count)
        ]

    def _first_possible(self, schema: Mapping[str, Any], keyword: str, path: str, depth: int) -> Any:
        """The first branch that can be built; `oneOf` branches are taken to exclude each other, as they should."""
        around = {key: value for key, value in schema.items() if key != keyword and key not in _ANNOTATIONS}
        reason = UnsupportedSchema(f"{path}: `{keyword}` must list at least one schema")
        branches = schema[keyword]
        for branch in branches if isinstance(branches, list) else []:
            try:
                return self.value({"allOf": [branch], **around} if around else branch, f"{path}.{keyword}", depth + 1)
            except UnsupportedSchema as error:
                reason = error
        raise reason

    def _merged(self, schema: Mapping[str, Any], path: str) -> dict[str, Any]:
        merged = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"] if isinstance(schema["allOf"], list) else []:
            resolved = self._resolve(part["$ref"], path) if isinstance(part, Mapping) and "$ref" in part else part
            if not isinstance(resolved, Mapping):
                raise UnsupportedSchema(f"{path}.allOf: a schema is an object")
            for key, value in resolved.items():
                if key == "properties":
                    merged[key] = {**merged.get(key, {}), **value}
                elif key == "required":
                    merged[key] = [*merged.get(key, []), *(name for name in value if name not in merged.get(key, []))]
                elif merged.setdefault(key, value) != value and key not in _ANNOTATIONS:
                    raise UnsupportedSchema(f"{path}.allOf: the simulator cannot combine two `{key}`")
        return merged

    def _resolve(self, reference: Any, path: str) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise UnsupportedSchema(f"{path}: `$ref` must point into this schema (#/$defs/...)")
        target = self._root
        for step in reference[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or name not in target:
                raise UnsupportedSchema(f"{path}: `$ref` {reference} points nowhere")
            target = target[name]
        return target


def _string(schema: Mapping[str, Any], path: str) -> str:
    shortest = _length(schema, "minLength", path)
    text = _FORMATS.get(str(schema.get("format")), "")
    if len(text) > schema.get("maxLength", _MAX_LENGTH) or (text and len(text) < shortest):
        raise UnsupportedSchema(f"{path}: the simulator cannot satisfy format {schema['format']!r} at this length")
    return text or "x" * shortest


def _number(schema: Mapping[str, Any], path: str, kind: str) -> int | float:
    step = schema.get("multipleOf", 1 if kind == "integer" else None)
    low, high = _bound(schema, "minimum", path, -math.inf), _bound(schema, "maximum", path, math.inf)
    above = _bound(schema, "exclusiveMinimum", path, -math.inf)
    below = _bound(schema, "exclusiveMaximum", path, math.inf)
    if step is not None and not (isinstance(step, int | float) and step > 0):
        raise UnsupportedSchema(f"{path}: `multipleOf` must be a number above zero")
    for candidate in _numbers_near(0.0, low, high, above, below, step):
        if low <= candidate <= high and above < candidate < below:
            whole = kind == "integer" or float(candidate).is_integer()
            return int(candidate) if whole else candidate
    raise UnsupportedSchema(f"{path}: found no {kind} within the bounds")


def _numbers_near(
    zero: float, low: float, high: float, above: float, below: float, step: float | None
) -> list[int | float]:
    if step is None:
        ends = [end for end in (low, high) if math.isfinite(end)]
        inner = [value for value in (above + 1, below - 1, (above + below) / 2) if math.isfinite(value)]
        return [zero, *ends, *inner]
    edges = [edge for edge in (low, above, high, below) if math.isfinite(edge)]
    near = [math.floor(edge / step) + shift for edge in edges for shift in (0, 1, -1, 2)]
    return [count * step for count in (0, *near)]


def _length(schema: Mapping[str, Any], keyword: str, path: str) -> int:
    value = schema.get(keyword, 0)
    if not isinstance(value, int) or not 0 <= value <= _MAX_LENGTH:
        raise UnsupportedSchema(f"{path}: `{keyword}` must be a whole number in [0, {_MAX_LENGTH}]")
    return value


def _bound(schema: Mapping[str, Any], keyword: str, path: str, absent: float) -> int | float:
    value = schema.get(keyword, absent)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnsupportedSchema(f"{path}: `{keyword}` must be a number")
    return value
