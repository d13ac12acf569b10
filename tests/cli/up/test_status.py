"""What a person is told at the start of `forebay up`, and in its one line."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from forebay_cli.app import app
from forebay_cli.up.command import Level
from forebay_cli.up.status import Changes, status_line
from forebay_extproc.telemetry.logs import LEVELS
from forebay_operator.telling.report import Fault, Report


def test_a_level_that_no_data_plane_knows_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["up", str(tmp_path), "--log", "loud"])
    assert done.exit_code == 2
    assert "'decisions'" in done.output
    assert not list(tmp_path.iterdir())


def test_the_levels_are_those_of_the_data_plane() -> None:
    assert tuple(level.value for level in Level) == LEVELS


def test_a_directory_without_a_policy_is_live_and_says_that_it_serves_nobody() -> None:
    line = status_line(Report(revision="a1", programmed=True, policies={}, pools={}, errors=()))
    assert line.endswith("there is no RoutingPolicy, so every request is answered 404")


def test_what_has_not_changed_is_said_once() -> None:
    written: list[str] = []
    changes = Changes(written.append)
    for revision in ("a1", "a1", "b2", "a1"):
        changes.tell(Report(revision=revision, programmed=True, policies={}, pools={}, errors=()))
    assert [line.split("revision ")[1][:2] for line in written] == ["a1", "b2", "a1"]


def test_before_anything_is_read_there_are_no_counts() -> None:
    line = status_line(Report(revision="", programmed=False, policies={}, pools={}, errors=()))
    assert line == "pending  reading the manifests"


def test_a_file_is_no_directory_to_run(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    assert CliRunner().invoke(app, ["up", str(tmp_path / "a.yaml")]).stderr.endswith("is a file: name its directory\n")


def test_a_mistake_before_the_first_revision_stands_alone() -> None:
    fault = Fault(source="a.yaml", line=3, path="spec", message="is required")
    line = status_line(Report(revision="", programmed=False, policies={}, pools={}, errors=(fault,)))
    assert line == "pending  policies 0/0  pools 0/0  a.yaml:3: spec: is required"
