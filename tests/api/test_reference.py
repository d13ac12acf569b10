"""REFERENCE.md tells the whole contract, and its examples work."""

from __future__ import annotations

import pytest

from forebay_api.manifest import load_local_config, load_manifests
from forebay_api.schema.examples import EXAMPLES
from forebay_api.schema.kinds import KINDS
from forebay_api.schema.reference import render_reference
from forebay_api.schema.shape import Shape
from forebay_api.schema.structs import shape_of


@pytest.mark.parametrize("kind", KINDS)
def test_each_example_of_a_kind_loads(kind: str) -> None:
    objects, errors = load_manifests(EXAMPLES[kind], "example")

    assert errors == []
    assert [made.kind for made in objects] == [kind]


def test_the_example_of_forebay_yaml_loads() -> None:
    assert load_local_config(EXAMPLES["forebay.yaml"], "example").workers == 2


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_field_has_a_row(kind: object) -> None:
    def places(shape: Shape, path: str) -> list[str]:
        while shape.items is not None:
            shape, path = shape.items, path + "[]"
        below = [places(field, f"{path}.{name}") for name, field in shape.properties.items()]
        return [path.removesuffix("[]"), *(place for group in below for place in group)]

    page = render_reference()
    spec = places(shape_of(kind.spec), "spec")  # type: ignore[attr-defined]

    assert [place for place in spec[1:] if f"| `{place}` |" not in page] == []


def test_tables_have_as_many_cells_in_every_row() -> None:
    for line in render_reference().splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") == 6, line
