"""What the demo prints: plain lines where there is no terminal, commands that can be pasted."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from forebay_cli.demo.faults.scene import Fault
from forebay_cli.demo.load import Count
from forebay_cli.demo.results import CaseResult, Result
from forebay_cli.demo.show import Show, called, curl_lines

WRONG = CaseResult(
    title="a case", streamed=False, status=200, decided_by="DataPlane", rule="default", strategy="everyday", pool="small",
    model="qwen-small", reason="because", message="", server="small-0", code="", milliseconds=3.0, added_ms=1.23,
    mismatches=("pool is small, not large",),
)  # fmt: skip
FAULT = Fault(
    title="a pool is saturated",
    story=("It was full.",),
    count=Count(sent=1234, ok=1230, rerouted=40, failed=3, broken=1, silent=0, bypassed=0),
    retried=7,
    recovered_seconds=0.5,
    mismatches=(),
)


def shown(width: int = 80) -> tuple[Show, io.StringIO]:
    text = io.StringIO()
    return Show(Console(file=text, soft_wrap=True, highlight=False, width=width)), text


def test_without_a_terminal_there_is_no_colour_and_a_mismatch_still_shows() -> None:
    show, text = shown()
    show.case(WRONG, "it shows something")
    with show.busy("starting"), show.working("killing"):
        pass
    assert "\x1b" not in text.getvalue()
    assert text.getvalue().startswith("WRONG")
    assert "pool is small, not large" in text.getvalue()
    assert "+1.2 ms" in text.getvalue()


def test_the_table_of_faults_is_whole_on_a_narrow_screen() -> None:
    show, text = shown(40)
    show.faults([FAULT])
    row = next(line for line in text.getvalue().splitlines() if line.startswith("a pool is saturated"))
    assert row.split()[-9:] == ["1234", "1230", "40", "7", "0", "3", "1", "0.50", "s"]


def test_every_mismatch_is_listed_at_the_end() -> None:
    show, text = shown()
    result = Result(
        ok=False, seconds=9.0, started_in_seconds=2.0, cases=(WRONG,), faults=(), mismatches=("a case: pool is small",)
    )
    show.verdict(result)
    assert "1 thing did not go as it should" in text.getvalue()
    assert "a case: pool is small" in text.getvalue()


def test_curl_lines_can_be_pasted() -> None:
    for line in curl_lines("http://127.0.0.1:10080"):
        words = shlex.split(line)
        assert words[0] == "curl"
        assert any(word.startswith("http://127.0.0.1:10080/") for word in words)
        if "-d" in words:
            assert json.loads(words[words.index("-d") + 1])["messages"]


@pytest.mark.parametrize(("path", "typed"), [("", ".venv/bin/forebay"), (".venv/bin", "forebay")])
def test_the_next_commands_are_such_as_the_shell_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, typed: str
) -> None:
    script = tmp_path / ".venv/bin/forebay"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr("sys.argv", [str(script), "demo"])
    assert called() == typed
