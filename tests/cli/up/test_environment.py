"""The environment of what `forebay up` runs: a secret's variable is the operator's alone."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec
import pytest

from forebay_cli.up.child import Child, Command
from forebay_cli.up.layout import make_plan

CONFIG = """
listeners: [{port: 0}]
workers: 2
secrets:
  openai: {key: {env: OPENAI_KEY}, other: {file: key.txt}}
  azure: {key: {env: AZURE_KEY}}
"""
SHOW = "import json, os; print(json.dumps(dict(os.environ)), flush=True)"
DEADLINE_SECONDS = 60.0


async def environment(command: Command) -> dict[str, str]:
    """What a process sees that runs in place of the command's own, started as the command says."""
    line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    shown = msgspec.structs.replace(command, argv=(sys.executable, "-c", SHOW))
    child = Child(shown, on_line=lambda read: None if line.done() else line.set_result(read))
    child.start()
    try:
        return dict(json.loads(await asyncio.wait_for(line, DEADLINE_SECONDS)))
    finally:
        await child.stop()


def test_variables_that_hold_secrets_reach_the_operator_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forebay.yaml").write_text(CONFIG)
    for name in ("OPENAI_KEY", "AZURE_KEY", "PLAIN"):
        monkeypatch.setenv(name, "set")
    plan = make_plan(tmp_path, port=None, workers=None, log="warning")
    seen = {
        command.name: {"OPENAI_KEY", "AZURE_KEY", "PLAIN"} & asyncio.run(environment(command)).keys()
        for command in (plan.operator(), plan.worker(0), plan.worker(1), plan.envoy("envoy", tmp_path / "envoy.json"))
    }
    assert seen == {
        "operator": {"OPENAI_KEY", "AZURE_KEY", "PLAIN"},
        "data plane 0": {"PLAIN"},
        "data plane 1": {"PLAIN"},
        "envoy": {"PLAIN"},
    }
