"""The smallest values under JSON Schemas that applications send."""

from __future__ import annotations

import pytest

from forebay_cli.sim.schemas import UnsupportedSchema, minimal_value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        ({"type": "string"}, ""),
        ({"type": "string", "minLength": 3}, "xxx"),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": ["null", "string"]}, None),
        ({"type": "boolean"}, False),
        ({"const": 7}, 7),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 5, "multipleOf": 3}, 6),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "minimum": 0.5, "maximum": 1.5}, 1),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "minimum": 0.25}, 0.25),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}, {"a": ""}),
        ({"type": "object", "minProperties": 1, "properties": {"a": {"type": "null"}}}, {"a": None}),
        ({"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "number"}]}, 0),
        ({"anyOf": [{"required": ["b"]}], "properties": {"b": {"const": 1}}}, {"b": 1}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"enum": ["x", "y"]}}}, "x"),
        ({"allOf": [{"required": ["a"]}, {"properties": {"a": {"const": 2}}}]}, {"a": 2}),
        (
            {
                "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
                "$ref": "#/$defs/node",
            },
            {},
        ),
    ],
)
def test_the_smallest_value_is_valid(schema, value):
    assert minimal_value(schema) == value


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "object", "properties": {"a": {"pattern": "a+"}}, "required": ["a"]}, "$.properties.a"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "bounds"),
        ({"$ref": "#/$defs/none"}, "#/$defs/none"),
        ({"$ref": "#"}, "deeper"),
        ({"type": "money"}, "money"),
        ({"enum": []}, "enum"),
        ({"type": "array", "minItems": 9999, "items": {"type": "array", "minItems": 9999}}, "10000 parts"),
        ({"type": "string", "minLength": 10**9}, "minLength"),
    ],
)
def test_a_schema_that_cannot_be_satisfied_is_refused_with_its_place(schema, named):
    with pytest.raises(UnsupportedSchema, match=r"\$") as caught:
        minimal_value(schema)
    assert named in str(caught.value)
