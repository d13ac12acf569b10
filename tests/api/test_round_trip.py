"""Whatever the shapes allow, the structs hold; whatever the structs hold comes back from text unchanged."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebay_api.admission.fields import check_fields
from forebay_api.document.stream import read_document
from forebay_api.local import LocalConfig
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.schema.defaults import fill_defaults
from forebay_api.schema.shape import Shape
from forebay_api.schema.structs import shape_of

SPECS = [PolicySpec, PoolSpec, LocalConfig]
every_spec = pytest.mark.parametrize("spec", SPECS)
bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANYTHING = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("aZ é", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """JSON values that have no field faults under a shape."""
    match shape.type:
        case "object" if shape.values is not None:
            return st.dictionaries(st.text("abc-.", min_size=1, max_size=8), values(shape.values), max_size=2)
        case "object":
            return st.fixed_dictionaries(
                {name: values(shape.properties[name]) for name in shape.required},
                optional={
                    name: values(field) for name, field in shape.properties.items() if name not in shape.required
                },
            )
        case "array":
            assert shape.items is not None
            return st.lists(values(shape.items), min_size=shape.min_size or 0, max_size=min(shape.max_size or 0, 2))
        case "string" if shape.enum:
            return st.sampled_from(shape.enum)
        case "string" if shape.pattern is not None:
            return st.sampled_from(shape.examples)
        case "string":
            return st.text(
                st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=shape.min_size or 0, max_size=12
            )
        case "integer":
            return st.integers(int(shape.minimum or 0), int(shape.maximum or 2**31))
        case "intOrString":
            return st.integers(int(shape.minimum or 0), int(shape.maximum or 2**31)) | st.sampled_from(shape.examples)
        case "number":
            return st.floats(shape.minimum, shape.maximum, exclude_min=shape.exclusive_minimum)
        case "boolean":
            return st.booleans()
        case _:
            return ANYTHING


VALUES = {spec: values(shape_of(spec)) for spec in SPECS}


@every_spec
@bounded
@given(data=st.data())
def test_what_the_shape_allows_the_struct_takes_and_gives_back(spec: type[msgspec.Struct], data: st.DataObject) -> None:
    value = data.draw(VALUES[spec])
    assert list(check_fields(value, shape_of(spec))) == []

    made = msgspec.convert(value, spec)

    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(made), type=spec) == made
    assert msgspec.convert(msgspec.to_builtins(made), spec) == made


@every_spec
@bounded
@given(data=st.data())
def test_defaults_of_shape_and_struct_are_the_same(spec: type[msgspec.Struct], data: st.DataObject) -> None:
    value = data.draw(VALUES[spec])

    assert msgspec.convert(fill_defaults(value, shape_of(spec)), spec) == msgspec.convert(value, spec)


@every_spec
@bounded
@given(data=st.data())
def test_filling_in_defaults_twice_changes_nothing(spec: type[msgspec.Struct], data: st.DataObject) -> None:
    shape = shape_of(spec)
    once = fill_defaults(data.draw(VALUES[spec]), shape)

    assert fill_defaults(once, shape) == once


class Quoting(yaml.SafeDumper):
    """Quotes every text: what a bare word such as 0E0 means differs between YAML 1.1, which PyYAML writes, and 1.2."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@every_spec
@bounded
@given(data=st.data())
def test_what_is_written_as_yaml_or_json_is_read_as_written(spec: type[msgspec.Struct], data: st.DataObject) -> None:
    value = data.draw(VALUES[spec])

    assert read_document(json.dumps(value, ensure_ascii=False)).value == value
    assert read_document(yaml.dump(value, Dumper=Quoting, allow_unicode=True)).value == value


@every_spec
@bounded
@given(data=st.data())
def test_what_the_struct_refuses_the_shape_has_refused(spec: type[msgspec.Struct], data: st.DataObject) -> None:
    shape = shape_of(spec)
    value = data.draw(VALUES[spec])
    place = data.draw(st.sampled_from(sorted(places(value), key=repr)))
    broken = fill_defaults(replaced(value, place, data.draw(ANYTHING)), shape)

    refused_by_shape = bool(list(check_fields(broken, shape)))
    assert refused_by_shape or msgspec.convert(broken, spec)


def places(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {path}
    for step, member in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    ):
        found |= places(member, (*path, step))
    return found


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy
