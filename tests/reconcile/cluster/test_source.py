"""When a picture is told: first whole, then soon after a change, and seldom in a storm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from forebay_operator.cluster import burst
from forebay_operator.cluster import source as source_module
from forebay_operator.cluster.connection import ApiError, Login
from forebay_operator.cluster.kinds import (
    GRANTS,
    HTTP_ROUTES,
    POLICIES,
    POLICY_DATA,
    POOLS,
    SECRETS,
    SERVICES,
    Resource,
)
from forebay_operator.cluster.source import ClusterSource
from forebay_operator.cluster.store import Picture
from forebay_operator.options import ClusterOptions

from .objects import config_map, gone, pool, secret, service, there

Listing = list[tuple[str, str, str]]


class ScriptedApi:
    """What it lists by path; `served` are the plurals of optional kinds that it has."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self.refused: dict[str, int] = {}
        self.served: set[str] = set()
        self.asked: list[tuple[str, Mapping[str, str]]] = []

    async def names(self, path: str, query: Mapping[str, str]) -> AsyncIterator[tuple[str, str, str]]:
        self.asked.append((path, query))
        if path in self.refused:
            raise ApiError(self.refused[path], "no", "no")
        for entry in self.listings.get(path, []):
            yield entry

    async def get(self, path: str) -> Any:
        if not self.served:
            raise ApiError(404, "NotFound", path)
        return {"resources": [{"name": plural} for plural in self.served]}


class NoFollower:
    """Follows nothing: the test tells the source what has happened."""

    scopes: ClassVar[list[tuple[Any, tuple[str, ...]]]] = []

    def __init__(self, resources: Any, namespaces: Any, *_: Any) -> None:
        self.resources = resources
        self.scopes.append((resources, tuple(namespaces)))

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "Follower", NoFollower)
    monkeypatch.setattr(source_module, "START_POLL_SECONDS", 0.01)
    monkeypatch.setattr(source_module, "SWEEP_AFTER_SECONDS", 0.02)


@pytest.fixture
def api() -> ScriptedApi:
    return ScriptedApi()


def make(api: ScriptedApi, **options: Any) -> ClusterSource:
    return ClusterSource(ClusterOptions(namespace="forebay", **options), Login(Path("none")), api)  # type: ignore[arg-type]


class Pictures:
    """Those told so far, with their times."""

    def __init__(self) -> None:
        self.all: list[tuple[float, Picture]] = []
        self._more = asyncio.Condition()

    async def add(self, picture: Picture) -> None:
        async with self._more:
            self.all.append((time.monotonic(), picture))
            self._more.notify_all()

    async def wait(self, count: int) -> Picture:
        return await self.wait_for(lambda _: len(self.all) >= count)

    async def wait_for(self, true: Callable[[Picture], bool]) -> Picture:
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: bool(self.all) and true(self.all[-1][1]))
            return self.all[-1][1]


@asynccontextmanager
async def following(source: ClusterSource) -> AsyncIterator[Pictures]:
    pictures = Pictures()

    async def follow() -> None:
        async with aclosing(source.pictures()) as told:
            async for picture in told:
                await pictures.add(picture)

    running = asyncio.create_task(follow())
    try:
        yield pictures
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_nothing_is_told_before_everything_that_is_listed_has_arrived(api: ScriptedApi) -> None:
    api.listings[POOLS.path()] = [("ai", "a", "uid-a"), ("ai", "b", "uid-b")]
    source = make(api)
    async with following(source) as pictures:
        source._hand_over(there(POOLS, pool("a")))
        await asyncio.sleep(0.1)
        assert pictures.all == []
        assert not source.complete
        source._hand_over(there(POOLS, pool("b")))
        assert set((await pictures.wait(1)).pools) == {"ai/a", "ai/b"}
        assert source.complete


async def test_what_is_deleted_meanwhile_is_not_waited_for(api: ScriptedApi) -> None:
    api.listings[POOLS.path()] = [("ai", "a", "uid-a")]
    source = make(api)
    async with following(source) as pictures:
        await asyncio.sleep(0.05)
        api.listings[POOLS.path()] = []
        assert (await pictures.wait(1)).pools == {}


@pytest.mark.parametrize("code", [403, 404])
async def test_an_optional_kind_that_cannot_be_listed_is_not_waited_for(api: ScriptedApi, code: int) -> None:
    api.served = {GRANTS.plural}
    api.refused = {GRANTS.path(): code, SECRETS.path("ai"): code}
    async with following(make(api, credential_namespaces=("ai",))) as pictures:
        await pictures.wait(1)


@pytest.mark.parametrize("code", [403, 404])
async def test_a_namespace_whose_secrets_may_not_be_read_keeps_no_other_from_being_waited_for_and_swept(
    api: ScriptedApi, code: int
) -> None:
    NoFollower.scopes.clear()
    api.refused = {SECRETS.path("shut"): code}
    api.listings[SECRETS.path("ai")] = [("ai", "keys", "uid-keys")]
    source = make(api, credential_namespaces=("shut", "ai"))
    async with following(source) as pictures:
        await asyncio.sleep(0.1)
        assert pictures.all == [], "the Secret of the other namespace is still to come"
        source._hand_over(there(SECRETS, secret("keys", "eA==")))
        first = await pictures.wait(1)
        assert set(first.secrets) == {"ai/keys"}
        assert first.locked == {"shut"}
        api.listings[SECRETS.path("ai")] = [("ai", "other", "uid-other")]
        source._hand_over(there(SECRETS, secret("other", "eA=="), listed=True))
        await pictures.wait_for(lambda picture: set(picture.secrets) == {"ai/other"})
    assert [scope for resources, scope in NoFollower.scopes if SECRETS in resources] == [("shut",), ("ai",)]


async def test_a_namespace_that_is_opened_later_is_noticed_and_what_was_read_before_it_was_shut_stays(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "DISCOVER_EVERY_SECONDS", 0.05)
    api.listings[SECRETS.path("ai")] = [("ai", "keys", "uid-keys")]
    source = make(api, credential_namespaces=("ai",))
    async with following(source) as pictures:
        source._hand_over(there(SECRETS, secret("keys", "eA==")))
        await pictures.wait(1)
        api.refused = {SECRETS.path("ai"): 403}
        assert set((await pictures.wait_for(lambda picture: picture.locked == {"ai"})).secrets) == {"ai/keys"}
        source._to_sweep.add(SECRETS)
        await asyncio.sleep(0.1)
        api.refused = {}
        assert set((await pictures.wait_for(lambda picture: not picture.locked)).secrets) == {"ai/keys"}


async def test_a_picture_waits_until_the_burst_is_due_and_says_how_long_its_first_change_waited(
    api: ScriptedApi,
) -> None:
    waited: list[float] = []
    source = make(api)
    source._on_gathered = waited.append
    async with following(source) as pictures:
        await pictures.wait(1)
        for number in range(5):
            source._hand_over(there(POOLS, pool("a", 8000 + number)))
            await pictures.wait(number + 2)
    assert len(waited) == 5
    assert all(seconds >= burst.QUIET_SECONDS for seconds in waited)


async def test_a_storm_makes_few_pictures_and_the_last_one_has_it_all(api: ScriptedApi) -> None:
    source = make(api)
    async with following(source) as pictures:
        await pictures.wait(1)
        for number in range(200):
            source._hand_over(there(SERVICES, service(f"s-{number}")))
        await pictures.wait_for(lambda picture: len(picture.facts.services) == 200)
        assert len(pictures.all) == 2


async def test_a_status_is_heard_of_and_makes_no_picture(api: ScriptedApi) -> None:
    heard = []
    source = make(api)
    source._on_stored = heard.append
    async with following(source) as pictures:
        await pictures.wait(1)
        source._hand_over(there(POOLS, pool("a")))
        await pictures.wait(2)
        source._hand_over(there(POOLS, {**pool("a"), "status": {"observedGeneration": 1}}))
        await asyncio.sleep(0.15)
        assert len(pictures.all) == 2
        assert [change.status for change in heard] == [None, {"observedGeneration": 1}]


async def test_a_deletion_that_a_watch_has_missed_is_found_after_its_new_listing(api: ScriptedApi) -> None:
    source = make(api)
    async with following(source) as pictures:
        await pictures.wait(1)
        source._hand_over(there(POOLS, pool("a")))
        source._hand_over(there(POOLS, pool("b")))
        await pictures.wait(2)
        # The watch ends and begins again with a listing; `b` went in between.
        api.listings[POOLS.path()] = [("ai", "a", "uid-a")]
        source._hand_over(there(POOLS, pool("a"), listed=True))
        assert set((await pictures.wait(3)).pools) == {"ai/a"}


async def test_a_sweep_that_fails_deletes_nothing_and_comes_again(api: ScriptedApi) -> None:
    source = make(api)
    async with following(source) as pictures:
        await pictures.wait(1)
        source._hand_over(there(POOLS, pool("b")))
        await pictures.wait(2)
        api.refused[POOLS.path()] = 500
        source._hand_over(there(POOLS, pool("b"), listed=True))
        await asyncio.sleep(0.15)
        assert len(pictures.all) == 2
        del api.refused[POOLS.path()]
        assert (await pictures.wait(3)).pools == {}


async def test_a_kind_whose_definition_is_removed_is_forgotten(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "DISCOVER_EVERY_SECONDS", 0.05)
    api.served = {GRANTS.plural}
    source = make(api)
    async with following(source) as pictures:
        await pictures.wait(1)
        grant = {"metadata": pool("g")["metadata"], "spec": {"from": [], "to": []}}
        source._hand_over(there(GRANTS, grant))
        assert set((await pictures.wait(2)).facts.grants) == {"ai/g"}
        api.served = set()
        assert (await pictures.wait(3)).facts.grants == {}


@pytest.mark.parametrize(
    ("resource", "wanted"), [(POLICIES, ["team"]), (SERVICES, ["team", "forebay"]), (SECRETS, ["keys"])]
)
async def test_only_the_namespaces_that_are_watched_are_asked_for(
    api: ScriptedApi, resource: Resource, wanted: list[str]
) -> None:
    source = make(api, watched=("team",), credential_namespaces=("keys",))
    async with following(source) as pictures:
        await pictures.wait(1)
    paths = {path for path, _ in api.asked}
    assert {path for path in paths if path.endswith(resource.plural)} == {resource.path(name) for name in wanted}
    assert all(query == {"labelSelector": "forebay.dev/credential"} for path, query in api.asked if "secrets" in path)


async def test_what_may_not_be_read_at_the_start_is_named_once(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(source_module, "REFUSED_POLL_SECONDS", 0.01)
    api.refused[SERVICES.path()] = 403
    source = make(api)
    async with following(source) as pictures:
        await asyncio.sleep(0.2)
        assert pictures.all == []
        assert source.lacks.startswith("services: 403 no")
        assert caplog.text.count("waiting for the API server: services") == 1
        del api.refused[SERVICES.path()]
        await pictures.wait(1)
    assert source.lacks == ""


async def test_what_is_waited_for_is_what_is_followed(api: ScriptedApi) -> None:
    """A route in the operator's own namespace, which is not watched, would be waited for without end."""
    api.served = {"gatewayclasses", "gateways", "httproutes"}
    api.listings[HTTP_ROUTES.path("forebay")] = [("forebay", "dashboards", "uid-dashboards")]
    NoFollower.scopes.clear()

    async with following(make(api, watched=("team",), gateway_api=True)) as pictures:
        await pictures.wait(1)

    asked = {path for path, _ in api.asked}
    for resources, namespaces in NoFollower.scopes:
        for resource in resources:
            assert {path for path in asked if path.endswith(f"/{resource.plural}")} == {
                resource.path(namespace) for namespace in namespaces or (None,)
            }


async def test_config_maps_are_asked_for_by_label_and_only_if_they_are_wanted(api: ScriptedApi) -> None:
    async with following(make(api, watched=("team",))) as pictures:
        await pictures.wait(1)
    assert not any("configmaps" in path for path, _ in api.asked)
    async with following(make(api, watched=("team",), config_maps=True)) as pictures:
        await pictures.wait(1)
    asked = [(path, query) for path, query in api.asked if "configmaps" in path]
    assert {path for path, _ in asked} == {POLICY_DATA.path("team")}
    assert all(query == {"labelSelector": "forebay.dev/policy-data"} for _, query in asked)


async def test_nothing_is_told_before_it_is_known_whether_config_maps_may_be_read(api: ScriptedApi) -> None:
    api.refused[POLICY_DATA.path()] = 500
    async with following(make(api, config_maps=True)) as pictures:
        await asyncio.sleep(0.1)
        assert pictures.all == []
        api.refused[POLICY_DATA.path()] = 403
        assert (await pictures.wait(1)).barred == {""}


async def test_where_config_maps_may_not_be_read_is_told_and_the_others_are_waited_for(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "DISCOVER_EVERY_SECONDS", 0.05)
    api.refused[POLICY_DATA.path("closed")] = 403
    api.listings[POLICY_DATA.path("ai")] = [("ai", "words", "uid-words")]
    source = make(api, watched=("closed", "ai"), config_maps=True)
    async with following(source) as pictures:
        await asyncio.sleep(0.1)
        assert pictures.all == []
        source._hand_over(there(POLICY_DATA, config_map("words", urgent="now")))
        picture = await pictures.wait(1)
        assert (set(picture.config_maps), picture.barred) == ({"ai/words"}, {"closed"})
        api.refused[POLICY_DATA.path("closed")] = 500
        await asyncio.sleep(0.15)
        assert len(pictures.all) == 1
        del api.refused[POLICY_DATA.path("closed")]
        assert (await pictures.wait_for(lambda picture: not picture.barred)).barred == frozenset()


async def test_a_deletion_of_what_is_not_known_makes_no_picture(api: ScriptedApi) -> None:
    source = make(api)
    async with following(source) as pictures:
        await pictures.wait(1)
        source._hand_over(gone(POOLS, pool("never")))
        await asyncio.sleep(0.1)
        assert len(pictures.all) == 1
