"""CI's script, with `make` and pytest played: what a second try may mend, and what it may not."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci/run"
MAKE = """#!/bin/sh
echo "make $*" >> log
[ "$1" = "${BREAKS:-}" ] || exit 0
[ -z "${TELLS:-}" ] || { mkdir -p .pytest_cache/v/cache; echo '{"tests/test_a.py::test_a": true}' > .pytest_cache/v/cache/lastfailed; }
exit 2
"""
PYTEST = """#!/bin/sh
echo "pytest $*" >> log
exit "${SECOND:-0}"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci/run")
    for path, text in (("bin/make", MAKE), (".venv/bin/pytest", PYTEST)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
        (tmp_path / path).chmod(0o755)
    return tmp_path


def run(tree: Path, **environment: str) -> tuple[int, list[str]]:
    """Exit status, and what was called."""
    path = f"{tree / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [tree / ".ci/run"], env={"PATH": path, **environment}, capture_output=True, timeout=30, check=False
    )
    return done.returncode, (tree / "log").read_text().splitlines()


def test_all_three_are_run(tree: Path) -> None:
    assert run(tree) == (0, ["make check", "make test", "make e2e"])


def test_what_fails_is_tried_once_more(tree: Path) -> None:
    status, called = run(tree, BREAKS="test", TELLS="yes")
    assert (status, [line.split()[0] for line in called]) == (0, ["make", "make", "pytest", "make"])
    assert run(tree, BREAKS="test", TELLS="yes", SECOND="1")[0] == 1


@pytest.mark.parametrize("target", ["test", "e2e"])
def test_a_run_that_was_broken_off_is_not_mended_by_what_failed_before_it(tree: Path, target: str) -> None:
    cache = tree / ".pytest_cache/v/cache/lastfailed"
    cache.parent.mkdir(parents=True)
    cache.write_text('{"tests/test_of_yesterday.py::test_a": true}')
    status, called = run(tree, BREAKS=target)
    assert status == 1
    assert not any(line.startswith("pytest") for line in called)
    assert called[-1] == f"make {target}"


def test_nothing_is_tried_while_the_checks_fail(tree: Path) -> None:
    assert run(tree, BREAKS="check") == (2, ["make check"])
