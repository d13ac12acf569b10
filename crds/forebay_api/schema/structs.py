"""Struct types -> Shapes, refusing what an API server would refuse: open bounds, untyped fields, undocumented fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from forebay_api.base import CelRule
from forebay_api.schema.defaults import fill_defaults
from forebay_api.schema.shape import Shape

_INT32: Final = 2**31 - 1


class SchemaError(Exception):
    """A struct that cannot stand in a CRD as it is; the message names the field."""


@cache
def shape_of(struct: type[msgspec.Struct]) -> Shape:
    """The shape of a struct, its name for path in errors.

    Raises SchemaError where a list, map or string has no upper bound (the CEL cost budget needs one), where a type has
    no structural counterpart, and where a field has no description.
    """
    return _struct(inspect.type_info(struct), struct.__name__)


def _shape(node: inspect.Type, path: str) -> Shape:
    match node:
        case inspect.Metadata():
            return _described(_shape(node.type, path), node.extra_json_schema or {}, path)
        case inspect.UnionType():
            return _optional(node, path)
        case inspect.StructType():
            return _struct(node, path)
        case inspect.LiteralType():
            return Shape(type="string", enum=tuple(str(value) for value in node.values))
        case inspect.StrType():
            return Shape(
                type="string",
                pattern=node.pattern,
                min_size=node.min_length,
                max_size=_bound(node.max_length, path, "max_length"),
            )
        case inspect.BoolType():
            return Shape(type="boolean")
        case inspect.IntType() | inspect.FloatType():
            return _number(node, path)
        case inspect.ListType():
            return Shape(
                type="array",
                items=_shape(node.item_type, f"{path}[]"),
                min_size=node.min_length,
                max_size=_bound(node.max_length, path, "max_length"),
            )
        case inspect.DictType():
            return _map(node, path)
        case inspect.AnyType():
            return Shape(type="any")
        case _:
            raise SchemaError(f"{path}: {type(node).__name__} has no structural counterpart")


def _struct(node: inspect.Type, path: str) -> Shape:
    assert isinstance(node, inspect.StructType)  # noqa: S101 - narrows the type; callers have matched it
    properties: dict[str, Shape] = {}
    hints = get_type_hints(node.cls, include_extras=True)
    for field in node.fields:
        child = f"{path}.{field.encode_name}"
        shape = _in_declared_order(_shape(field.type, child), dict(_declared_orders(hints[field.name])))
        # Written out in full: an API server checks a default, CEL rules included, before it fills in what is inside.
        if field.name not in getattr(node.cls, "implied", ()):
            shape = msgspec.structs.replace(shape, default=fill_defaults(_default(field), shape))
        if not shape.description:
            raise SchemaError(f"{child}: has no description; give it Meta(description=...) or its struct a docstring")
        properties[field.encode_name] = shape
    rules: tuple[CelRule, ...] = getattr(node.cls, "cel_rules", ())
    return Shape(
        type="object",
        description=_own_docstring(node.cls),
        properties=MappingProxyType(properties),
        required=tuple(field.encode_name for field in node.fields if field.required),
        rules=rules,
    )


def _declared_orders(hint: Any) -> Iterator[tuple[frozenset[str], tuple[str, ...]]]:
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        yield frozenset(arguments), arguments
    else:
        for argument in arguments:
            yield from _declared_orders(argument)


def _in_declared_order(shape: Shape, orders: Mapping[frozenset[str], tuple[str, ...]]) -> Shape:
    # msgspec sorts the values of a Literal; the order in which a person wrote them says more (Edge, Private, Public).
    order = orders.get(frozenset(shape.enum or shape.properties), ())
    return msgspec.structs.replace(
        shape,
        enum=order if shape.enum else (),
        properties=MappingProxyType({name: shape.properties[name] for name in order or shape.properties})
        if not shape.enum
        else shape.properties,
        items=None if shape.items is None else _in_declared_order(shape.items, orders),
    )


def _described(shape: Shape, extra: Mapping[str, Any], path: str) -> Shape:
    known = {"description", "examples", "format", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
    if unknown := extra.keys() - known:
        raise SchemaError(f"{path}: extra_json_schema says {', '.join(sorted(unknown))}, which no shape can hold")
    # What a field is for comes first, then what its type is in general.
    parts = dict.fromkeys(part for part in (extra.get("description", ""), shape.description) if part)
    return msgspec.structs.replace(
        shape,
        description=" ".join(parts),
        examples=tuple(extra.get("examples", shape.examples)),
        format=extra.get("format", shape.format),
        list_type=extra.get("x-kubernetes-list-type", shape.list_type),
        list_map_keys=tuple(extra.get("x-kubernetes-list-map-keys", shape.list_map_keys)),
    )


def _optional(node: inspect.UnionType, path: str) -> Shape:
    # `T | None` says only that the field may be absent: the API server drops null before it looks further.
    members = [member for member in node.types if not isinstance(member, inspect.NoneType)]
    shapes = {type(_bare(member)): member for member in members}
    if shapes.keys() == {inspect.IntType, inspect.StrType}:
        return _int_or_string(_shape(shapes[inspect.IntType], path), _shape(shapes[inspect.StrType], path))
    if len(members) != 1:
        raise SchemaError(f"{path}: a union of several types has no structural counterpart; use one-of members")
    return _shape(members[0], path)


def _bare(node: inspect.Type) -> inspect.Type:
    return node.type if isinstance(node, inspect.Metadata) else node


def _int_or_string(number: Shape, text: Shape) -> Shape:
    return msgspec.structs.replace(text, type="intOrString", minimum=number.minimum, maximum=number.maximum)


def _number(node: inspect.IntType | inspect.FloatType, path: str) -> Shape:
    if node.lt is not None or node.multiple_of is not None:
        raise SchemaError(f"{path}: bound numbers by ge, gt and le only")
    integer = isinstance(node, inspect.IntType)
    small = integer and node.le is not None and node.le <= _INT32 and (node.ge or 0) >= -_INT32
    return Shape(
        type="integer" if integer else "number",
        format=("int32" if small else "int64") if integer else None,
        minimum=node.gt if node.ge is None else node.ge,
        exclusive_minimum=node.gt is not None and node.ge is None,
        maximum=node.le,
    )


def _map(node: inspect.DictType, path: str) -> Shape:
    bound = _bound(node.max_length, path, "max_length")
    if isinstance(node.key_type, inspect.LiteralType):
        # A closed set of keys is stated as fields, because structural schemas cannot say propertyNames.
        value = msgspec.structs.replace(_shape(node.value_type, f"{path}.*"), description="Value for this key.")
        keys = MappingProxyType({str(key): value for key in node.key_type.values})
        return Shape(type="object", properties=keys, min_size=node.min_length, max_size=bound)
    values = _shape(node.value_type, f"{path}.*")
    return Shape(type="object", values=values, min_size=node.min_length, max_size=bound)


def _bound(value: int | None, path: str, name: str) -> int:
    if value is None:
        raise SchemaError(f"{path}: has no {name}; the API server needs one to bound what CEL rules cost")
    return value


def _default(field: inspect.Field) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default_factory())
    if field.default is msgspec.NODEFAULT or field.default is None:
        return msgspec.UNSET
    return msgspec.to_builtins(field.default)


def _own_docstring(struct: type) -> str:
    return " ".join((struct.__dict__.get("__doc__") or "").split())
