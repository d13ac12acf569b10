"""The data plane's client against the operator's server, over a Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import (
    POLICY_TYPE,
    POOL_STATE_TYPE,
    POOL_TYPE,
    REVISION_TYPE,
    LoadReport,
    PolicyResource,
    PoolResource,
    PoolState,
    Revision,
)
from forebay_extproc.channel import Operator
from forebay_extproc.inventory import ConfigSet
from forebay_extproc.load import LoadReporter
from forebay_extproc.watch import ConfigRefused, Watch
from forebay_operator.lastgood.shards import shards
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds import Kind, XdsServer
from forebay_transport.backoff import Backoff

NODE = "dataplane/a"
PATIENCE = 60.0


def policy(name: str, keyword: str = "all", **fields: Any) -> Resource:
    spec = {"strategies": [{"name": keyword, "direct": {"pools": [{"name": "small"}]}}], "default": {"use": keyword}}
    made = PolicyResource(name=name, spec=msgspec.convert(spec, PolicySpec), **fields)
    return Resource(name, POLICY_TYPE, msgspec.msgpack.encode(made))


def pool(name: str) -> Resource:
    spec = {
        "backend": {"addresses": [{"host": "127.0.0.1", "port": 8000}]},
        "placement": {"boundary": "Private"},
        "models": [{"name": "m"}],
    }
    return Resource(
        name, POOL_TYPE, msgspec.msgpack.encode(PoolResource(name=name, spec=msgspec.convert(spec, PoolSpec)))
    )


def state(name: str, queued: float) -> Resource:
    return Resource(name, POOL_STATE_TYPE, msgspec.msgpack.encode(PoolState(name=name, queued=queued)))


def snapshot(id_: str, *resources: Resource) -> Snapshot:
    versions = {
        url: {each.name: each.version for each in resources if each.type_url == url} for url in (POLICY_TYPE, POOL_TYPE)
    }
    named = Revision(id=id_, policies=versions[POLICY_TYPE], pools=versions[POOL_TYPE])
    return Snapshot.of([*resources, Resource("current", REVISION_TYPE, msgspec.msgpack.encode(named))])


class Plane:
    """What a data plane does with what it is given, and what it was given."""

    def __init__(self) -> None:
        self.sets: list[ConfigSet] = []
        self.states: list[Mapping[str, PoolState]] = []
        self.refuse: Exception | None = None
        self.may_compile = asyncio.Event()
        self.may_compile.set()

    async def take(self, config: ConfigSet) -> None:
        await self.may_compile.wait()
        if self.refuse is not None:
            raise self.refuse
        self.sets.append(config)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"unix:{tmp_path}/xds"


@asynccontextmanager
async def serving(address: str, **options: Any) -> AsyncIterator[XdsServer]:
    server = XdsServer(**options)
    await server.start([address])
    server.expect({NODE: Kind.DATA_PLANE})
    try:
        yield server
    finally:
        await server.stop(0.2)


@pytest.fixture
async def server(address: str) -> AsyncIterator[XdsServer]:
    async with serving(address) as made:
        yield made


@asynccontextmanager
async def watching(*addresses: str, plane: Plane, **options: Any) -> AsyncIterator[Watch]:
    async with following(Operator(addresses), plane, **options) as watch:
        yield watch


@asynccontextmanager
async def following(operator: Operator, plane: Plane, **options: Any) -> AsyncIterator[Watch]:
    watch = Watch(
        operator, NODE, on_config=plane.take, on_states=plane.states.append, backoff=Backoff(0.02, 0.1), **options
    )
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await operator.close()


@asynccontextmanager
async def reporting(
    addresses: list[str], load: Callable[[], Mapping[str, int]], **options: float
) -> AsyncIterator[Operator]:
    """A watch that finds the leader, and load reports that follow it."""
    operator = Operator(addresses)
    async with following(operator, Plane()):
        task = asyncio.create_task(LoadReporter(operator, NODE, load, **options).run())
        try:
            yield operator
        finally:
            task.cancel()


async def until(check: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not check():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_a_set_is_acknowledged_once_it_is_in_force(server: XdsServer, address: str) -> None:
    plane = Plane()
    plane.may_compile.clear()
    async with watching(address, plane=plane) as watch:
        revision = server.publish(snapshot("r1", policy("ai/p"), pool("ai/small")))
        assert not (await server.wait(revision, 0.1)).complete
        plane.may_compile.set()
        assert (await server.wait(revision, PATIENCE)).complete
        assert watch.revision == "r1"
        assert watch.connected
    [config] = plane.sets
    assert (set(config.policies), set(config.pools)) == ({"ai/p"}, {"ai/small"})


async def test_pool_states_come_at_once_also_while_a_set_is_being_compiled(server: XdsServer, address: str) -> None:
    plane = Plane()
    plane.may_compile.clear()
    async with watching(address, plane=plane):
        server.publish(snapshot("r1", policy("ai/p"), state("ai/small", 1.0)))
        await until(lambda: plane.states)
        server.publish(snapshot("r1", policy("ai/p"), state("ai/small", 2.0), state("ai/large", 3.0)))
        await until(lambda: len(plane.states[-1]) == 2)
        assert {name: each.queued for name, each in plane.states[-1].items()} == {"ai/small": 2.0, "ai/large": 3.0}
        assert plane.sets == []


async def test_a_refused_set_is_reported_with_its_text_and_the_last_good_stays(server: XdsServer, address: str) -> None:
    plane = Plane()
    async with watching(address, plane=plane) as watch:
        await server.wait(server.publish(snapshot("r1", policy("ai/p"))), PATIENCE)
        plane.refuse = ConfigRefused({"ai/p": "spec.rules[0].when: 1:2: undeclared"}, rest_applied=False)
        found = await server.wait(server.publish(snapshot("r2", policy("ai/p", "other"))), PATIENCE)
        assert found.rejected == {NODE: "Revision current: ai/p: spec.rules[0].when: 1:2: undeclared"}
        assert watch.revision == "r1"
        plane.refuse = None
        assert (await server.wait(server.publish(snapshot("r3", policy("ai/p", "third"))), PATIENCE)).complete
        assert watch.revision == "r3"


async def test_a_set_in_force_but_for_one_policy_is_in_force_and_reported_again_to_a_new_operator(address: str) -> None:
    plane = Plane()
    both = snapshot("r1", policy("ai/good"), policy("ai/bad"))
    plane.refuse = ConfigRefused({"ai/bad": "no"}, rest_applied=True)
    async with watching(address, plane=plane) as watch:
        for _ in range(2):
            async with serving(address) as server:
                found = await server.wait(server.publish(both), PATIENCE)
                assert found.rejected == {NODE: "Revision current: ai/bad: no"}
                assert watch.revision == "r1"


async def test_a_compiler_that_breaks_refuses_the_set_and_keeps_the_watch(server: XdsServer, address: str) -> None:
    plane = Plane()
    async with watching(address, plane=plane) as watch:
        plane.refuse = RuntimeError("encoder gone")
        found = await server.wait(server.publish(snapshot("r1", policy("ai/p"))), PATIENCE)
        assert "revision r1: RuntimeError: encoder gone" in found.rejected[NODE]
        plane.refuse = None
        assert (await server.wait(server.publish(snapshot("r2", policy("ai/p", "other"))), PATIENCE)).complete
        assert watch.revision == "r2"


async def test_one_policy_for_a_newer_reader_is_refused_and_the_others_go_out(server: XdsServer, address: str) -> None:
    plane = Plane()
    async with watching(address, plane=plane):
        revision = server.publish(snapshot("r1", policy("ai/good"), policy("ai/new", min_reader=99)))
        found = await server.wait(revision, PATIENCE)
        await until(lambda: plane.sets)
        assert set(plane.sets[-1].policies) == {"ai/good"}
        assert "Policy ai/new: needs reader 99" in found.rejected[NODE]
        assert [each.name for each in server.rejections()] == ["ai/new"]


async def test_it_reconnects_keeps_its_last_good_and_is_sent_nothing_again(address: str) -> None:
    plane = Plane()
    kept = snapshot("r1", policy("ai/p"), pool("ai/small"))
    async with watching(address, plane=plane) as watch:
        async with serving(address) as first:
            await first.wait(first.publish(kept), PATIENCE)
        await until(lambda: not watch.connected)
        assert watch.revision == "r1"
        async with serving(address) as second:
            assert (await second.wait(second.publish(kept), PATIENCE)).complete
            assert (await second.wait(second.publish(snapshot("r2", policy("ai/q"))), PATIENCE)).complete
    assert [each.revision for each in plane.sets] == ["r1", "r2"]


async def test_it_starts_from_its_last_good_copy_while_the_operator_is_away(address: str, tmp_path: Path) -> None:
    copy = tmp_path / "state" / "last-good"
    kept = snapshot("r1", policy("ai/p"), pool("ai/small"))
    async with serving(address) as server, watching(address, plane=Plane(), copy=copy):
        await server.wait(server.publish(kept), PATIENCE)
        await until(copy.exists)
    plane = Plane()
    async with watching(address, plane=plane, copy=copy) as watch:
        await until(lambda: watch.revision == "r1")
        assert set(plane.sets[-1].policies) == {"ai/p"}
        async with serving(address) as server:
            assert (await server.wait(server.publish(kept), PATIENCE)).complete
            assert len(plane.sets) == 1, "the same set is not compiled twice"
            assert (await server.wait(server.publish(snapshot("r2", policy("ai/q"))), PATIENCE)).complete
            assert set(plane.sets[-1].policies) == {"ai/q"}


async def test_a_damaged_copy_is_left_alone(address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy = tmp_path / "last-good"
    copy.write_bytes(b"not msgpack")
    async with watching(address, plane=Plane(), copy=copy) as watch:
        await until(lambda: "not started from the last good configuration" in caplog.text)
        assert watch.revision is None


async def test_only_the_newest_of_many_edits_has_to_be_compiled(server: XdsServer, address: str) -> None:
    plane = Plane()
    async with watching(address, plane=plane):
        await server.wait(server.publish(snapshot("r0", policy("ai/p"))), PATIENCE)
        plane.may_compile.clear()
        for number in range(1, 50):
            last = server.publish(snapshot(f"r{number}", policy("ai/p", f"s{number}")))
            await asyncio.sleep(0)
        plane.may_compile.set()
        assert (await server.wait(last, PATIENCE)).complete
    assert plane.sets[-1].revision == "r49"
    assert len(plane.sets) < 10


async def test_load_reports_arrive_when_they_change_and_survive_a_missing_operator(address: str) -> None:
    reports: list[LoadReport] = []
    load = {"ai/small": 1}
    async with reporting([address], lambda: load, period=0.02):
        async with serving(address, on_load=reports.append) as first:
            first.publish(snapshot("r1", policy("ai/p")))
            await until(lambda: reports)
            load["ai/small"] = 2
            await until(lambda: len(reports) == 2)
        load["ai/small"] = 3
        async with serving(address, on_load=reports.append) as second:
            second.publish(snapshot("r2", policy("ai/p", "other")))
            await until(lambda: len(reports) == 3)
    assert [each.in_flight["ai/small"] for each in reports] == [1, 2, 3]
    assert {each.replica for each in reports} == {NODE}


async def test_load_reports_are_refreshed_for_an_operator_that_forgot(address: str) -> None:
    reports: list[LoadReport] = []
    following = reporting([address], dict, period=0.01, refresh=0.05)
    async with following, serving(address, on_load=reports.append) as server:
        server.publish(snapshot("r1", policy("ai/p")))
        await until(lambda: len(reports) >= 3)


async def test_it_goes_from_one_operator_to_the_next_until_one_leads_and_follows_when_another_does(
    tmp_path: Path,
) -> None:
    addresses = [f"unix:{tmp_path}/none", f"unix:{tmp_path}/a", f"unix:{tmp_path}/b"]
    kept = snapshot("r1", policy("ai/p"), pool("ai/small"))
    reports: list[tuple[str, LoadReport]] = []
    first = serving(addresses[1], leading=False, on_load=lambda report: reports.append(("a", report)))
    second = serving(addresses[2], leading=True, on_load=lambda report: reports.append(("b", report)))
    async with first as a, second as b, reporting(addresses, dict, period=0.02) as operator:
        a.publish(kept)
        assert (await b.wait(b.publish(kept), PATIENCE)).complete
        await until(lambda: reports)
        b.lead(False)
        a.lead(True)
        assert (await a.wait(a.publish(kept), PATIENCE)).complete
        await until(lambda: reports[-1][0] == "a")
        assert operator.channel is not None
    assert [name for name, _ in reports] == ["b", "a"], "the new leader is told at once, and once"


async def test_the_leader_that_is_gone_is_tried_last(tmp_path: Path) -> None:
    addresses = [f"unix:{tmp_path}/{name}" for name in "abc"]
    operator = Operator(addresses)
    async with operator.connect(addresses[0]) as channel:
        operator.leads(channel)
    assert all([(await operator.targets())[-1] == addresses[0] for _ in range(20)])
    await operator.close()


async def test_a_new_data_plane_starts_from_the_operators_shards_and_is_sent_nothing_again(
    address: str, tmp_path: Path
) -> None:
    kept = snapshot("r1", policy("ai/p"), pool("ai/small"))
    write_shards(tmp_path / "shards", kept)
    plane = Plane()
    sent: list[Any] = []
    async with watching(address, plane=plane, copy=tmp_path / "none", shards=tmp_path / "shards") as watch:
        await until(lambda: watch.revision == "r1")
        async with serving(address, on_sent=lambda _, response: sent.append(response)) as server:
            assert (await server.wait(server.publish(kept), PATIENCE)).complete
    assert [each.revision for each in plane.sets] == ["r1"]
    assert [offer for response in sent for offer in response.offers] == []
    assert (tmp_path / "none").exists(), "what is in force is its own copy from now on"


async def test_its_own_copy_is_preferred_to_the_operators_shards(address: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with serving(address) as server, watching(address, plane=Plane(), copy=copy):
        await server.wait(server.publish(snapshot("own", policy("ai/p"))), PATIENCE)
        await until(copy.exists)
    write_shards(tmp_path / "shards", snapshot("theirs", policy("ai/q")))
    async with watching(address, plane=Plane(), copy=copy, shards=tmp_path / "shards") as watch:
        await until(lambda: watch.revision == "own")


async def test_shards_of_two_sets_are_left_alone_until_they_fit_together(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_shards(tmp_path, snapshot("r1", policy("ai/p")))
    (tmp_path / "shard-1").write_bytes(b"of another set")
    async with watching(address, plane=Plane(), shards=tmp_path) as watch:
        await until(lambda: "the set is being replaced" in caplog.text)
        assert watch.revision is None
        write_shards(tmp_path, snapshot("r1", policy("ai/p")))
        await until(lambda: watch.revision == "r1")


def write_shards(directory: Path, published: Snapshot) -> None:
    directory.mkdir(exist_ok=True)
    for shard in shards(Snapshot({}), published, "forebay"):
        (directory / shard.key).write_bytes(shard.value)


def test_waiting_times_grow_to_a_bound_and_are_jittered() -> None:
    backoff = Backoff(0.1, 5.0)
    waits = [backoff.next() for _ in range(12)]
    assert 0.05 <= waits[0] <= 0.1
    assert all(2.5 <= wait <= 5.0 for wait in waits[-4:])
    backoff.reset()
    assert backoff.next() <= 0.1
