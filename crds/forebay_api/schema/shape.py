"""The one tree between the structs and everything that is made from them: CRDs, the reference, and checks of manifests.

A Shape can say exactly what a structural OpenAPI schema can say, so that a directory of manifests and an API server
refuse the same things.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from forebay_api.base import CelRule

ShapeType = Literal["object", "array", "string", "integer", "number", "boolean", "intOrString", "any"]
ListType = Literal["atomic", "set", "map"]
NO_DEFAULT: Final = msgspec.UNSET


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One node of a schema.

    `min_size` and `max_size` count characters, items or members, as `type` says. An object has either `properties`
    (fields known by name) or `values` (a map with free keys). Type ``intOrString`` has the bounds of both, each for its
    own. Type ``any`` is kept as it is and never looked into.
    """

    type: ShapeType
    description: str = ""
    examples: tuple[str, ...] = ()
    default: Any = NO_DEFAULT
    enum: tuple[str, ...] = ()
    pattern: str | None = None
    format: str | None = None
    min_size: int | None = None
    max_size: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    properties: Mapping[str, Shape] = MappingProxyType({})
    required: tuple[str, ...] = ()
    values: Shape | None = None
    items: Shape | None = None
    list_type: ListType = "atomic"
    list_map_keys: tuple[str, ...] = ()
    rules: tuple[CelRule, ...] = ()

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT
