"""Check that sets hold no value twice, and maps no key twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forebay_api.admission.fault import Fault, show_value
from forebay_api.path import Path
from forebay_api.schema.shape import Shape


def check_lists(value: Any, shape: Shape, path: Path = ()) -> Iterator[Fault]:
    """Faults at the later of two items that are the same; the value has no field faults."""
    match value:
        case dict():
            for key, member in value.items():
                below = shape.values or shape.properties.get(key)
                if below is not None:
                    yield from check_lists(member, below, (*path, key))
        case list() if shape.items is not None:
            yield from _check_unique(value, shape, path)
            for index, item in enumerate(value):
                yield from check_lists(item, shape.items, (*path, index))


def _check_unique(items: list[Any], shape: Shape, path: Path) -> Iterator[Fault]:
    if shape.list_type == "atomic":
        return
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        key = [item.get(name) for name in shape.list_map_keys] if shape.list_type == "map" else [item]
        seen = first.setdefault(json.dumps(key, sort_keys=True), index)
        if seen == index:
            continue
        place = (*path, index, shape.list_map_keys[0]) if shape.list_type == "map" else (*path, index)
        yield Fault(place, f"{show_value(key[0])} stands here twice, first at index {seen}: remove or rename one")
