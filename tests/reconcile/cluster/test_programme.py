"""How far each object has come: by publications, with patience for those who come later."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_api.policy import Default
from forebay_api.wire import PlacedSpec
from forebay_operator.telling.programme import GRACE_SECONDS, TAKEOVER_SECONDS, Programme
from forebay_operator.telling.progress import Rollout, state_programmed
from forebay_operator.xds.acknowledgements import Kind, Rejection


class Spec(msgspec.Struct, frozen=True):
    value: int


A, B, ENVOY = "dataplane/a", "dataplane/b", "envoy/e"
EXPECTED = {A: Kind.DATA_PLANE, B: Kind.DATA_PLANE, ENVOY: Kind.ENVOY}


class Bench:
    """A programme, and replicas that have acknowledged publications up to a number."""

    def __init__(self) -> None:
        self.programme = Programme()
        self.had: dict[str, int] = {}
        self.expected = dict(EXPECTED)
        self.ready = set(EXPECTED)
        self.rejections: list[Rejection] = []
        self.now = 100.0

    def publish(self, sequence: int, reached: Any = lambda *_: False, **values: int) -> None:
        self.programme.note({name: Spec(value) for name, value in values.items()}, sequence, reached)

    def acknowledge(self, sequence: int, *who: str) -> None:
        for replica in who or self.expected:
            self.had[replica] = sequence

    def look(self, name: str = "x") -> Rollout:
        found = self.programme.rollouts(
            [name],
            lambda sequence: frozenset(who for who in self.expected if self.had.get(who, 0) < sequence),
            self.rejections,
            self.expected,
            frozenset(self.ready),
            self.now,
        )
        return found[name]

    def missing(self, name: str = "x") -> tuple[str, ...]:
        return self.look(name).acknowledgements.missing


def test_an_object_is_complete_when_all_have_the_publication_that_brought_it() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    bench.acknowledge(1, A, ENVOY)
    assert bench.missing() == (B,)
    bench.acknowledge(1)
    assert bench.missing() == ()


PLACED = PlacedSpec(strategies=[], default=Default(use="x"))


def test_our_own_envoys_are_not_waited_for_where_somebody_elses_carry_the_requests() -> None:
    bench = Bench()
    bench.programme.note({"x": Spec(1), "placed": PLACED}, 1, lambda *_: False)
    bench.acknowledge(1, A)
    assert bench.missing("placed") == (B,)
    bench.acknowledge(1, A, B)
    told = bench.look("placed")
    assert told.acknowledgements.complete
    assert state_programmed(told).message.startswith("2 of 2 data planes acknowledged revision")
    assert bench.missing("x") == (ENVOY,)


def test_nor_is_their_refusal_or_their_lateness_said_of_it() -> None:
    bench = Bench()
    bench.programme.note({"placed": PLACED}, 1, lambda *_: False)
    bench.acknowledge(1, A, B)
    bench.rejections.append(Rejection(ENVOY, "type.googleapis.com/x.Listener", "public", "1", "no such filter"))
    assert bench.look("placed").acknowledgements.rejected == {}
    bench.now += GRACE_SECONDS + 1
    assert bench.look("placed").acknowledgements.complete


def test_without_a_data_plane_nobody_decides_although_our_own_envoys_have_everything() -> None:
    bench = Bench()
    bench.expected = {ENVOY: Kind.ENVOY}
    bench.programme.note({"placed": PLACED}, 1, lambda *_: False)
    bench.acknowledge(1, ENVOY)
    assert state_programmed(bench.look("placed")).reason == "NoDataPlane"


def test_what_others_become_says_nothing_of_an_object() -> None:
    bench = Bench()
    bench.publish(1, x=1, y=1)
    bench.acknowledge(1)
    before = bench.look()
    bench.publish(2, x=1, y=2)
    assert bench.look() is before, "the very same value: nothing to write"
    assert bench.missing("y") == (A, B, ENVOY)


def test_a_later_publication_holds_the_earlier_ones() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    bench.publish(2, x=1, y=1)
    bench.acknowledge(2)
    assert bench.missing() == ()


def test_a_replica_that_comes_later_is_not_missed_while_it_takes_no_requests() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    bench.acknowledge(1)
    assert bench.missing() == ()
    bench.expected |= {"dataplane/c": Kind.DATA_PLANE}
    bench.now += 100 * GRACE_SECONDS
    assert bench.missing() == ()


def test_one_that_takes_requests_is_missed_after_the_grace_and_no_longer_once_it_has_it() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    bench.acknowledge(1)
    bench.look()
    bench.had[A] = 0  # it reconnects
    assert bench.missing() == ()
    bench.now += GRACE_SECONDS - 0.1
    assert bench.missing() == ()
    bench.now += 0.2
    assert bench.missing() == (A,)
    bench.acknowledge(1)
    assert bench.missing() == ()
    bench.had[A] = 0
    assert bench.missing() == (), "the grace begins anew"


def test_a_new_leader_gives_replicas_time_to_find_it() -> None:
    bench = Bench()
    bench.programme.take_over(bench.now)
    bench.publish(1, reached=lambda *_: True, x=1)
    assert bench.missing() == ()
    bench.now += TAKEOVER_SECONDS - 0.1
    assert bench.missing() == ()
    bench.now += 0.2
    assert bench.missing() == (A, B, ENVOY)


def test_what_the_stored_status_says_of_another_version_does_not_count() -> None:
    bench = Bench()
    asked = []

    def reached(name: str, version: str) -> bool:
        asked.append((name, version))
        return False

    bench.publish(1, reached=reached, x=1)
    assert asked == [("x", bench.programme.version("x"))]
    assert bench.missing() == (A, B, ENVOY)
    bench.publish(2, reached=reached, x=2)
    assert len(asked) == 1, "only a new leader asks what stood there before"


def test_a_refusal_is_told_of_those_objects_alone_that_the_replica_does_not_have() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    bench.acknowledge(1)
    bench.look()
    bench.publish(2, x=1, y=1)
    bench.acknowledge(2, A, B)
    bench.rejections = [Rejection(ENVOY, "type.googleapis.com/envoy.Cluster", "pool/ai/y", "v", "no such filter")]
    assert bench.look("y").acknowledgements.rejected == {ENVOY: "Cluster pool/ai/y: no such filter"}
    assert bench.look("x").acknowledgements.rejected == {}


def test_equal_content_made_anew_is_the_same_version() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    version = bench.programme.version("x")
    bench.acknowledge(1)
    bench.publish(5, x=1)
    assert bench.programme.version("x") == version
    assert bench.missing() == ()


def test_an_object_that_is_gone_is_forgotten_and_begins_anew() -> None:
    bench = Bench()
    bench.publish(1, x=1)
    bench.acknowledge(1)
    bench.look()
    bench.publish(2)
    assert bench.programme.version("x") is None
    bench.publish(3, x=1)
    assert bench.missing() == (A, B, ENVOY)


def test_nobody_expected_is_nobody_who_has_it() -> None:
    """Content that nobody was there for has not been everywhere: the first replica is waited for."""
    bench = Bench()
    bench.expected = {}
    bench.publish(1, x=1)
    assert bench.missing() == ()
    bench.expected = dict(EXPECTED)
    assert bench.missing() == (A, B, ENVOY)
