"""Shapes -> CustomResourceDefinitions (apiextensions.k8s.io/v1), structural and without references."""

from __future__ import annotations

from typing import Any, Final

import yaml

from forebay_api.base import GROUP, VERSION, CelRule
from forebay_api.schema.defaults import fill_defaults
from forebay_api.schema.envelope import MAX_NAME
from forebay_api.schema.kinds import Column, Kind
from forebay_api.schema.shape import Shape, ShapeType
from forebay_api.schema.structs import shape_of

CATEGORY: Final = "forebay"
_SIZE_WORDS: Final[dict[ShapeType, str]] = {
    "string": "Length",
    "array": "Items",
    "object": "Properties",
    "intOrString": "Length",
}
_API_VERSION_DOC: Final = "Version of the schema that this object is written in."
_KIND_DOC: Final = "What this object is."


def render_definition(kind: Kind) -> str:
    """The CRD of a kind as YAML text; the same input gives the same bytes."""
    return yaml.dump(definition(kind), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


def definition(kind: Kind) -> dict[str, Any]:
    """The CRD of a kind as a JSON value."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": _without_gaps(name=f"{kind.plural}.{GROUP}", labels=dict(kind.labels) or None),
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short_names),
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": _root(kind)},
                }
            ],
        },
    }


def openapi(shape: Shape) -> dict[str, Any]:
    """A shape as a structural OpenAPI v3 schema."""
    if shape.type == "any":
        return _without_gaps(description=shape.description, **{"x-kubernetes-preserve-unknown-fields": True})
    schema = _without_gaps(
        type=None if shape.type == "intOrString" else shape.type,
        description=shape.description,
        format=shape.format,
        enum=list(shape.enum),
        pattern=shape.pattern,
        minimum=_number(shape.minimum),
        exclusiveMinimum=shape.exclusive_minimum or None,
        maximum=_number(shape.maximum),
        required=list(shape.required),
    )
    if (word := _SIZE_WORDS.get(shape.type)) is not None:
        schema |= _without_gaps(**{f"min{word}": shape.min_size, f"max{word}": shape.max_size})
    if shape.type == "intOrString":
        schema["x-kubernetes-int-or-string"] = True
    if shape.type == "array" and shape.items is not None:
        schema["x-kubernetes-list-type"] = shape.list_type
        schema |= _without_gaps(**{"x-kubernetes-list-map-keys": list(shape.list_map_keys)})
        schema["items"] = openapi(shape.items)
    if shape.has_default:
        schema["default"] = shape.default
    if shape.rules:
        schema["x-kubernetes-validations"] = [_validation(rule) for rule in shape.rules]
    if shape.values is not None:
        schema["additionalProperties"] = openapi(shape.values)
    elif shape.type == "object":
        schema["properties"] = {name: openapi(field) for name, field in shape.properties.items()}
    return schema


def _root(kind: Kind) -> dict[str, Any]:
    status = shape_of(kind.status)
    # A missing status would be read as healthy by whoever waits for "nothing is wrong".
    pending = fill_defaults({"conditions": status.properties["conditions"].default}, status)
    return {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": _API_VERSION_DOC},
            "kind": {"type": "string", "description": _KIND_DOC},
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": MAX_NAME}}},
            "spec": openapi(shape_of(kind.spec)),
            "status": openapi(status) | {"default": pending},
        },
    }


def _column(column: Column) -> dict[str, Any]:
    return _without_gaps(
        name=column.name,
        type=column.type,
        description=column.description,
        jsonPath=column.json_path,
        priority=1 if column.wide else None,
    )


def _validation(rule: CelRule) -> dict[str, str]:
    return _without_gaps(rule=rule.rule, message=rule.message, fieldPath=rule.field_path)


def _number(value: float | None) -> float | None:
    return int(value) if value is not None and value == int(value) else value


def _without_gaps(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None and value not in ("", [])}


class _Plain(yaml.SafeDumper):
    """Writes equal values out each time, because aliases are hard to review."""

    def ignore_aliases(self, data: Any) -> bool:
        return True
