"""values.yaml, its schema and the README tell one story. Helm's part is in e2e/test_chart_*.py."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

CHARTS = Path(__file__).parents[2] / "charts"
BOTH = ("forebay", "forebay-crds")


def _load(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


values_table = _load(CHARTS / "values_table.py")


def _schema(chart: str) -> dict[str, Any]:
    return dict(json.loads((CHARTS / chart / "values.schema.json").read_text()))


def _values(chart: str) -> dict[str, Any]:
    return dict(yaml.safe_load((CHARTS / chart / "values.yaml").read_text()))


def _objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of an object with named fields, however deep."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield path, schema
        for key, inner in schema.items():
            if key not in ("if", "then", "allOf"):  # conditions say nothing about other fields
                yield from _objects(inner, f"{path}/{key}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from _objects(inner, path)


@pytest.mark.parametrize("chart", BOTH)
def test_the_readmes_table_is_up_to_date(chart: str) -> None:
    assert values_table.main([str(CHARTS / chart), "--check"]) == 0


@pytest.mark.parametrize("chart", BOTH)
def test_no_object_takes_fields_that_nobody_named(chart: str) -> None:
    for path, schema in _objects(_schema(chart)):
        if schema["properties"].keys() <= {"name"} and "required" in schema:
            continue  # Kubernetes' own object, of which one field is looked at
        assert schema.get("additionalProperties") is False, path


@pytest.mark.parametrize("chart", BOTH)
def test_every_value_has_a_meaning(chart: str) -> None:
    schema = _schema(chart)

    rows = list(values_table.rows(schema, _values(chart), schema.get("$defs", {})))

    assert rows
    assert [path for path, _, meaning in rows if not meaning.strip().endswith(".")] == []


@pytest.mark.parametrize("chart", BOTH)
def test_every_default_is_in_the_schema_and_every_field_has_a_default(chart: str) -> None:
    schema = _schema(chart)
    rows = {path: default for path, default, _ in values_table.rows(schema, _values(chart), schema.get("$defs", {}))}

    without = {path for path, default in rows.items() if default == ""}
    assert without <= {"global", *(f"{part}.resources.claims" for part in ("operator", "dataPlane", "envoy"))}
    assert set(_paths(_values(chart), rows)) == set()


def _paths(values: dict[str, Any], known: dict[str, str], path: str = "") -> Iterator[str]:
    """Paths of values.yaml that the schema does not know."""
    for key, value in values.items():
        place = f"{path}{key}"
        if place in known:
            continue
        if isinstance(value, dict) and value:
            yield from _paths(value, known, f"{place}.")
        else:
            yield place


def test_a_readme_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(values_table.NoMarkers, match="put the lines"):
        values_table.with_table("# A chart\n", "| value |\n")
