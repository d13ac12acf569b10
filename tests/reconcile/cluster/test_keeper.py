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
from forebay_operator.cluster.connection import ApiError, version_of
from forebay_operator.cluster.keeper import Keeper
from forebay_operator.cluster.leading.fence import NotLeading
from forebay_operator.lastgood.shards import Shard, policies_of, shards
from forebay_operator.publication import data_plane_resources
from forebay_operator.resources import Snapshot
from forebay_transport.shards import Kept, pack

PATIENCE: Final = 30.0


class ScriptedApi:
    """Remembers what was applied, in order, and what stands there by name; `reads` counts those of whole objects."""

    def __init__(self, *stored: Shard) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.applied: list[str] = []
        self.failures = 0
        self.reads = 0
        self._writes = 0
        for shard in stored:
            self.store(shard.name, {shard.key: base64.b64encode(shard.value).decode()})

    def store(self, name: str, data: Mapping[str, str]) -> None:
        """As anybody may do it."""
        self._writes += 1
        self.stored[name] = {"metadata": {"uid": "u", "resourceVersion": str(self._writes)}, "binaryData": data}

    async def get(self, path: str) -> Any:
        self.reads += 1
        return self._found(path)

    async def version(self, path: str) -> str:
        return version_of(self._found(path))

    def _found(self, path: str) -> Any:
        name = path.rpartition("/")[2]
        if name not in self.stored:
            raise ApiError(404, "NotFound", path)
        return self.stored[name]

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> Any:
        if self.failures:
            self.failures -= 1
            raise ApiError(500, "InternalError", "again")
        name = path.rpartition("/")[2]
        self.applied.append(name)
        if self.stored.get(name, {}).get("binaryData") != body["binaryData"]:
            self.store(name, body["binaryData"])
        return self.stored[name]


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeper, "QUIET_SECONDS", 0.02)
        patch.setattr(keeper, "MOST_SECONDS", 0.2)
        patch.setattr(keeper, "AGAIN_SECONDS", 0.01)
        yield


def set_of(words: str) -> tuple[Shard, ...]:
    """A whole set of one shard and the index; other words, another set."""
    found, files = pack({POLICY_TYPE: (Kept(words, "1", b""),)})
    number = {"shard-1": 1, "index": 0}
    return tuple(Shard(f"f-last-good-{number[key]}", key, value, found) for key, value in files.items())


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
    api = ScriptedApi(*set_of("one"))
    scene = Scene(api)
    async with scene.running():
        for turn in (1, 2):  # once the second one is made the first one is over
            scene.keeper.look()
            await scene.until(lambda turn=turn: len(scene.made) == turn)
    assert api.applied == []


@pytest.mark.parametrize("lost", ["f-last-good-0", "f-last-good-1"])
@pytest.mark.parametrize("churn", [False, True])
async def test_a_part_that_somebody_deletes_is_written_again_although_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, lost: str, churn: bool
) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.05)
    api = ScriptedApi()
    scene = Scene(api)
    async with scene.running(), churning(scene, on=churn):
        scene.keeper.look()
        await scene.until(lambda: len(api.applied) == 2)
        del api.stored[lost]
        await scene.until(lambda: len(api.applied) == 4 and lost in api.stored)
    assert api.applied == ["f-last-good-1", "f-last-good-0"] * 2


async def test_a_part_that_somebody_has_edited_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.05)
    api = ScriptedApi(*set_of("one"))
    scene = Scene(api)
    async with scene.running():
        scene.keeper.look()
        await scene.until(lambda: len(scene.made) == 1)
        api.store("f-last-good-1", {"shard-1": "eA=="})
        await scene.until(lambda: len(api.applied) == 2)
        assert api.stored["f-last-good-1"]["binaryData"] != {"shard-1": "eA=="}


async def test_while_it_is_as_it_was_to_look_makes_reads_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.01)
    api = ScriptedApi(*set_of("one"))
    scene = Scene(api)
    async with scene.running():
        scene.keeper.look()
        await scene.until(lambda: len(scene.made) == 1)
        before, asked = api.reads, scene.asked
        await scene.until(lambda: scene.asked > asked + 5)
    assert (len(scene.made), api.reads, api.applied) == (1, before, [])


async def test_a_part_that_the_operator_before_has_lost_is_written_by_the_one_that_starts() -> None:
    shard, index = set_of("one")
    assert shard.key == "shard-1"
    api = ScriptedApi(index)
    scene = Scene(api)
    async with scene.running():
        scene.keeper.look()
        await scene.until(lambda: len(api.applied) == 2)


@asynccontextmanager
async def churning(scene: Scene, *, on: bool) -> AsyncIterator[None]:
    """While endpoints come and go there is news all the time, of which the copy has nothing."""

    async def tell() -> None:
        while on:
            scene.keeper.look()
            await asyncio.sleep(0.005)

    task = asyncio.create_task(tell())
    try:
        yield
    finally:
        task.cancel()


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
        return {"metadata": {}, "binaryData": {key: base64.b64encode(value).decode()}}


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
