"""The file of --config while the operator runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from forebay_operator.cluster import config
from forebay_operator.cluster.config import ConfigFile

ONE = "listeners:\n- {address: 127.0.0.1, port: 10080}\n"
TWO = ONE + "- {address: 127.0.0.1, port: 10081}\n"


def put(path: Path, text: str) -> None:
    """At once, as a mounted ConfigMap is: a file that is empty for a moment is one without listeners."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "LOOK_SECONDS", 0.01)


async def test_an_edit_is_told_once_and_a_file_that_cannot_be_read_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "forebay.yaml"
    put(path, ONE)
    read = ConfigFile(path)
    read.start()
    changed = asyncio.create_task(read.change())

    put(path, "listeners: [")
    async with asyncio.timeout(30):
        while "what was read before stays" not in caplog.text:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)
    assert not changed.done()
    assert [listener.port for listener in read.local.listeners] == [10080]

    put(path, TWO)
    async with asyncio.timeout(30):
        await changed
    assert [listener.port for listener in read.local.listeners] == [10080, 10081]
    assert caplog.text.count("what was read before stays") == 1


async def test_without_a_file_nothing_changes() -> None:
    read = ConfigFile(None)
    read.start()
    changed = asyncio.create_task(read.change())
    await asyncio.sleep(0.05)
    assert not changed.done()
    changed.cancel()
