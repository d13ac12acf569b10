"""Findings as SARIF 2.1.0, the format that code hosts turn into annotations of a pull request.

Shapes and names are those of the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
Only what asks for something is told: a Note is no result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from forebay_api.reasons import Reason
from forebay_cli.validate.outcome import Line

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "%SRCROOT%"
"""The base that code hosts resolve to the top of the checkout; relative to it stand files below the working directory."""

Level = Literal["error", "warning"]
_LEVELS: Final[Mapping[str, Level]] = {"Error": "error", "Warning": "warning"}
_MANIFEST: Final = "Manifest"
RULES: Final[Mapping[Reason | Literal["Manifest"], str]] = {
    _MANIFEST: "The manifest cannot be read, or an API server with Forebay's definitions would refuse it",
    "Invalid": "The object is not accepted as it stands",
    "Conflicted": "Another policy has the same place already",
    "PoolNotFound": "A pool is named that does not exist",
    "ServiceNotFound": "A Service is named that does not exist",
    "RefNotFound": "Something is named that does not exist",
    "TargetNotFound": "A target of the policy does not exist",
    "RefNotPermitted": "Something in another namespace is named without its leave",
    "SecretNotFound": "A Secret is named that is not to be had here",
    "ConfigMapNotFound": "A ConfigMap or a key of it is named that is not to be had",
    "ConfigMapInvalid": "A ConfigMap that is named does not hold what it should",
}
"""What each rule is about: the reasons of conditions, and one for what never gets as far as a condition."""


class Text(msgspec.Struct, frozen=True):
    text: str


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    short_description: Text


class Driver(msgspec.Struct, frozen=True):
    name: str
    version: str
    rules: tuple[Rule, ...]


class Tool(msgspec.Struct, frozen=True):
    driver: Driver


class ArtifactLocation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    uri: str
    uri_base_id: str | None = None


class Region(msgspec.Struct, frozen=True, rename="camel"):
    start_line: int


class PhysicalLocation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    artifact_location: ArtifactLocation
    region: Region | None = None


class LogicalLocation(msgspec.Struct, frozen=True, rename="camel"):
    fully_qualified_name: str


class Location(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    physical_location: PhysicalLocation | None = None
    logical_locations: tuple[LogicalLocation, ...] = ()


class Result(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    rule_id: str
    rule_index: int
    level: Level
    message: Text
    locations: tuple[Location, ...] = ()


class Run(msgspec.Struct, frozen=True, rename="camel"):
    tool: Tool
    column_kind: Literal["unicodeCodePoints"]
    results: tuple[Result, ...]


class Log(msgspec.Struct, frozen=True):
    schema: str = msgspec.field(name="$schema")
    version: Literal["2.1.0"]
    runs: tuple[Run, ...]


def sarif_log(lines: Sequence[Line], here: Path) -> Log:
    """One run with a result per Error and Warning. `here` is the working directory, an absolute path."""
    told = [line for line in lines if line.severity in _LEVELS]
    names = tuple(RULES)
    driver = Driver("forebay", version("forebay"), tuple(Rule(name, Text(about)) for name, about in RULES.items()))
    results = tuple(_result(line, names, here) for line in told)
    return Log(SCHEMA, "2.1.0", (Run(Tool(driver), "unicodeCodePoints", results),))


def _result(line: Line, names: Sequence[str], here: Path) -> Result:
    rule = line.reason if line.reason in names else _MANIFEST
    place = _physical(line, here)
    logical = ": ".join(part for part in (line.object, line.path) if part)
    location = Location(place, (LogicalLocation(logical),) if logical else ())
    return Result(
        rule_id=rule,
        rule_index=names.index(rule),
        level=_LEVELS[line.severity],
        message=Text(": ".join(part for part in (logical, line.message) if part)),
        locations=(location,) if location != Location() else (),
    )


def _physical(line: Line, here: Path) -> PhysicalLocation | None:
    if not line.source or line.source == "-":
        return None
    path = here / line.source
    region = None if line.line is None else Region(line.line)
    try:
        inside = path.resolve().relative_to(here.resolve())
    except ValueError:
        return PhysicalLocation(ArtifactLocation(path.as_uri()), region)
    return PhysicalLocation(ArtifactLocation(quote(inside.as_posix()), ROOT), region)
