"""What `forebay` itself answers, and how it writes where nobody looks."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from forebay_cli.app import COMMANDS, app
from forebay_cli.console import legible, stdout

FOREBAY = Path(sys.executable).with_name("forebay")
ONLY_THE_CORE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aiohttp", "grpc", "numpy", "envoy", "matplotlib", "uvloop"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
sys.argv[0] = "forebay"
from forebay_cli.app import main
main()
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty columns."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")


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


def test_a_table_in_a_pipe_ends_no_line_in_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    table = Table(box=None)
    table.add_column("reason")
    table.add_row("long")
    table.add_row("a  word")

    stdout().print(table)

    assert isinstance(sys.stdout, io.StringIO)
    assert sys.stdout.getvalue() == " reason\n long\n a  word\n"


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    "hidden", ["\x1b[2J", "\x9b2J", "\r", "\x07", "\u202e", "\u2066", "\u2028", "\u200b", "\ufeff"]
)
def test_nothing_that_others_wrote_moves_the_cursor_or_turns_letters_round(hidden: str) -> None:
    table = Table(box=None, show_header=False)
    table.add_row(f"in a{hidden} table", Text(f"as {hidden} text"))

    with redirect_stdout(Terminal()) as shown:
        stdout().print(f"plain {hidden}", markup=False)
        stdout().print(Text(f"a{hidden}b"))
        stdout().print(table)

    assert hidden not in shown.getvalue()
    assert legible(hidden)[:6] == f"\\u{ord(hidden[0]):04x}"


@pytest.mark.usefixtures("narrow")
def test_what_is_written_out_is_not_cut_off_at_the_edge() -> None:
    with redirect_stdout(Terminal()) as shown:
        stdout().print(Text("\x1b" * 10 + " word" * 20))
    assert shown.getvalue().count("\\u001b") == 10
    assert shown.getvalue().count("word") == 20


def test_an_unknown_command_is_told_which_is_meant() -> None:
    assert "did you mean 'validate'?" in CliRunner().invoke(app, ["vlidate"]).output
    assert "there are up, demo, validate" in CliRunner().invoke(app, ["xyzzy"]).output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_keep_their_lines_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = CliRunner().invoke(app, [name, "--help"]).output
    examples = [line.strip() for line in shown.splitlines() if f"forebay {name}" in line and "Usage" not in line]
    assert examples
    if name == "explain":
        assert examples[1].startswith("echo '{")
        assert examples[1].endswith("| forebay explain examples/assistant")


def test_commands_are_listed_and_completed_without_what_they_need() -> None:
    """`pip install forebay` brings enough for `validate`, and the others are still there to be found."""
    command = [sys.executable, "-c", ONLY_THE_CORE]
    listed = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert listed.returncode == 0
    assert all(f"  {name} " in listed.stdout for name in COMMANDS)
    assert "..." not in listed.stdout.partition("Commands:")[2]

    asked = {**os.environ, "_FOREBAY_COMPLETE": "complete_bash", "COMP_WORDS": "forebay ", "COMP_CWORD": "1"}
    completed = subprocess.run(command, env=asked, capture_output=True, text=True, timeout=60, check=False)
    assert completed.stdout.split() == list(COMMANDS)

    missing = subprocess.run([*command, "up", "."], capture_output=True, text=True, timeout=60, check=False)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "pip install 'forebay[local]'" in missing.stderr


def test_letters_that_the_terminal_does_not_have_are_written_out(tmp_path: Path) -> None:
    (tmp_path / "gr\u00fc\u00dfe.yaml").write_text("kind: ModelPool\n")
    done = subprocess.run(
        [FOREBAY, "validate", "."],
        cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith("gr\\xfc\\xdfe.yaml:1: error: ")
    assert done.stderr == ""
