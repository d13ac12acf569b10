"""The keeper of the last good configuration writes what is new, once it rests, and nothing that stands there already."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest

from forebay_api.policy import PolicySpec
from forebay_api.wire import POLICY_TYPE, PlacedSpec
from forebay_operator.cluster import keeper
from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.keeper import Keeper
from forebay_operator.cluster.leading.fence import NotLeading
from forebay_operator.lastgood.shards import Shard, policies_of, shards
from forebay_operator.publication import data_plane_resources
from forebay_operator.resources import Snapshot
from forebay_transport.shards import Kept

PATIENCE: Final = 30.0


class ScriptedApi:
    """Remembers what was applied, in order; `stored` is the index that stands there."""

    def __init__(self, stored: bytes | None = None) -> None:
        self.stored = stored
        self.applied: list[str] = []
        self.failures = 0

    async def get(self, path: str) -> Any:
        if self.stored is None:
            raise ApiError(404, "NotFound", path)
        return {"binaryData": {"index": base64.b64encode(self.stored).decode()}}

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> Any:
        if self.failures:
            self.failures -= 1
            raise ApiError(500, "InternalError", "again")
        self.applied.append(path.rpartition("/")[2])
        return body


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeper, "QUIET_SECONDS", 0.02)
        patch.setattr(keeper, "MOST_SECONDS", 0.2)
        patch.setattr(keeper, "AGAIN_SECONDS", 0.01)
        yield


def set_of(digest: str) -> tuple[Shard, ...]:
    return (Shard("f-last-good-1", "shard-1", b"x", digest), Shard("f-last-good-0", "index", b"{}", digest))


class Scene:
    def __init__(self, api: ScriptedApi, *, leads: bool = True) -> None:
        self.digest = "one"
        self.made: list[float] = []
        self.asked = 0
        self.keeper = Keeper(api, namespace="ns", name="f", make=self.make, leads=self.leads)  # type: ignore[arg-type]
        self._leads = leads

    def leads(self) -> bool:
        self.asked += 1
        return self._leads

    async def make(self) -> tuple[Shard, ...] | None:
        self.made.append(time.monotonic())
        return set_of(self.digest)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                async with asyncio.timeout(PATIENCE):
                    await task

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.005)


async def test_the_index_is_written_last() -> None:
    api = ScriptedApi()
    scene = Scene(api)
    async with scene.running():
        scene.keeper.look()
        await scene.until(lambda: len(api.applied) == 2)
    assert api.applied == ["f-last-good-1", "f-last-good-0"]


async def test_what_another_operator_has_written_is_not_written_again() -> None:
    api = ScriptedApi(b'{"format": 1, "hash": "one", "shards": []}')
    scene = Scene(api)
    async with scene.running():
        for turn in (1, 2):  # once the second one is made the first one is over
            scene.keeper.look()
            await scene.until(lambda turn=turn: len(scene.made) == turn)
    assert api.applied == []


async def test_a_copy_that_somebody_deletes_is_written_again_although_nothing_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.05)
    api = ScriptedApi(b'{"format": 1, "hash": "one", "shards": []}')
    scene = Scene(api)
    async with scene.running():
        await scene.until(lambda: len(scene.made) > 3)
        assert api.applied == [], "it is there"
        api.stored = None
        await scene.until(lambda: api.applied[:2] == ["f-last-good-1", "f-last-good-0"])


async def test_a_standby_makes_and_writes_nothing() -> None:
    api = ScriptedApi()
    scene = Scene(api, leads=False)
    async with scene.running():
        for turn in (1, 2):
            scene.keeper.look()
            await scene.until(lambda turn=turn: scene.asked == turn)
    assert (scene.made, api.applied) == ([], [])


async def test_while_changes_never_rest_a_copy_is_made_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "QUIET_SECONDS", 60.0)
    scene = Scene(ScriptedApi())

    async def churn() -> None:
        while True:
            scene.keeper.look()
            await asyncio.sleep(0.005)

    churning = asyncio.create_task(churn())
    async with scene.running():
        await scene.until(lambda: len(scene.made) == 3)
    churning.cancel()
    assert all(after - before >= 0.19 for before, after in pairwise(scene.made))


async def test_it_ends_when_it_is_told_to_although_changes_never_rest() -> None:
    scene = Scene(ScriptedApi())
    for _ in range(50):
        running = asyncio.create_task(scene.keeper.run())
        for _ in range(4):
            scene.keeper.look()
            await asyncio.sleep(0)
        scene.keeper.look()
        running.cancel()  # in the same turn of the loop as the news
        done, _ = await asyncio.wait((running,), timeout=PATIENCE)
        assert done, "the cancellation was lost"


async def test_a_write_that_fails_is_tried_again() -> None:
    api = ScriptedApi()
    api.failures = 2
    scene = Scene(api)
    async with scene.running():
        scene.keeper.look()
        await scene.until(lambda: len(api.applied) == 2)
    assert api.applied == ["f-last-good-1", "f-last-good-0"]


async def test_whoever_loses_the_lease_in_the_middle_writes_the_rest_no_more() -> None:
    api = ScriptedApi()
    scene = Scene(api)
    apply, script = api.apply, [None, NotLeading()]

    async def losing(path: str, body: Mapping[str, Any], *, manager: str) -> Any:
        if script and (error := script.pop(0)) is not None:
            raise error
        return await apply(path, body, manager=manager)

    api.apply = losing  # type: ignore[method-assign]
    async with scene.running():
        scene.keeper.look()
        await scene.until(lambda: not script)
        assert api.applied == ["f-last-good-1"]
        scene.keeper.forget()  # it leads again
        await scene.until(lambda: len(api.applied) == 3)
    assert api.applied == ["f-last-good-1"] * 2 + ["f-last-good-0"]


class FilesApi:
    """ConfigMaps by name; any other is not there."""

    def __init__(self, files: dict[str, tuple[str, bytes]]) -> None:
        self._files = files

    async def get(self, path: str) -> Any:
        name = path.rpartition("/")[2]
        if name not in self._files:
            raise ApiError(404, "NotFound", path)
        key, value = self._files[name]
        return {"binaryData": {key: base64.b64encode(value).decode()}}


def keeper_of(files: dict[str, tuple[str, bytes]]) -> Keeper:
    async def nothing() -> None:
        return None

    return Keeper(FilesApi(files), namespace="n", name="f", make=nothing, leads=lambda: False)  # type: ignore[arg-type]


def kept_policy(spec: PolicySpec) -> dict[str, tuple[str, bytes]]:
    """The ConfigMaps of a set with one policy."""
    ours = Snapshot.of(data_plane_resources({"ai/first": spec}, {}))
    return {shard.name: (shard.key, shard.value) for shard in shards(Snapshot({}), ours, "f")}


async def test_what_was_kept_is_recalled() -> None:
    strategies = [{"name": "only", "direct": {"pools": [{"name": "small"}]}}]
    spec = msgspec.convert({"models": ["auto"], "strategies": strategies, "default": {"use": "only"}}, PlacedSpec)
    kept = await keeper_of(kept_policy(spec)).recall()
    assert kept is not None
    assert policies_of(kept) == {"ai/first": spec}


async def test_where_nothing_or_nothing_usable_was_kept_nothing_is_recalled() -> None:
    assert await keeper_of({}).recall() is None
    assert await keeper_of({"f-last-good-0": ("index", b"{}")}).recall() is None


def test_policies_that_another_version_has_written_its_own_way_are_left_out() -> None:
    kept = (
        Kept("ai/odd", "1", b"\x01"),
        Kept("ai/new", "1", msgspec.msgpack.encode({"name": "ai/new", "min_reader": 99})),
    )
    assert policies_of({POLICY_TYPE: kept}) == {}
