"""Elections: never two leaders, and never none for long."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_operator.cluster.leading.lease import LEASE_SECONDS, RENEW_SECONDS, Election

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Server:
    """One Lease with optimistic locking, as the API server keeps it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self._version = 0

    def get(self) -> dict[str, Any] | None:
        return deepcopy(self.lease)

    def put(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The Lease as stored, None for a conflict."""
        known = None if self.lease is None else self.lease["metadata"]["resourceVersion"]
        if body["metadata"].get("resourceVersion") != known:
            return None
        self._version += 1
        self.lease = deepcopy(body)
        self.lease["metadata"]["resourceVersion"] = str(self._version)
        return self.get()


class Replica:
    """Campaigns in steps, each of which may come late: read, decide and send, arrive, hear. `offset` is its clock's."""

    def __init__(self, server: Server, name: str, offset: float) -> None:
        self.server = server
        self.election = Election(name)
        self._offset = offset
        self._state: tuple[str, Any, float] = ("idle", None, 0.0)

    def leads(self, now: float) -> bool:
        return self.election.leads(now + self._offset)

    def write_ends(self, now: float) -> float:
        """When a write that begins now is given up, on the test's clock; `now` where it may not begin."""
        return now + self.election.write_seconds(now + self._offset, 5.0)

    def step(self, now: float) -> None:
        """The next step of the way; from the last one back to the first."""
        state, value, started = self._state
        clock = now + self._offset
        if state == "idle":
            self._state = ("read", self.server.get(), 0.0)
        elif state == "read":
            self.election.see(value, clock)
            record = self.election.wanted(clock, NOON)
            body = None if record is None else self.election.body(record, "operator", "forebay")
            self._state = ("idle", None, 0.0) if body is None else ("sent", body, clock)
        elif state == "sent":
            self._state = ("arrived", self.server.put(value), started)
        else:
            if value is not None:
                self.election.wrote(value, started)
            self._state = ("idle", None, 0.0)

    def lose(self) -> None:
        """The answer never comes."""
        self._state = ("idle", None, 0.0)

    def campaign(self, now: float) -> None:
        """One whole round without any delay."""
        self.lose()
        for _ in range(4):
            self.step(now)
            if self._state[0] == "idle":
                return


Moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["step", "step", "step", "lose"])),
        st.tuples(st.just("time"), st.floats(0.01, 6.0)),
    ),
    max_size=120,
)


@given(moves=Moves, offset=st.floats(-1e6, 1e6))
@settings(max_examples=300, deadline=None)
def test_two_replicas_never_lead_at_once_however_their_requests_interleave(moves: Any, offset: float) -> None:
    server, now = Server(), 100.0
    replicas = {"a": Replica(server, "a", 0.0), "b": Replica(server, "b", offset)}
    for who, what in moves:
        if who == "time":
            now += what
        elif what == "lose":
            replicas[who].lose()
        else:
            replicas[who].step(now)
        assert sum(replica.leads(now) for replica in replicas.values()) <= 1


Writes = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["step", "step", "step", "step", "lose", "write"])),
        st.tuples(st.just("time"), st.floats(0.01, 6.0)),
    ),
    max_size=160,
)


@given(moves=Writes, offset=st.floats(-1e6, 1e6))
@settings(max_examples=300, deadline=None)
def test_a_write_ends_before_another_replica_may_begin_one(moves: Any, offset: float) -> None:
    server, now = Server(), 100.0
    replicas = {"a": Replica(server, "a", 0.0), "b": Replica(server, "b", offset)}
    under_way = {"a": 0.0, "b": 0.0}
    for who, what in moves:
        if who == "time":
            now += what
        elif what == "lose":
            replicas[who].lose()
        elif what == "step":
            replicas[who].step(now)
        elif (ends := replicas[who].write_ends(now)) > now:
            other = "b" if who == "a" else "a"
            assert under_way[other] <= now + 1e-6
            under_way[who] = max(under_way[who], ends)


def test_a_write_gets_its_time_only_while_the_lease_surely_keeps_others_out() -> None:
    a = Replica(Server(), "a", 0.0)
    assert a.write_ends(0.0) == 0.0
    a.campaign(0.0)
    assert a.write_ends(2.0) == 7.0
    assert a.write_ends(6.0) == LEASE_SECONDS
    assert a.write_ends(RENEW_SECONDS) == RENEW_SECONDS, "it leads no more"
    a.election.step_down()
    assert a.write_ends(1.0) == 1.0


@given(moves=Moves)
@settings(max_examples=100, deadline=None)
def test_whatever_has_happened_somebody_leads_within_a_lease_and_a_retry(moves: Any) -> None:
    server, now = Server(), 100.0
    replicas = {"a": Replica(server, "a", 0.0), "b": Replica(server, "b", 7.0)}
    for who, what in moves:
        if who == "time":
            now += what
        elif what == "lose":
            replicas[who].lose()
        else:
            replicas[who].step(now)
    end = now + LEASE_SECONDS + 2
    while now < end:
        replicas["b"].campaign(now)  # a is dead
        now += 0.5
    assert replicas["b"].leads(now)


def test_a_leader_that_cannot_renew_steps_down_well_before_another_takes_over() -> None:
    server = Server()
    a, b = Replica(server, "a", 0.0), Replica(server, "b", 0.0)
    a.campaign(0.0)
    b.campaign(0.5)
    assert a.leads(RENEW_SECONDS - 0.01)
    assert not a.leads(RENEW_SECONDS)
    b.campaign(LEASE_SECONDS + 0.4)
    assert not b.leads(LEASE_SECONDS + 0.4)
    b.campaign(LEASE_SECONDS + 0.6)
    assert b.leads(LEASE_SECONDS + 0.6)
    assert server.lease is not None
    assert server.lease["spec"]["leaseTransitions"] == 1


def test_a_standby_knows_when_the_lease_is_free() -> None:
    server = Server()
    a, b = Replica(server, "a", 0.0), Replica(server, "b", 0.0)
    b.campaign(0.0)
    assert b.election.free_at < 0.0, "it is its own"
    a.campaign(1.0)
    assert a.election.free_at == 1.0 + LEASE_SECONDS
    a.campaign(a.election.free_at)
    assert a.leads(1.0 + LEASE_SECONDS)


def test_a_holder_that_comes_back_as_itself_goes_on_at_once() -> None:
    server = Server()
    Replica(server, "a", 0.0).campaign(0.0)
    again = Replica(server, "a", 50.0)
    again.campaign(1.0)
    assert again.leads(1.0)


def test_a_lease_that_is_given_up_is_taken_at_once() -> None:
    server = Server()
    a, b = Replica(server, "a", 0.0), Replica(server, "b", 0.0)
    a.campaign(0.0)
    b.campaign(0.1)
    body = a.election.body(a.election.released(), "operator", "forebay")
    a.election.step_down()
    assert server.put(body)
    b.campaign(1.0)
    assert b.leads(1.0)
    assert not a.leads(1.0)


def test_who_sees_another_holder_leads_no_more() -> None:
    server = Server()
    a = Replica(server, "a", 0.0)
    a.campaign(0.0)
    assert server.lease is not None
    server.lease["spec"]["holderIdentity"] = "b"
    a.campaign(1.0)
    assert not a.leads(1.0)
    assert a.election.holder == "b"


def test_a_lease_that_is_deleted_is_made_again() -> None:
    server = Server()
    a = Replica(server, "a", 0.0)
    a.campaign(0.0)
    server.lease = None
    a.campaign(2.0)
    assert a.leads(2.0)
    assert server.lease is not None
