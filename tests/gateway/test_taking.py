"""From which moment on a policy's requests may be shown to data planes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from forebay_operator.cluster.gateway.aim import Comparison, compare
from forebay_operator.cluster.gateway.applier import body
from forebay_operator.cluster.gateway.attachments import SHOW_SECONDS, Attachments
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.implementation import Wanted
from forebay_operator.gateway.objects import ParentRef, ParentStatus, Said, Standing, Stored
from forebay_operator.gateway.transition import SETTLE_SECONDS

from .builders import OURS, a_gateway, a_policy, a_route, meta, route_target
from .test_routes import wanted

P = frozenset({"ai/p"})


class World:
    """A policy's HTTPRoute, stored as it should be, and what Envoy Gateway says of it."""

    def __init__(self) -> None:
        self.pending: set[str] = set()
        self.adapter = EnvoyGateway()
        self.keeping = Attachments(None, self.adapter, on_told=lambda: None, post=lambda _: None)  # type: ignore[arg-type]
        self.need: Wanted = wanted(a_gateway(), a_route(), p=a_policy("p", route_target()))
        self.plan = self.adapter.plan(self.need)
        (self.route,) = (made for made in self.plan.objects if made.plural == "httproutes")

    def comparison(self, said: Said | None, **spec: Any) -> Comparison:
        parents = (
            ()
            if said is None
            else (ParentStatus(parent_ref=ParentRef(name="web"), controller_name=OURS, conditions=(said,)),)
        )
        annotations = body(self.route)["metadata"]["annotations"]
        own = meta(self.route.name, labels=self.route.labels, annotations=annotations, generation=2)
        stored = Stored(metadata=own, spec={**self.route.spec, **spec}, status=Standing(parents=parents))
        facts = msgspec.structs.replace(self.need.facts, routes={**self.need.facts.routes, self.route.key: stored})
        return compare(self.plan, facts, "i", self.adapter)

    def taken(self, comparison: Comparison, at: float, monkeypatch: pytest.MonkeyPatch) -> frozenset[str]:
        return self.shown_and_taken(comparison, at, monkeypatch)[1]

    def shown_and_taken(
        self, comparison: Comparison, at: float, monkeypatch: pytest.MonkeyPatch
    ) -> tuple[frozenset[str], frozenset[str]]:
        monkeypatch.setattr("forebay_operator.cluster.gateway.attachments.time", SimpleNamespace(monotonic=lambda: at))

        async def look() -> tuple[frozenset[str], frozenset[str]]:
            return self.keeping._taken(self.need, comparison, self.pending)

        return asyncio.run(look())


def accepted(generation: int = 2, status: str = "True") -> Said:
    return Said(type="Accepted", status=status, observed_generation=generation)


def test_a_policy_is_taken_when_its_routes_have_been_accepted_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    well = world.comparison(accepted())

    assert world.taken(well, 100.0, monkeypatch) == frozenset()
    assert world.taken(well, 100.0 + SETTLE_SECONDS, monkeypatch) == P


def test_requests_may_be_shown_before_former_routes_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    well = world.comparison(accepted())

    assert world.shown_and_taken(well, 100.0, monkeypatch) == (frozenset(), frozenset())
    assert world.shown_and_taken(well, 100.0 + SHOW_SECONDS, monkeypatch) == (P, frozenset())


@pytest.mark.parametrize("said", [None, accepted(generation=1), accepted(status="False")])
def test_routes_that_are_not_accepted_as_they_are_now_are_not_taken(
    said: Said | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    bad = world.comparison(said)

    assert [world.taken(bad, at, monkeypatch) for at in (100.0, 200.0)] == [frozenset(), frozenset()]


def test_a_route_that_is_not_as_it_should_be_is_not_taken_whatever_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    other = world.comparison(accepted(), rules=[])

    assert [world.taken(other, at, monkeypatch) for at in (100.0, 200.0)] == [frozenset(), frozenset()]


def test_a_route_that_changes_is_waited_for_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    well, changed = world.comparison(accepted()), world.comparison(accepted(generation=1))
    world.taken(well, 100.0, monkeypatch)
    world.taken(changed, 101.0, monkeypatch)

    assert world.taken(well, 100.0 + SETTLE_SECONDS, monkeypatch) == frozenset()


def test_what_waits_for_data_planes_is_shown_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    well = world.comparison(accepted())
    world.pending = set(P)
    assert world.shown_and_taken(well, 100.0, monkeypatch) == (frozenset(), frozenset())
    assert world.shown_and_taken(well, 200.0, monkeypatch) == (frozenset(), frozenset())
    world.pending = set()
    world.shown_and_taken(well, 201.0, monkeypatch)

    assert world.shown_and_taken(well, 201.0 + SHOW_SECONDS, monkeypatch) == (P, frozenset())
