"""After new routing is acknowledged, policies that choose by it wait until it has reached every thread of an Envoy."""

from __future__ import annotations

from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds.rollout import Rollout, Stage
from forebay_operator.xds.type_urls import ROUTES


def routing(text: bytes) -> Snapshot:
    return Snapshot.of([Resource("forebay", ROUTES, text)])


def at_routing(rollout: Rollout, text: bytes) -> None:
    rollout.begin(routing(text), None)
    rollout.advance(0.0)
    assert rollout.stage is Stage.ROUTING


def test_new_routing_rests_before_policies_follow() -> None:
    rollout = Rollout(linger=30.0, rest=0.1)
    at_routing(rollout, b"one")
    assert rollout.rests(5.0)
    assert rollout.next_expiry == 5.1
    assert rollout.rests(5.05)
    assert not rollout.rests(5.1)
    assert rollout.next_expiry is None


def test_routing_that_stays_as_it_is_needs_no_rest() -> None:
    rollout = Rollout(linger=30.0, rest=0.1)
    at_routing(rollout, b"one")
    rollout.rests(0.0)
    assert not rollout.rests(1.0)
    rollout.advance(1.0)
    rollout.begin(routing(b"one"), None)
    assert not rollout.rests(2.0)


def test_a_newer_snapshot_starts_the_rest_anew() -> None:
    rollout = Rollout(linger=30.0, rest=0.1)
    at_routing(rollout, b"one")
    assert rollout.rests(0.0)
    at_routing(rollout, b"two")
    assert rollout.rests(0.05)
    assert rollout.next_expiry is not None
    assert rollout.next_expiry > 0.1
