"""From what is known to statuses: each object apart, and nothing remembered of what is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from forebay_api.local import Listener
from forebay_api.status import PolicyStatus, PoolStatus
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.cluster import truth as truth_module
from forebay_operator.cluster.change import Identity
from forebay_operator.cluster.kinds import POLICIES, POOLS
from forebay_operator.cluster.store import Stored
from forebay_operator.cluster.truth import Truth
from forebay_operator.core import Core
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import Inputs
from forebay_operator.publication import Surface
from forebay_operator.scrape.state import PoolStates
from forebay_operator.situation import Situation
from forebay_operator.xds import Kind, XdsServer

from .objects import pool, there

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SURFACE = Surface((Listener(),), DataPlane(("127.0.0.1:1",)))


class Writer:
    """What is wanted, and what the API server shows: the default, until the test says otherwise."""

    def __init__(self, *names: str) -> None:
        self.shown: dict[tuple[str, str], Any] = {(POOLS.plural, name): PoolStatus() for name in names}
        self.wanted: list[tuple[str, Any]] = []

    def stored(self, resource: Any, key: str) -> Any:
        return self.shown.get((resource.plural, key))

    def want(self, resource: Any, key: str, status: Any) -> None:
        self.wanted.append((key, status))


class Bench:
    def __init__(self, *names: str) -> None:
        self.writer = Writer(*(f"ai/{name}" for name in names))
        self.server = XdsServer()
        self.core = Core(self.server)
        self.truth = Truth(self.writer)  # type: ignore[arg-type]
        self.refused: dict[tuple[str, str], Stored] = {}
        self.unjudged: dict[tuple[str, str], Stored] = {}
        self.fault = ""
        self.now = 100.0
        self.publish(*names)

    def publish(self, *names: str) -> None:
        pools = {f"ai/{name}": there(POOLS, pool(name)).value for name in names}
        backends = fixed_backends({name: made.spec for name, made in pools.items()})
        inputs = Inputs(policies={}, pools=pools, backends=backends)
        self.situation = Situation(inputs=inputs, surface=SURFACE, expected={"dataplane/a": Kind.DATA_PLANE})
        self.server.expect(self.situation.expected)
        self.core.reconcile(inputs, SURFACE, {})
        self.truth.note_published(self.core.verdicts, self.server.sequence)

    def tell(self) -> list[str]:
        self.writer.wanted.clear()
        self.truth.tell(
            self.core, self.server, self.situation, PoolStates(), self.refused, {}, self.unjudged,
            fault=self.fault, now=self.now, wall=NOON,
        )  # fmt: skip
        return [name for name, _ in self.writer.wanted]


async def test_every_object_is_told_once_and_again_when_something_has_changed() -> None:
    bench = Bench("a", "b")
    assert bench.tell() == ["ai/a", "ai/b"]
    assert bench.tell() == []
    bench.writer.shown[POOLS.plural, "ai/b"] = PoolStatus(observed_generation=9)
    assert bench.tell() == ["ai/b"], "somebody else has written"


async def test_an_object_that_the_api_server_has_not_shown_yet_waits() -> None:
    bench = Bench("a")
    bench.writer.shown.clear()
    assert bench.tell() == []
    bench.writer.shown[POOLS.plural, "ai/a"] = PoolStatus()
    assert bench.tell() == ["ai/a"]


async def test_a_status_that_cannot_be_worked_out_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench("a", "b")
    right = truth_module.pool_status

    def wrong(verdict: Any, *given: Any, **more: Any) -> Any:
        return 1 // 0 if verdict.name == "ai/a" else right(verdict, *given, **more)

    monkeypatch.setattr(truth_module, "pool_status", wrong)
    assert bench.tell() == ["ai/b"]
    bench.tell()
    assert caplog.text.count("ModelPool ai/a: its status cannot be worked out") == 1


async def test_what_is_gone_is_forgotten() -> None:
    bench = Bench("a", "b")
    bench.tell()
    bench.publish("a")
    bench.tell()
    assert [key for _, key in bench.truth._grounds] == ["ai/a"]


async def test_a_new_leader_tells_everything_anew() -> None:
    bench = Bench("a")
    bench.tell()
    bench.truth.take_over(bench.now)
    assert bench.tell() == ["ai/a"]


@pytest.mark.parametrize(("resource", "shape"), [(POLICIES, PolicyStatus), (POOLS, PoolStatus)])
async def test_an_object_that_cannot_be_taken_at_all_says_why(resource: Any, shape: type[Any]) -> None:
    bench = Bench()
    change = there(POOLS, pool("odd", spec={"backend": {}}, generation=3))
    assert change.refused is not None
    bench.writer.shown[resource.plural, "ai/odd"] = shape()
    bench.refused[resource.plural, "ai/odd"] = Stored(Identity("ai", "odd", "uid"), 3, None, change.refused)
    bench.tell()
    ((_, status),) = bench.writer.wanted
    assert isinstance(status, shape)
    told = {condition.type: condition for condition in status.conditions}
    assert (told["Accepted"].status, told["Accepted"].reason) == ("False", "Invalid")
    assert "is not served" in told["Accepted"].message
    assert told["Stalled"].status == "True"
    assert told["Ready"].status == "False"
    assert {condition.observed_generation for condition in status.conditions} == {3}
    assert msgspec.to_builtins(status)["observedGeneration"] == 3


async def test_while_nothing_can_be_reconciled_objects_that_have_changed_say_so_and_no_other_moves() -> None:
    bench = Bench("changed", "still", "odd")
    bench.tell()
    stands = dict(bench.writer.wanted)
    for name, status in stands.items():
        bench.writer.shown[POOLS.plural, name] = status
    bench.tell()
    identity = Identity("ai", "changed", "uid")
    bench.fault = "ResourceTooLarge: a route table of 20 MiB"
    bench.unjudged = {(POOLS.plural, "ai/changed"): Stored(identity, 2)}
    assert bench.tell() == ["ai/changed"]
    ((_, status),) = bench.writer.wanted
    told = {condition.type: condition for condition in status.conditions}
    assert (status.observed_generation, told["Accepted"].status, told["Accepted"].reason) == (2, "Unknown", "Pending")
    assert "cannot reconcile anything: ResourceTooLarge: a route table of 20 MiB" in told["Accepted"].message
    assert "what was published before stays" in told["Accepted"].message
    assert told["Ready"].status == "False"
    assert "Stalled" not in told, "it may pass without anybody's doing"
    bench.writer.shown[POOLS.plural, "ai/changed"] = status
    bench.fault = "ResourceTooLarge: a route table of 21 MiB"
    assert bench.tell() == [], "once is enough"
    bench.fault, bench.unjudged = "", {}
    assert bench.tell() == ["ai/changed"], "it is as it was judged"
