"""The first ten minutes of the README, as a reader would spend them: what it shows is what comes out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from forebay_cli.app import app

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text("utf-8")
POLICY: Final = "examples/first/policy.yaml"
MICROSECONDS: Final = re.compile(r"\s+\d+( us)?$", re.MULTILINE)


def shown(command: str) -> tuple[str, list[str]]:
    """A command line of the README that contains these words, and what is printed under it."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE):
            line, _, output = part.partition("\n")
            if command in line:
                return line, output.splitlines()
    raise AssertionError(command)


def run(line: str) -> Result:
    return CliRunner().invoke(app, shlex.split(line)[1:])


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / POLICY).parent.mkdir(parents=True)
    (tmp_path / POLICY).write_text((ROOT / POLICY).read_text())
    return tmp_path


def test_the_policy_is_that_of_the_example() -> None:
    (policy,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert policy == (ROOT / POLICY).read_text()


def test_a_misspelt_signal_is_told_as_shown(checkout: Path) -> None:
    text = (checkout / POLICY).read_text()
    (checkout / POLICY).write_text(text.replace("signals.code.", "signals.cod."))
    line, expected = shown("forebay validate")
    assert run(line).stdout.splitlines() == expected


@pytest.mark.usefixtures("checkout")
def test_a_request_is_explained_as_shown() -> None:
    line, expected = shown("forebay explain")
    done = run(line)
    assert done.stderr.splitlines() == expected[:1]
    printed = [MICROSECONDS.sub("", line) for line in done.stdout.splitlines()]
    assert printed == [MICROSECONDS.sub("", line) for line in expected[1:]]


@pytest.mark.usefixtures("checkout")
def test_the_example_is_without_faults() -> None:
    assert run("forebay validate examples/first --strict").stdout == "1 policy, 2 pools: no errors\n"
