"""Structs become shapes only where an API server could take them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from forebay_api.base import Strict
from forebay_api.schema.structs import SchemaError, shape_of

Level = Literal["Low", "High"]
Text = Annotated[str, Meta(max_length=8)]


def struct(annotation: Any, default: Any = msgspec.NODEFAULT, description: str = "A field.") -> type[msgspec.Struct]:
    field = Annotated[annotation, Meta(description=description)]
    spec = ("some_field", field) if default is msgspec.NODEFAULT else ("some_field", field, default)
    return msgspec.defstruct("Example", [spec], bases=(Strict,), kw_only=True)


@pytest.mark.parametrize(
    "annotation",
    [str, list[Text], Annotated[list[str], Meta(max_length=2)], dict[str, int]],
    ids=["text", "list", "text in a list", "map"],
)
def test_what_has_no_upper_bound_is_refused_by_name(annotation: Any) -> None:
    with pytest.raises(SchemaError, match=r"^Example\.someField.*max_length"):
        shape_of(struct(annotation))


def test_a_field_without_a_description_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"^Example\.someField: has no description"):
        shape_of(struct(int, description=""))


@pytest.mark.parametrize("annotation", [int | bool, tuple[int, int], Annotated[int, Meta(multiple_of=2)]])
def test_types_that_structural_schemas_cannot_say_are_refused(annotation: Any) -> None:
    with pytest.raises(SchemaError, match=r"^Example\.someField"):
        shape_of(struct(annotation))


def test_an_optional_field_is_a_field_that_may_be_absent() -> None:
    shape = shape_of(struct(int | None, None))

    assert shape.properties["someField"].type == "integer"
    assert not shape.properties["someField"].has_default
    assert shape.required == ()


def test_a_default_factory_is_a_default() -> None:
    field = msgspec.field(default_factory=lambda: ["a"])
    assert shape_of(struct(Annotated[list[Text], Meta(max_length=2)], field)).properties["someField"].default == ["a"]


def test_a_default_object_is_written_out_in_full() -> None:
    inner = struct(int, 7)
    assert shape_of(struct(inner, inner())).properties["someField"].default == {"someField": 7}


def test_values_of_an_enumeration_keep_the_order_in_which_they_were_written() -> None:
    assert shape_of(struct(Level)).properties["someField"].enum == ("Low", "High")


def test_a_map_with_a_closed_set_of_keys_is_an_object() -> None:
    levels = shape_of(struct(Annotated[dict[Level, Any], Meta(max_length=2)])).properties["someField"]

    assert list(levels.properties) == ["Low", "High"]
    assert {field.type for field in levels.properties.values()} == {"any"}
