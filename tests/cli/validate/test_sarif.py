"""SARIF: what code hosts make annotations of. Checked against the standard's schema, cut to the parts that are used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
import pytest
from msgspec import Meta

from forebay_api.reasons import Reason
from forebay_cli.validate.outcome import Line
from forebay_cli.validate.sarif import RULES, sarif_log

HERE = Path("/checkout")
ERROR = Line(
    "Error", "1:12: no such signal", "RoutingPolicy default/first", "spec.rules[0].when", "live/a b.yaml", 22, "Invalid"
)


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The standard's schema allows no property that it does not name."""


Index = Annotated[int, Meta(ge=0)]


class Message(Strict):
    text: Annotated[str, Meta(min_length=1)]


class Rule(Strict):
    id: str
    short_description: Message


class Driver(Strict):
    name: str
    version: str
    rules: list[Rule]


class Tool(Strict):
    driver: Driver


class ArtifactLocation(Strict):
    uri: Annotated[str, Meta(pattern=r"^[A-Za-z0-9/:._~%-]+$")]
    uri_base_id: str | None = None


class Region(Strict):
    start_line: Annotated[int, Meta(ge=1)]


class PhysicalLocation(Strict):
    artifact_location: ArtifactLocation
    region: Region | None = None


class LogicalLocation(Strict):
    fully_qualified_name: str


class Location(Strict):
    physical_location: PhysicalLocation | None = None
    logical_locations: list[LogicalLocation] = []


class Result(Strict):
    rule_id: str
    rule_index: Index
    level: Literal["none", "note", "warning", "error"]
    message: Message
    locations: list[Location] = []


class Run(Strict):
    tool: Tool
    column_kind: Literal["utf16CodeUnits", "unicodeCodePoints"]
    results: list[Result]


class Log(Strict):
    schema: str = msgspec.field(name="$schema")
    version: Literal["2.1.0"]
    runs: list[Run]


def read(*lines: Line) -> Run:
    """What a strict reader of the standard makes of the findings."""
    encoded = msgspec.json.encode(sarif_log(lines, HERE))
    assert b"null" not in encoded
    (run,) = msgspec.json.decode(encoded, type=Log).runs
    return run


def test_a_finding_is_a_result_with_its_file_and_line() -> None:
    run = read(ERROR)

    (result,) = run.results
    (location,) = result.locations
    assert result.level == "error"
    assert result.message.text == "RoutingPolicy default/first: spec.rules[0].when: 1:12: no such signal"
    assert run.tool.driver.rules[result.rule_index].id == result.rule_id == "Invalid"
    assert location.physical_location == PhysicalLocation(ArtifactLocation("live/a%20b.yaml", "%SRCROOT%"), Region(22))
    assert location.logical_locations == [LogicalLocation("RoutingPolicy default/first: spec.rules[0].when")]


def test_a_file_outside_of_the_checkout_has_its_whole_address() -> None:
    (result,) = read(Line("Warning", "odd", source="/elsewhere/a.yaml")).results

    assert result.level == "warning"
    assert result.locations == [Location(PhysicalLocation(ArtifactLocation("file:///elsewhere/a.yaml")))]


def test_standard_input_has_no_address() -> None:
    (result,) = read(Line("Error", "not YAML", source="-", line=3)).results

    assert (result.rule_id, result.locations) == ("Manifest", [])


def test_notes_annotate_nothing() -> None:
    assert read(Line("Note", "passed over: v1 Secret is not Forebay's", source="a.yaml")).results == []


def test_a_run_without_findings_is_a_run() -> None:
    assert read().results == []


@pytest.mark.parametrize(
    "reason", ["Invalid", "Conflicted", *(name for name in get_args(Reason) if "Ref" in name or "NotFound" in name)]
)
def test_every_reason_of_a_finding_is_a_rule(reason: str) -> None:
    assert reason in RULES or reason == "ResolvedRefs"
