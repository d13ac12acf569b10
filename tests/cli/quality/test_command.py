"""What `forebay quality` refuses before it measures anything, and what it tells a program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forebay_cli.app import app
from forebay_cli.quality import command


def test_a_section_that_there_is_not_is_told_before_the_data_are_looked_for(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["quality", "--only", "foo", "--data", str(tmp_path / "none")])
    assert (done.exit_code, done.stderr) == (
        2,
        "forebay: --only foo: there are domain, injection, difficulty, asks, trained, pii\n",
    )


def test_missing_data_name_the_option(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["quality", "--data", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert "name it with --data or $FOREBAY_DATA" in done.stderr


def test_a_program_is_told_where_the_report_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "set_up", lambda *_folders: None)
    monkeypatch.setattr(command, "SECTIONS", {"pii": lambda _bench: ["a table"]})
    done = CliRunner().invoke(app, ["quality", "--data", str(tmp_path), "--out", str(tmp_path), "-o", "json"])
    told = json.loads(done.stdout)
    assert told == {"report": str(tmp_path / "report.md"), "seconds": {"pii": 0.0}}
    assert "## pii\na table\n" in (tmp_path / "report.md").read_text()
