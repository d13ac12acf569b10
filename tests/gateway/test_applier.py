"""What is written, repaired and taken away, in which order, and what an error holds up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.gateway.aim import Aim, compare
from forebay_operator.cluster.gateway.applier import (
    AGAIN_SECONDS,
    FIRST_SECONDS,
    SHOWN_SECONDS,
    Applier,
    Result,
    body,
)
from forebay_operator.cluster.gateway.batch import FEW, MOST_SECONDS, STILL_SECONDS, Batch
from forebay_operator.cluster.gateway.leaving import MOST_OVER_SECONDS, OVER_SECONDS, PASSED_SECONDS
from forebay_operator.gateway.comparison import is_as_wanted, sealed
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Plan
from forebay_operator.gateway.naming import BESIDE, INSTALLATION, ROUTE
from forebay_operator.gateway.objects import Stored
from forebay_operator.gateway.unmatched import unmatched

from .builders import meta

EVERYBODY = frozenset({"ai/p"})


class AGateway:
    """An adapter to one that has taken everything, but for the named objects."""

    def __init__(self) -> None:
        self.silent: set[str] = set()

    def is_written(self, made: Generated, stored: Stored) -> bool:
        return is_as_wanted(made, stored)

    def taken(self, stored: Stored) -> bool:
        return stored.metadata.name not in self.silent

    def heard(self, stored: Stored) -> bool:
        return stored.metadata.name not in self.silent


class Written:
    """An API server that remembers what it was asked, and `specs` by name; `broken` are names whose writes raise."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.specs: dict[str, Mapping[str, Any]] = {}
        self.broken: dict[str, Exception] = {}

    async def apply(self, path: str, made: Mapping[str, Any], *, manager: str) -> Any:
        name = made["metadata"]["name"]
        self.calls.append(f"apply {name}")
        self.specs[name] = made["spec"]
        if name in self.broken:
            raise self.broken[name]
        return {}

    async def delete(self, path: str, *, uid: str) -> Any:
        name = path.rpartition("/")[2]
        self.calls.append(f"delete {name}")
        if name in self.broken:
            raise self.broken[name]
        return {}


class World:
    """An applier with a clock of its own."""

    def __init__(self) -> None:
        self.api = Written()
        self.gateway = AGateway()
        self.now = 1000.0
        self.repaired: list[str] = []
        self.results: list[tuple[str, Result]] = []
        self.applier = Applier(
            self.api,  # type: ignore[arg-type]
            on_repaired=lambda made, how: self.repaired.append(f"{made.name} {how}"),
            on_result=lambda plural, result: self.results.append((plural, result)),
            clock=lambda: self.now,
        )

    def round(
        self,
        *made: Generated,
        stored: Mapping[str, Mapping[str, Stored]] = {},
        asked: frozenset[str] = EVERYBODY,
        taken: frozenset[str] = EVERYBODY,
    ) -> list[str]:
        """What was asked of the API server in one round."""
        facts = GatewayFacts(routes=stored.get("httproutes", {}), kinds=stored)
        self.applier.aim(Aim(compare(Plan(made), facts, "i", self.gateway), asked, taken))
        before = len(self.api.calls)
        asyncio.run(self._round())
        return self.api.calls[before:]

    async def _round(self) -> None:
        self.again = await self.applier.round()


def an_object(name: str, stage: int, plural: str = "backends", **labels: str) -> Generated:
    named = {INSTALLATION: "i", **labels}
    return sealed(Generated(plural, "ai", name, {"a": 1}, named, None, stage, ("ai/p",)))


def a_stored(made: Generated, **spec: Any) -> Stored:
    metadata = body(made)["metadata"]
    own = meta(made.name, labels=made.labels, annotations=metadata["annotations"], uid="u")
    return Stored(metadata=own, spec={**made.spec, **spec})


def an_http_route(name: str, **labels: str) -> Generated:
    """One of ours, to a pool."""
    header = {"type": "Exact", "name": "x-forebay-cluster", "value": "pool/ai/small"}
    spec = {"a": 1, "rules": [{"matches": [{"headers": [header]}], "backendRefs": [{"name": "small"}]}]}
    return sealed(Generated("httproutes", "ai", name, spec, {INSTALLATION: "i", **labels}, None, 1, ("ai/p",)))


def passed(made: Generated) -> Stored:
    """As it is stored once it lets requests pass."""
    left = unmatched("httproutes", a_stored(made))
    assert left is not None
    return a_stored(left)


ROUTES = an_http_route("route", **{ROUTE: "r"})
SHOWS = an_object("shows", 2, "envoyextensionpolicies")


def test_what_is_relied_on_is_written_first_and_what_is_there_is_left_alone() -> None:
    world = World()

    assert world.round(an_object("b", 0), ROUTES, SHOWS) == ["apply b", "apply route", "apply shows"]

    there = {
        "backends": {"ai/b": a_stored(an_object("b", 0))},
        "httproutes": {"ai/route": a_stored(ROUTES)},
        "envoyextensionpolicies": {"ai/shows": a_stored(SHOWS)},
    }
    assert world.round(an_object("b", 0), ROUTES, SHOWS, stored=there) == []
    assert world.again is None, "nothing is waited for"


def test_requests_are_shown_to_data_planes_only_when_all_is_ready_for_them() -> None:
    world = World()

    assert world.round(ROUTES, SHOWS, asked=frozenset()) == ["apply route"]


def test_what_is_changed_by_hand_is_applied_again_and_told() -> None:
    world = World()

    assert world.round(ROUTES, stored={"httproutes": {"ai/route": a_stored(ROUTES, a=2)}}) == ["apply route"]
    assert world.repaired == ["route was changed by somebody and is as it was"]


def test_what_is_deleted_by_hand_is_there_again_and_told() -> None:
    world = World()
    world.round(ROUTES)
    world.round(ROUTES, stored={"httproutes": {"ai/route": a_stored(ROUTES)}})
    assert world.round(ROUTES) == [], "the API server may be behind"

    world.now += SHOWN_SECONDS

    assert world.round(ROUTES) == ["apply route"]
    assert world.repaired == ["route was deleted by somebody and is there again"]


def test_what_was_never_shown_is_asked_for_again_later_and_nobody_is_blamed() -> None:
    world = World()
    world.round(ROUTES)
    world.now += SHOWN_SECONDS
    assert world.round(ROUTES) == []

    world.now += FIRST_SECONDS

    assert world.round(ROUTES) == ["apply route"]
    assert world.repaired == []


def test_an_error_of_our_own_holds_up_nothing_else_and_is_tried_again_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.api.broken["b"] = KeyError("oh")

    assert world.round(an_object("a", 0), an_object("b", 0), an_object("c", 0)) == ["apply a", "apply b", "apply c"]

    assert world.results.count(("backends", "written")) == 2
    assert ("backends", "failed") in world.results
    assert "KeyError" in world.applier.failures["backends ai/b"]
    assert "Traceback" in caplog.text
    assert world.again is not None
    world.now += AGAIN_SECONDS
    del world.api.broken["b"]
    assert "apply b" in world.round(an_object("b", 0))
    assert world.applier.failures == {}


def test_what_the_api_server_refuses_is_told_and_holds_up_only_what_relies_on_it() -> None:
    world = World()
    world.api.broken["b"] = ApiError(403, "Forbidden", "no")

    assert world.round(an_object("a", 0), an_object("b", 0), ROUTES) == ["apply a", "apply b"]

    assert "403 Forbidden" in world.applier.failures["backends ai/b"]


async def test_a_round_that_fails_as_a_whole_is_logged_counted_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("forebay_operator.cluster.gateway.applier.AGAIN_SECONDS", 0.01)
    world = World()
    world.applier.aim(Aim(None, EVERYBODY, EVERYBODY))  # type: ignore[arg-type]
    running = asyncio.create_task(world.applier.run())
    try:
        await until(lambda: world.results.count(("", "failed")) >= 2)
        assert "Traceback" in caplog.text
        world.applier.aim(Aim(compare(Plan((ROUTES,)), GatewayFacts(), "i", AGateway()), EVERYBODY, EVERYBODY))
        await until(lambda: "apply route" in world.api.calls)
    finally:
        running.cancel()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_what_shows_requests_goes_first_and_what_they_need_later() -> None:
    world = World()
    there = {
        "httproutes": {"ai/route": a_stored(ROUTES)},
        "envoyextensionpolicies": {"ai/shows": a_stored(SHOWS)},
    }

    assert world.round(stored=there) == ["delete shows"]

    world.now += OVER_SECONDS
    assert world.round(stored={"httproutes": there["httproutes"]}) == ["delete route"]


def test_a_route_stays_until_the_one_in_its_stead_is_served_and_then_lets_requests_pass_to_that() -> None:
    world = World()
    new = an_http_route("new", **{ROUTE: "r"})
    both = {"httproutes": {"ai/route": a_stored(ROUTES), "ai/new": a_stored(new)}}

    assert world.round(new, stored=both, taken=frozenset()) == []
    world.now += OVER_SECONDS + SHOWN_SECONDS
    assert world.round(new, stored=both, taken=frozenset()) == []
    assert world.round(new, stored=both) == ["apply route"]
    assert world.repaired == []


def test_a_route_that_lets_requests_pass_goes_when_those_that_began_before_are_decided() -> None:
    world = World()
    new = an_http_route("new", **{ROUTE: "r"})
    both = {"httproutes": {"ai/route": passed(ROUTES), "ai/new": a_stored(new)}}
    world.gateway.silent.add("route")

    assert world.round(new, stored=both) == []
    world.now += PASSED_SECONDS
    assert world.round(new, stored=both) == [], "the gateway has not heard of it"
    world.gateway.silent.clear()
    assert world.round(new, stored=both) == [], "its proxies may not know yet"
    world.now += PASSED_SECONDS
    assert world.round(new, stored=both) == ["delete route"]


def test_a_route_that_is_wanted_again_takes_its_requests_back() -> None:
    world = World()
    new = an_http_route("new", **{ROUTE: "r"})
    both = {"httproutes": {"ai/route": passed(ROUTES), "ai/new": a_stored(new)}}
    world.round(new, stored=both)
    world.now += PASSED_SECONDS

    assert world.round(new, ROUTES, stored=both) == ["apply route"]
    assert world.repaired == []


def test_a_route_whose_requests_go_to_another_policy_stays_until_after_that_ones_is_served() -> None:
    world = World()
    theirs = an_http_route("theirs", **{ROUTE: "q of r", BESIDE: "r"})
    mine = an_http_route("mine", **{ROUTE: "p of r", BESIDE: "r"})
    both = {"httproutes": {"ai/mine": a_stored(mine), "ai/theirs": a_stored(theirs)}}

    assert world.round(theirs, stored=both, taken=frozenset()) == []
    world.now += OVER_SECONDS + SHOWN_SECONDS
    assert world.round(theirs, stored=both, taken=frozenset()) == []
    assert world.round(theirs, stored=both) == [], "something may have been decided a moment ago"
    world.now += OVER_SECONDS
    assert world.round(theirs, stored=both) == ["apply mine"]
    both["httproutes"]["ai/mine"] = passed(mine)
    assert world.round(theirs, stored=both) == []
    world.now += PASSED_SECONDS
    assert world.round(theirs, stored=both) == ["delete mine"]


def test_a_route_does_not_stay_for_ever_for_a_gateway_that_says_nothing() -> None:
    world = World()
    new = an_http_route("new", **{ROUTE: "r"})
    both = {"httproutes": {"ai/route": a_stored(ROUTES), "ai/new": a_stored(new)}}
    world.gateway.silent |= {"route", "new"}
    world.round(new, stored=both, taken=frozenset())

    world.now += MOST_OVER_SECONDS
    assert world.round(new, stored=both, taken=frozenset()) == ["apply route"]
    both["httproutes"]["ai/route"] = passed(ROUTES)
    world.round(new, stored=both, taken=frozenset())
    world.now += MOST_OVER_SECONDS
    assert world.round(new, stored=both, taken=frozenset()) == ["delete route"]


def test_a_route_that_cannot_be_told_to_let_requests_pass_does_not_stay_for_ever() -> None:
    world = World()
    new = an_http_route("new", **{ROUTE: "r"})
    both = {"httproutes": {"ai/route": a_stored(ROUTES), "ai/new": a_stored(new)}}
    world.api.broken["route"] = RuntimeError("a bug")
    world.round(new, stored=both)

    world.now += 2 * MOST_OVER_SECONDS

    assert "delete route" in world.round(new, stored=both)


def test_another_routes_deletion_waits_for_nobody() -> None:
    world = World()
    other = an_http_route("other", **{ROUTE: "another"})
    there = {"httproutes": {"ai/route": a_stored(ROUTES), "ai/other": a_stored(other)}}
    world.round(other, stored=there, taken=frozenset())

    world.now += OVER_SECONDS

    assert world.round(other, stored=there, taken=frozenset()) == ["delete route"]


def test_a_few_writes_never_wait() -> None:
    assert Batch().hold(FEW, more=True, now=0.0) == 0


def test_many_writes_wait_until_no_more_come_and_then_go_together() -> None:
    batch = Batch()
    growing = [batch.hold(FEW + number, more=True, now=number * STILL_SECONDS / 2) for number in (1, 2, 3)]
    assert all(wait == STILL_SECONDS for wait in growing)

    assert batch.hold(FEW + 3, more=True, now=3 * STILL_SECONDS / 2 + STILL_SECONDS) == 0


def test_many_writes_do_not_wait_for_ever() -> None:
    batch = Batch()
    times = [number * STILL_SECONDS / 2 for number in range(30)]
    waits = [batch.hold(FEW + 1 + number, more=True, now=now) for number, now in enumerate(times)]

    assert times[waits.index(0)] == MOST_SECONDS


def test_many_writes_go_at_once_where_no_more_may_come() -> None:
    assert Batch().hold(1000, more=False, now=0.0) == 0


def test_a_round_that_holds_many_writes_and_waits_for_nothing_else_comes_back_when_they_are_due() -> None:
    world = World()
    many = [an_object(f"b{number}", 0) for number in range(FEW + 1)]

    assert world.round(*many) == []
    assert world.again == STILL_SECONDS

    world.now += STILL_SECONDS
    assert len(world.round(*many)) == FEW + 1
