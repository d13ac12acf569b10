"""What `forebay` itself answers, and how it writes where nobody looks."""

from __future__ import annotations

import io
import sys
from importlib.metadata import version

import pytest
from rich.table import Table
from typer.testing import CliRunner

from forebay_cli.app import app
from forebay_cli.console import stdout


def test_the_version_is_that_of_the_package() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"forebay {version('forebay')}\n")


def test_a_table_in_a_pipe_folds_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    table = Table(box=None)
    table.add_column("reason")
    table.add_row("long " * 60)

    stdout().print(table)

    assert isinstance(sys.stdout, io.StringIO)
    assert len(sys.stdout.getvalue().splitlines()) == 2
