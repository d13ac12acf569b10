"""The generated CRDs keep the rules of structural schemas, and the files in crds/ are what would be generated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from forebay_api.admission.review import review
from forebay_api.schema.__main__ import generated_files, main
from forebay_api.schema.definition import definition, openapi
from forebay_api.schema.kinds import KINDS, Kind
from forebay_api.schema.shape import Shape
from forebay_api.schema.structs import shape_of

CRDS = Path(__file__).parents[2] / "crds"
# https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/: escaped in CEL.
CEL_RESERVED = frozenset(
    {"true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return", "var", "void", "while"}
)
TYPES = {"object", "array", "string", "integer", "number", "boolean"}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)


def root(kind: Kind) -> dict[str, Any]:
    schema: dict[str, Any] = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    for word, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if word in schema:
            yield from nodes(schema[word], path + suffix)


@every_kind
def test_every_node_has_a_type_or_keeps_what_it_does_not_know(kind: Kind) -> None:
    loose = [
        path
        for path, node in nodes(root(kind))
        if node.get("type") not in TYPES
        and not node.get("x-kubernetes-preserve-unknown-fields")
        and not node.get("x-kubernetes-int-or-string")
    ]
    assert loose == []


@every_kind
def test_nothing_stands_in_a_schema_that_crds_forbid(kind: Kind) -> None:
    forbidden = {"$ref", "anyOf", "oneOf", "allOf", "not", "definitions", "uniqueItems", "propertyNames", "title"}
    assert [(path, forbidden & node.keys()) for path, node in nodes(root(kind)) if forbidden & node.keys()] == []
    assert [path for path, node in nodes(root(kind)) if isinstance(node.get("additionalProperties"), bool)] == []
    assert [path for path, node in nodes(root(kind)) if not isinstance(node.get("exclusiveMinimum", True), bool)] == []


@every_kind
def test_everything_that_cel_rules_may_walk_over_is_bounded(kind: Kind) -> None:
    spec = root(kind)["properties"]["spec"]
    unbounded = [
        path
        for path, node in nodes(spec)
        if (node.get("type") == "array" and "maxItems" not in node)
        or (node.get("type") == "string" and not {"maxLength", "enum"} & node.keys())
        or ("additionalProperties" in node and "maxProperties" not in node)
    ]
    assert unbounded == []


@every_kind
def test_every_list_says_how_appliers_merge_it(kind: Kind) -> None:
    for path, node in nodes(root(kind)):
        if node.get("type") != "array":
            continue
        match node["x-kubernetes-list-type"]:
            case "map":
                for key in node["x-kubernetes-list-map-keys"]:
                    item = node["items"]
                    assert key in item["required"] or "default" in item["properties"][key], path
            case "set":
                assert node["items"]["type"] in {"string", "integer", "number", "boolean"}, path
            case other:
                assert other == "atomic", path


@every_kind
def test_every_default_passes_its_own_schema_as_written(kind: Kind) -> None:
    def shapes(shape: Shape, path: str) -> Iterator[tuple[str, Shape]]:
        yield path, shape
        for name, field in shape.properties.items():
            yield from shapes(field, f"{path}.{name}")
        for inner in (shape.items, shape.values):
            if inner is not None:
                yield from shapes(inner, f"{path}[]")

    for struct in (kind.spec, kind.status):
        for path, shape in shapes(shape_of(struct), struct.__name__):
            if shape.has_default:
                assert review(shape.default, shape) == (shape.default, ()), path


@every_kind
def test_no_required_field_has_a_default(kind: Kind) -> None:
    for path, node in nodes(root(kind)):
        for name in node.get("required", []):
            assert "default" not in node["properties"][name], f"{path}.{name}"


@every_kind
def test_every_rule_reads_fields_that_exist(kind: Kind) -> None:
    methods = {"all", "exists", "exists_one", "filter", "size"}
    for path, node in nodes(root(kind)):
        for validation in node.get("x-kubernetes-validations", []):
            for text in [*re.findall(r"\bself((?:\.\w+)+)", validation["rule"]), validation.get("fieldPath", "")]:
                below = node
                for step in filter(None, text.split(".")):
                    if step in methods:
                        break
                    assert step not in CEL_RESERVED, validation["rule"]
                    assert step in below["properties"], f"{path}: {validation['rule']}"
                    below = below["properties"][step]


@every_kind
def test_a_new_object_is_unknown_and_pending_until_the_operator_has_looked(kind: Kind) -> None:
    (condition,) = root(kind)["properties"]["status"]["default"]["conditions"]

    assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "Unknown", "Pending")
    assert {"message", "lastTransitionTime"} <= condition.keys()
    assert definition(kind)["spec"]["versions"][0]["subresources"] == {"status": {}}


@every_kind
def test_metadata_is_bounded_by_name_only(kind: Kind) -> None:
    assert root(kind)["properties"]["metadata"] == {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 63}},
    }


@every_kind
def test_printer_columns_point_at_fields_that_exist(kind: Kind) -> None:
    for column in kind.columns:
        node = root(kind)
        for step in re.sub(r"\[[^]]*\]", "[]", column.json_path).strip(".").split("."):
            if step == "creationTimestamp":
                break
            node = node["properties"][step.removesuffix("[]")]
            node = node["items"] if step.endswith("[]") else node


def test_minimum_above_is_said_the_way_of_openapi_3_0() -> None:
    assert openapi(Shape(type="number", minimum=0, exclusive_minimum=True)) == {
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
    }


def test_generating_twice_gives_the_same_bytes() -> None:
    assert generated_files() == generated_files()


def test_files_in_crds_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(CRDS), "--check"]) == 0, capsys.readouterr().out


def test_check_shows_how_a_stale_file_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    path = tmp_path / "forebay.dev_modelpools.yaml"
    path.write_text(path.read_text().replace("maximum: 65535", "maximum: 70000"))

    assert main(["--out", str(tmp_path), "--check"]) == 1

    printed = capsys.readouterr().out
    assert re.search(r"^- +maximum: 70000$", printed, re.MULTILINE)
    assert "make generate" in printed


def test_written_definitions_are_plain_yaml_without_aliases() -> None:
    for name, content in generated_files().items():
        if name.endswith(".yaml"):
            assert yaml.safe_load(content)["kind"] == "CustomResourceDefinition"
            assert not re.search(r"[:-] [&*][a-z]", content)
