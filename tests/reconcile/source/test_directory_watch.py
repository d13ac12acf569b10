"""A watched directory: each change is seen, soon, however it is made."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from forebay_operator.source.directory import Directory
from forebay_operator.source.view import View

Pool = Callable[..., str]
PATIENCE = 60.0


class Watcher:
    """Takes views off a directory in the background."""

    def __init__(self, directory: Directory) -> None:
        self._views: asyncio.Queue[View] = asyncio.Queue()
        self._task = asyncio.create_task(self._watch(directory))

    async def _watch(self, directory: Directory) -> None:
        async with aclosing(directory.views()) as views:
            async for view in views:
                self._views.put_nowait(view)

    async def until(self, condition: Callable[[View], bool]) -> View:
        async with asyncio.timeout(PATIENCE):
            while True:
                view = await self._views.get()
                if condition(view):
                    return view

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def watcher(root: Path) -> AsyncIterator[Watcher]:
    # The slow look is put out of the way: what is seen is seen by notification.
    watching = Watcher(Directory(root, rescan=60))
    yield watching
    await watching.stop()


async def test_the_present_view_comes_at_once(root: Path, watcher: Watcher, pool: Pool) -> None:
    await watcher.until(lambda view: not view.pools)


async def test_a_new_file_an_edit_and_a_deletion_are_seen(root: Path, watcher: Watcher, pool: Pool) -> None:
    await watcher.until(lambda view: True)
    (root / "a.yaml").write_text(pool("one"))
    await watcher.until(lambda view: list(view.pools) == ["ai/one"])
    (root / "a.yaml").write_text(pool("two"))
    await watcher.until(lambda view: list(view.pools) == ["ai/two"])
    (root / "a.yaml").unlink()
    await watcher.until(lambda view: not view.pools)


async def test_a_file_in_a_new_directory_is_seen(root: Path, watcher: Watcher, pool: Pool) -> None:
    await watcher.until(lambda view: True)
    (root / "team").mkdir()
    (root / "team" / "a.yaml").write_text(pool("one"))
    await watcher.until(lambda view: "ai/one" in view.pools)


async def test_an_atomic_rename_is_seen(root: Path, watcher: Watcher, pool: Pool) -> None:
    await watcher.until(lambda view: True)
    (root / ".a.yaml.tmp").write_text(pool("one"))
    (root / ".a.yaml.tmp").rename(root / "a.yaml")
    await watcher.until(lambda view: "ai/one" in view.pools)


async def test_a_configmap_swap_is_seen_as_one_change(root: Path, watcher: Watcher, pool: Pool) -> None:
    def stage(name: str, port: int) -> None:
        (root / name).mkdir()
        (root / name / "a.yaml").write_text(pool("one", port=port))
        (root / name / "b.yaml").write_text(pool("two", port=port))
        (root / "..data_tmp").symlink_to(name)
        (root / "..data_tmp").rename(root / "..data")

    def ports(view: View) -> list[int]:
        addresses = [pool.spec.backend.addresses or [] for pool in view.pools.values()]
        return [address.port for each in addresses for address in each]

    stage("..2024_01", 1)
    for name in ("a.yaml", "b.yaml"):
        (root / name).symlink_to(f"..data/{name}")
    await watcher.until(lambda view: ports(view) == [1, 1])
    stage("..2024_02", 2)
    view = await watcher.until(lambda view: ports(view) != [1, 1])
    assert ports(view) == [2, 2]
    assert view.errors == ()


async def test_a_directory_that_is_made_later_is_seen(tmp_path: Path, pool: Pool) -> None:
    watching = Watcher(Directory(tmp_path / "later", rescan=60))
    try:
        await watching.until(lambda view: bool(view.errors))
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "a.yaml").write_text(pool("one"))
        await watching.until(lambda view: "ai/one" in view.pools and not view.errors)
    finally:
        await watching.stop()


async def test_a_directory_that_is_removed_and_made_again_is_watched_again(
    root: Path, watcher: Watcher, pool: Pool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    (root / "a.yaml").write_text(pool("one"))
    await watcher.until(lambda view: "ai/one" in view.pools)
    shutil.move(root, root.with_name("gone"))
    shutil.rmtree(root.with_name("gone"))
    await watcher.until(lambda view: bool(view.errors))
    shutil.copytree(empty, root)
    (root / "a.yaml").write_text(pool("two"))
    await watcher.until(lambda view: list(view.pools) == ["ai/two"])
    (root / "a.yaml").write_text(pool("three"))
    await watcher.until(lambda view: list(view.pools) == ["ai/three"])


async def test_a_link_to_a_file_elsewhere_is_seen_by_the_slow_look(tmp_path: Path, root: Path, pool: Pool) -> None:
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(pool("one"))
    (root / "a.yaml").symlink_to(elsewhere)
    watching = Watcher(Directory(root, rescan=0.1))
    try:
        await watching.until(lambda view: "ai/one" in view.pools)
        elsewhere.write_text(pool("two"))
        await watching.until(lambda view: "ai/two" in view.pools)
    finally:
        await watching.stop()


async def test_a_system_without_watches_is_looked_at_now_and_then(
    root: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr("forebay_operator.source.changes.RustNotify", refuse)
    watching = Watcher(Directory(root, rescan=0.1))
    try:
        await watching.until(lambda view: True)
        (root / "a.yaml").write_text(pool("one"))
        await watching.until(lambda view: "ai/one" in view.pools)
    finally:
        await watching.stop()


async def test_edits_in_a_row_are_all_seen_in_the_end(root: Path, watcher: Watcher, pool: Pool) -> None:
    await watcher.until(lambda view: True)
    for port in range(1, 30):
        (root / "a.yaml").write_text(pool("one", port=port))
        await asyncio.sleep(0.004)

    def last(view: View) -> bool:
        addresses = view.pools["ai/one"].spec.backend.addresses if "ai/one" in view.pools else None
        return bool(addresses) and addresses[0].port == 29

    await watcher.until(last)


async def test_watching_ends_when_it_is_cancelled(root: Path) -> None:
    watching = Watcher(Directory(root, rescan=60))
    await watching.until(lambda view: True)
    start = time.monotonic()
    await watching.stop()
    assert time.monotonic() - start < PATIENCE
