"""One behaviour of the server at a time, without sockets: protocol, order, refusals, deadlines."""

from __future__ import annotations

import pytest

from forebay_api.wire import POOL_STATE_TYPE, REVISION_TYPE
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.client import Client
from forebay_operator.xds.ledger import RESPONSE_BYTES, TooManyNames
from forebay_operator.xds.machine import Machine
from forebay_operator.xds.messages import Request, Response
from forebay_operator.xds.type_urls import CLUSTER, ENDPOINTS, LISTENER, ROUTES


def snapshot(*resources: tuple[str, str, str]) -> Snapshot:
    return Snapshot.of([Resource(name, url, value.encode()) for url, name, value in resources])


NOTHING = "nothing was sent"


class Stream:
    """A client's end of a stream, all messages by hand."""

    def __init__(self, machine: Machine, node_id: str, now: float = 0.0) -> None:
        self.machine = machine
        self.now = now
        self.client: Client = machine.connect(node_id, now)

    def ask(self, url: str, *names: str, drop: tuple[str, ...] = (), **has: str) -> Stream:
        self.machine.receive(
            self.client, Request(url, subscribe=names, unsubscribe=drop, initial_versions=has), self.now
        )
        return self

    def read(self) -> Response | None:
        return self.machine.next_response(self.client, self.now)

    def answer(self, response: Response, error: str | None = None) -> None:
        self.machine.receive(self.client, Request(response.type_url, nonce=response.nonce, error=error), self.now)

    def take_all(self) -> list[tuple[str, list[str], list[str]]]:
        """Read and acknowledge until nothing comes: (short type, names, removed)."""
        taken = []
        while (response := self.read()) is not None:
            taken.append(told(response))
            self.answer(response)
        return taken


def told(response: Response | None) -> tuple[str, list[str], list[str]]:
    assert response is not None
    names = [offer.resource.name for offer in response.offers]
    return response.type_url.rpartition(".")[2], names, list(response.removed)


@pytest.fixture
def machine() -> Machine:
    return Machine(linger=30.0, ack_deadline=5.0)


BASE = [(CLUSTER, "c", "1"), (LISTENER, "l", "1"), (REVISION_TYPE, "current", "1")]


# --- the protocol


def test_only_what_changed_is_sent(machine: Machine) -> None:
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    machine.publish(snapshot((CLUSTER, "a", "1"), (CLUSTER, "b", "1")), 0)
    assert stream.take_all() == [("Cluster", ["a", "b"], [])]
    machine.publish(snapshot((CLUSTER, "a", "1"), (CLUSTER, "b", "2")), 0)
    assert stream.take_all() == [("Cluster", ["b"], [])]


def test_nothing_at_all_is_said_before_the_first_publish(machine: Machine) -> None:
    stream = Stream(machine, "envoy/a").ask(CLUSTER, a="1")
    assert stream.read() is None


def test_a_client_that_starts_is_answered_even_if_there_is_nothing(machine: Machine) -> None:
    machine.publish(snapshot(), 0)
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    assert told(stream.read()) == ("Cluster", [], [])


def test_a_reconnecting_client_gets_nothing_that_it_has(machine: Machine) -> None:
    a, b = Resource("a", CLUSTER, b"1"), Resource("b", CLUSTER, b"1")
    machine.publish(Snapshot.of([a, b]), 0)
    stream = Stream(machine, "envoy/a").ask(CLUSTER, a=a.version, b="of another time")
    assert stream.take_all() == [("Cluster", ["b"], [])]
    assert Stream(machine, "envoy/b").ask(CLUSTER, a=a.version, b=b.version).read() is None


def test_a_named_resource_that_does_not_exist_is_said_to_be_removed_and_sent_once_it_exists(machine: Machine) -> None:
    machine.publish(snapshot((ENDPOINTS, "a", "1")), 0)
    stream = Stream(machine, "envoy/a").ask(ENDPOINTS, "a", "b")
    assert stream.take_all() == [("ClusterLoadAssignment", ["a"], ["b"])]
    machine.publish(snapshot((ENDPOINTS, "a", "1"), (ENDPOINTS, "b", "1")), 0)
    assert stream.take_all() == [("ClusterLoadAssignment", ["b"], [])]


def test_what_is_unsubscribed_is_sent_no_more(machine: Machine) -> None:
    machine.publish(snapshot((ENDPOINTS, "a", "1"), (ENDPOINTS, "b", "1")), 0)
    stream = Stream(machine, "envoy/a").ask(ENDPOINTS, "a", "b")
    stream.take_all()
    stream.ask(ENDPOINTS, drop=("a",))
    machine.publish(snapshot((ENDPOINTS, "a", "2"), (ENDPOINTS, "b", "2")), 0)
    assert stream.take_all() == [("ClusterLoadAssignment", ["b"], [])]


def test_what_is_subscribed_again_is_sent_again(machine: Machine) -> None:
    machine.publish(snapshot((ENDPOINTS, "a", "1")), 0)
    stream = Stream(machine, "envoy/a").ask(ENDPOINTS, "a")
    stream.take_all()
    assert stream.ask(ENDPOINTS, "a").take_all() == [("ClusterLoadAssignment", ["a"], [])]


def test_an_answer_to_another_response_changes_nothing(machine: Machine) -> None:
    machine.publish(snapshot((CLUSTER, "a", "1")), 0)
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    response = stream.read()
    assert response is not None
    machine.receive(stream.client, Request(CLUSTER, nonce="not this", error="no"), 0)
    assert machine.rejections() == ()
    assert stream.read() is None
    stream.answer(response)
    assert machine.acknowledgements().acknowledged == 1


def test_a_slow_reader_skips_what_was_superseded(machine: Machine) -> None:
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    machine.publish(snapshot((CLUSTER, "a", "0")), 0)
    first = stream.read()
    assert first is not None
    for version in range(1, 100):
        machine.publish(snapshot((CLUSTER, "a", str(version))), 0)
        assert stream.read() is None
    stream.answer(first)
    [offer] = (stream.read() or first).offers
    assert offer.resource.value == b"99"
    assert stream.read() is None


def test_a_large_snapshot_is_split_and_arrives_whole(machine: Machine) -> None:
    half = "x" * (RESPONSE_BYTES // 2)
    machine.publish(snapshot(*((CLUSTER, name, half + name) for name in "abcde")), 0)
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    taken = stream.take_all()
    assert len(taken) > 2
    assert sorted(name for _, names, _ in taken for name in names) == list("abcde")


def test_a_client_that_asks_for_too_many_names_is_refused() -> None:
    machine = Machine(max_names=3)
    stream = Stream(machine, "envoy/a")
    with pytest.raises(TooManyNames, match="more than 3 names"):
        stream.ask(ENDPOINTS, "a", "b", "c", "d")


def test_the_newest_of_two_streams_with_one_name_wins(machine: Machine) -> None:
    machine.publish(snapshot((CLUSTER, "a", "1")), 0)
    old = Stream(machine, "envoy/a").ask(CLUSTER)
    new = Stream(machine, "envoy/a").ask(CLUSTER)
    assert old.read() is None
    assert not machine.is_current(old.client)
    machine.disconnect(old.client, 0)
    assert new.take_all() == [("Cluster", ["a"], [])]


# --- refusals


def test_a_refusal_is_narrowed_down_to_the_resource_it_is_about(machine: Machine) -> None:
    machine.publish(snapshot(*((CLUSTER, name, "1") for name in "abcdefg")), 0)
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    for _ in range(20):
        if (response := stream.read()) is None:
            break
        bad = any(offer.resource.name == "e" for offer in response.offers)
        stream.answer(response, "no good" if bad else None)
    [rejection] = machine.rejections()
    assert (rejection.client, rejection.name, rejection.text) == ("envoy/a", "e", "no good")
    assert stream.read() is None


def test_a_refused_resource_is_sent_again_only_when_it_changes(machine: Machine) -> None:
    machine.publish(snapshot((CLUSTER, "a", "1")), 0)
    stream = Stream(machine, "envoy/a").ask(CLUSTER)
    stream.answer(stream.read() or pytest.fail(NOTHING), "no")
    machine.publish(snapshot((CLUSTER, "a", "1"), (CLUSTER, "b", "1")), 0)
    assert stream.take_all() == [("Cluster", ["b"], [])]
    machine.publish(snapshot((CLUSTER, "a", "2"), (CLUSTER, "b", "1")), 0)
    assert stream.take_all() == [("Cluster", ["a"], [])]
    assert machine.rejections() == ()


def test_a_new_cluster_that_is_refused_keeps_the_old_routes_and_policies(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot(*BASE), 0)
    envoy.take_all(), plane.take_all()
    revision = machine.publish(
        snapshot((CLUSTER, "c", "bad"), (LISTENER, "l", "2"), (REVISION_TYPE, "current", "2")), 0
    )
    envoy.answer(envoy.read() or pytest.fail(NOTHING), "no such thing")
    machine.settle(1000)
    assert envoy.read() is None
    assert plane.read() is None
    found = machine.acknowledgements(revision)
    assert found.settled is False, "the data plane has not been asked"
    assert found.rejected == {"envoy/a": "Cluster c: no such thing"}
    machine.publish(snapshot((CLUSTER, "c", "3"), (LISTENER, "l", "2"), (REVISION_TYPE, "current", "2")), 1000)
    assert [type_ for type_, *_ in envoy.take_all()] == ["Cluster", "Listener"]
    assert plane.take_all() == [("Revision", ["current"], [])]
    assert machine.acknowledgements().complete


def test_a_standing_refusal_does_not_lock_later_edits_out(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot((CLUSTER, "bad", "1"), *BASE), 0)
    while (response := envoy.read()) is not None:
        envoy.answer(response, "no" if any(o.resource.name == "bad" for o in response.offers) else None)
    assert plane.take_all() == [("Revision", ["current"], [])], "nothing was live that could be kept"
    machine.publish(snapshot((CLUSTER, "bad", "1"), *BASE[:2], (REVISION_TYPE, "current", "2")), 0)
    assert plane.take_all() == [("Revision", ["current"], [])]
    assert machine.acknowledgements().rejected == {"envoy/a": "Cluster bad: no"}


def test_a_refused_listener_holds_nothing_up_and_is_shown(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot(*BASE), 0)
    envoy.take_all(), plane.take_all()
    machine.publish(snapshot(*BASE[:2], (LISTENER, "side", "bad"), (REVISION_TYPE, "current", "2")), 0)
    envoy.answer(envoy.read() or pytest.fail(NOTHING), "cannot bind")
    assert plane.take_all() == [("Revision", ["current"], [])]
    found = machine.acknowledgements()
    assert (found.acknowledged, found.missing, found.rejected) == (
        1, ("envoy/a",), {"envoy/a": "Listener side: cannot bind"},
    )  # fmt: skip
    assert found.settled


def test_nothing_is_retired_under_a_data_plane_that_refused(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot(*BASE), 0)
    envoy.take_all(), plane.take_all()
    machine.publish(snapshot((LISTENER, "l", "1"), (REVISION_TYPE, "current", "bad")), 0)
    plane.answer(plane.read() or pytest.fail(NOTHING), "does not compile")
    envoy.now = 1000
    machine.settle(1000)
    assert envoy.take_all() == []


# --- the order


def test_adding_goes_from_clusters_over_listeners_to_policies(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "envoy/b": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    a, b = (Stream(machine, name).ask(CLUSTER).ask(LISTENER) for name in ("envoy/a", "envoy/b"))
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot(*BASE), 0)
    assert a.take_all() == [("Cluster", ["c"], [])]
    assert plane.read() is None
    assert b.take_all() == [("Cluster", ["c"], []), ("Listener", ["l"], [])]
    assert plane.read() is None
    assert a.take_all() == [("Listener", ["l"], [])]
    assert plane.take_all() == [("Revision", ["current"], [])]


def test_a_new_cluster_counts_once_its_endpoints_are_acknowledged(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER)
    machine.publish(snapshot(*BASE, (ENDPOINTS, "c", "1")), 0)
    assert envoy.take_all() == [("Cluster", ["c"], [])]
    envoy.ask(ENDPOINTS, "c")
    assert envoy.take_all() == [("ClusterLoadAssignment", ["c"], []), ("Listener", ["l"], [])]


def test_a_changed_cluster_gets_its_endpoints_again_because_it_warms_anew(machine: Machine) -> None:
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(ENDPOINTS, "c", "d")
    machine.publish(snapshot(*((url, name, "1") for url in (CLUSTER, ENDPOINTS) for name in "cd")), 0)
    envoy.take_all()
    machine.publish(snapshot((CLUSTER, "c", "2"), (CLUSTER, "d", "1"), (ENDPOINTS, "c", "1"), (ENDPOINTS, "d", "1")), 0)
    assert envoy.take_all() == [("Cluster", ["c"], []), ("ClusterLoadAssignment", ["c"], [])]


def test_removing_goes_from_policies_over_listeners_to_clusters_that_linger(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot(*BASE, (CLUSTER, "old", "1"), (LISTENER, "old", "1")), 0)
    envoy.take_all(), plane.take_all()
    machine.publish(snapshot(*BASE[:2], (REVISION_TYPE, "current", "2")), 0)
    assert envoy.read() is None
    assert plane.take_all() == [("Revision", ["current"], [])]
    assert envoy.take_all() == [("Listener", [], ["old"])]
    assert machine.next_deadline(0) == 30.0
    machine.settle(29.9)
    assert envoy.read() is None
    machine.settle(30.0)
    assert envoy.take_all() == [("Cluster", [], ["old"])]


def test_what_comes_back_while_it_lingers_is_not_removed(machine: Machine) -> None:
    envoy = Stream(machine, "envoy/a").ask(CLUSTER)
    machine.publish(snapshot((CLUSTER, "a", "1"), (CLUSTER, "b", "1")), 0)
    envoy.take_all()
    machine.publish(snapshot((CLUSTER, "a", "1")), 0)
    machine.publish(snapshot((CLUSTER, "a", "1"), (CLUSTER, "b", "1")), 10)
    machine.settle(100)
    assert envoy.read() is None


def test_a_bridge_serves_old_and_new_policies_until_the_new_ones_are_in(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    envoy = Stream(machine, "envoy/a").ask(CLUSTER).ask(LISTENER).ask(ROUTES, "r")
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    machine.publish(snapshot(*BASE, (ROUTES, "r", "old")), 0)
    envoy.take_all(), plane.take_all()
    target = snapshot(*BASE[:2], (ROUTES, "r", "new"), (REVISION_TYPE, "current", "2"))
    machine.publish(target, 0, bridge=snapshot(*BASE[:2], (ROUTES, "r", "old and new")))

    def routes() -> bytes:
        response = envoy.read()
        assert response is not None
        envoy.answer(response)
        return response.offers[0].resource.value

    assert routes() == b"old and new"
    assert envoy.read() is None
    plane.take_all()
    assert routes() == b"new"


def test_pool_state_is_never_delayed_by_the_order(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*").ask(POOL_STATE_TYPE, "*")
    machine.publish(snapshot(*BASE, (POOL_STATE_TYPE, "p", "1")), 0)
    assert plane.take_all() == [("PoolState", ["p"], [])]


def test_pool_state_makes_no_new_revision(machine: Machine) -> None:
    first = machine.publish(snapshot(*BASE, (POOL_STATE_TYPE, "p", "1")), 0)
    assert machine.publish(snapshot(*BASE, (POOL_STATE_TYPE, "p", "2")), 0) == first


@pytest.mark.parametrize("connected", [True, False], ids=["silent", "absent"])
def test_who_has_not_acknowledged_for_five_seconds_delays_nobody_and_is_missing(
    machine: Machine, connected: bool
) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "dataplane/a": Kind.DATA_PLANE}, 0)
    if connected:
        Stream(machine, "envoy/a").ask(CLUSTER)
    plane = Stream(machine, "dataplane/a").ask(REVISION_TYPE, "*")
    revision = machine.publish(snapshot(*BASE), 0)
    assert machine.next_deadline(0) == 5.0
    machine.settle(4.9)
    assert plane.read() is None
    machine.settle(5.0)
    assert plane.take_all() == [("Revision", ["current"], [])]
    assert machine.acknowledgements(revision).missing == ("envoy/a",)
    machine.publish(snapshot((CLUSTER, "c", "2"), (REVISION_TYPE, "current", "2")), 60)
    assert plane.take_all() == [("Revision", ["current"], [])], "it is still late, so it delays nobody again"


def test_what_a_reconnecting_envoy_has_from_before_a_restart_is_spared_for_a_while(machine: Machine) -> None:
    machine.publish(snapshot((CLUSTER, "a", "1")), 0)
    envoy = Stream(machine, "envoy/a", 100).ask(CLUSTER, a="other", gone="1")
    assert envoy.take_all() == [("Cluster", ["a"], [])]
    assert machine.next_deadline(100) == 135.0
    envoy.now = 135.0
    machine.settle(135.0)
    assert envoy.take_all() == [("Cluster", [], ["gone"])]


# --- acknowledgements


def test_only_expected_replicas_count(machine: Machine) -> None:
    machine.expect({"envoy/a": Kind.ENVOY, "envoy/b": Kind.ENVOY}, 0)
    Stream(machine, "envoy/stranger").ask(CLUSTER).take_all()
    a = Stream(machine, "envoy/a").ask(CLUSTER)
    machine.publish(snapshot((CLUSTER, "c", "1")), 0)
    a.take_all()
    machine.settle(6)
    found = machine.acknowledgements()
    assert (found.expected, found.acknowledged, found.missing, found.complete) == (2, 1, ("envoy/b",), False)


def test_who_has_a_later_revision_has_the_earlier_ones(machine: Machine) -> None:
    envoy = Stream(machine, "envoy/a").ask(CLUSTER)
    first = machine.publish(snapshot((CLUSTER, "c", "1")), 0)
    second = machine.publish(snapshot((CLUSTER, "c", "2")), 0)
    envoy.take_all()
    assert machine.acknowledgements(first).complete
    assert machine.acknowledgements(second).complete
    third = machine.publish(snapshot((CLUSTER, "c", "3")), 0)
    assert not machine.acknowledgements(third).complete
    assert machine.acknowledgements(second).complete


def test_the_same_input_is_the_same_revision_on_any_replica() -> None:
    assert Machine().publish(snapshot(*BASE), 0) == Machine().publish(snapshot(*reversed(BASE)), 99)


def test_an_unknown_revision_is_an_error(machine: Machine) -> None:
    with pytest.raises(KeyError):
        machine.acknowledgements("nonsense")
