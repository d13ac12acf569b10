"""Fill in defaults as an API server does: nulls are dropped first, then defaults fill what is absent, outside in."""

from __future__ import annotations

import copy
from typing import Any

from forebay_api.schema.shape import Shape


def fill_defaults(value: Any, shape: Shape) -> Any:
    """A new value; what does not fit the shape is kept as it is, for the field check to find."""
    if shape.type == "object" and isinstance(value, dict):
        if shape.values is not None:
            return {key: fill_defaults(member, shape.values) for key, member in value.items() if member is not None}
        present = {key: member for key, member in value.items() if member is not None}
        absent = {
            name: copy.deepcopy(field.default)
            for name, field in shape.properties.items()
            if field.has_default and name not in present
        }
        members = present | absent
        return {
            key: fill_defaults(member, shape.properties[key]) if key in shape.properties else member
            for key, member in members.items()
        }
    if shape.type == "array" and isinstance(value, list) and shape.items is not None:
        return [fill_defaults(item, shape.items) for item in value]
    return value
