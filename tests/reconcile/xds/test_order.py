"""The staging machine against simulated Envoys and data planes, in whatever order messages, faults and time arrive."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from forebay_api.wire import POLICY_TYPE, POOL_STATE_TYPE, POOL_TYPE, REVISION_TYPE
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.client import Client
from forebay_operator.xds.machine import Machine
from forebay_operator.xds.messages import Offer, Request, Response
from forebay_operator.xds.rollout import Stage
from forebay_operator.xds.type_urls import CLUSTER, ENDPOINTS, LISTENER, ROUTES, WILDCARD

LINGER, DEADLINE = 30.0, 5.0
REPLICAS = {
    "envoy/a": Kind.ENVOY,
    "envoy/b": Kind.ENVOY,
    "dataplane/a": Kind.DATA_PLANE,
    "dataplane/b": Kind.DATA_PLANE,
}
Key = tuple[str, str]


def made(url: str, name: str, **content: object) -> Resource:
    return Resource(name, url, json.dumps(content, sort_keys=True).encode())


def configuration(pools: Iterable[str], version: int, bad: Iterable[str] = (), load: int = 0) -> Snapshot:
    """A set of pools behind one route table and one policy; `bad` resource kinds carry something nobody accepts."""
    used, bad = sorted(set(pools)), set(bad)
    resources = [made(CLUSTER, pool, v=version if pool == "x" else 0) for pool in used]
    resources += [made(ENDPOINTS, pool, v=version) for pool in used]
    if "cluster" in bad:
        resources.append(made(CLUSTER, "spoilt", v=version, bad=True))
    resources += [
        made(ROUTES, "table", uses=used, bad="routes" in bad),
        made(LISTENER, "front", routes="table"),
        made(REVISION_TYPE, "current", uses=used, v=version, bad="revision" in bad),
        made(POOL_STATE_TYPE, "state", load=load),
    ]
    resources += [made(LISTENER, "side", routes="table", v=version, bad=True)] if "listener" in bad else []
    resources += [made(POOL_TYPE, pool) for pool in used] + [made(POLICY_TYPE, pool, v=version % 2) for pool in used]
    return Snapshot.of(resources)


class Replica:
    """A client as the protocol describes one: what it took, its unread responses, its unsent requests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind = REPLICAS[name]
        self.client: Client | None = None
        self.holds: dict[Key, Resource] = {}
        self.versions: dict[Key, str] = {}
        self.acknowledged: dict[Key, str] = {}
        self.may_repeat: set[Key] = set()
        self.inbox: deque[Response] = deque()
        self.outbox: deque[tuple[Request, dict[Key, str]]] = deque()

    def dial(self, client: Client, *, forgetful: bool) -> None:
        if forgetful:
            self.holds, self.versions = {}, {}
        self.client = client
        self.inbox.clear()
        self.outbox.clear()
        self.acknowledged = dict(self.versions)
        self.may_repeat = set()
        urls = (
            (CLUSTER, ENDPOINTS, LISTENER, ROUTES)
            if self.kind is Kind.ENVOY
            else (POLICY_TYPE, POOL_TYPE, REVISION_TYPE, POOL_STATE_TYPE)
        )
        for url in urls:
            claims = {name: version for (of, name), version in self.versions.items() if of == url}
            if url in (ENDPOINTS, ROUTES):
                if not (names := self.asks_for(url)):
                    continue
                claims = {name: version for name, version in claims.items() if name in names}
                subscribe = tuple(sorted(names))
            else:
                subscribe = () if self.kind is Kind.ENVOY else (WILDCARD,)
            self.outbox.append((Request(url, self.name, subscribe=subscribe, initial_versions=claims), {}))

    def asks_for(self, url: str) -> set[str]:
        if url == ENDPOINTS:
            return {name for of, name in self.holds if of == CLUSTER}
        return {json.loads(resource.value)["routes"] for (of, _), resource in self.holds.items() if of == LISTENER}

    def uses(self) -> set[str]:
        """Clusters that what it holds refers to."""
        tables = (resource for (url, _), resource in self.holds.items() if url in (ROUTES, REVISION_TYPE))
        return {name for table in tables for name in json.loads(table.value)["uses"]}

    def read(self) -> None:
        """Take one response: what is bad is refused, the good part of it stays, as Envoy does."""
        response = self.inbox.popleft()
        before = {url: self.asks_for(url) for url in (ENDPOINTS, ROUTES)}
        answer: dict[Key, str] = {}
        errors = []
        for offer in response.offers:
            key = (response.type_url, offer.resource.name)
            if json.loads(offer.resource.value).get("bad"):
                errors.append(f"{offer.resource.name} is bad")
                continue
            self.holds[key], self.versions[key] = offer.resource, offer.version
            answer[key] = offer.version
        for name in response.removed:
            self.holds.pop((response.type_url, name), None)
            self.versions.pop((response.type_url, name), None)
        error = "; ".join(errors) or None
        if error is not None:
            self.may_repeat |= {(response.type_url, offer.resource.name) for offer in response.offers}
        if self.kind is Kind.ENVOY:
            for url in before:
                self.change_subscription(url, before[url], self.asks_for(url))
        self.outbox.append((Request(response.type_url, nonce=response.nonce, error=error), {} if error else answer))

    def change_subscription(self, url: str, before: set[str], after: set[str]) -> None:
        more, fewer = tuple(sorted(after - before)), tuple(sorted(before - after))
        for name in fewer:
            self.holds.pop((url, name), None)
            self.versions.pop((url, name), None)
        if more or fewer:
            self.may_repeat |= {(url, name) for name in (*more, *fewer)}
            self.outbox.append((Request(url, self.name, subscribe=more, unsubscribe=fewer), {}))


class World(RuleBasedStateMachine):
    """Rules are what may happen; the assertions stand where a message is sent."""

    @initialize()
    def start(self) -> None:
        self.now = 100.0
        self.machine = Machine(linger=LINGER, ack_deadline=DEADLINE)
        self.machine.expect(REPLICAS, self.now)
        self.replicas = {name: Replica(name) for name in REPLICAS}
        self.version = 0
        self.pools: set[str] = set()
        self.recent: set[str] = set()
        self.live: Offer | None = None
        self.table: Resource | None = None

    # --- what may happen

    @rule(
        pools=st.sets(st.sampled_from("xyz"), min_size=1),
        bad=st.sets(st.sampled_from(["cluster", "routes", "listener", "revision"]), max_size=1),
    )
    def publish(self, pools: set[str], bad: set[str]) -> None:
        self.version += 1
        self.recent = {*self.recent, *pools} if self.machine.rollout.stage is not Stage.DONE else {*self.pools, *pools}
        self.pools = pools
        target = configuration(pools, self.version, bad)
        bridge = Snapshot.of(
            [
                made(ROUTES, "table", uses=sorted(self.recent), bad="routes" in bad),
                *target.of_type(LISTENER).values(),
            ]
        )
        self.machine.publish(target, self.now, bridge=bridge)
        self.target = target

    @rule(name=st.sampled_from(sorted(REPLICAS)), forgetful=st.booleans())
    def connect(self, name: str, forgetful: bool) -> None:
        self.replicas[name].dial(self.machine.connect(name, self.now), forgetful=forgetful)

    @rule(name=st.sampled_from(sorted(REPLICAS)))
    def disconnect(self, name: str) -> None:
        replica = self.replicas[name]
        if replica.client is not None:
            self.machine.disconnect(replica.client, self.now)
            replica.client = None

    @rule(seconds=st.sampled_from([0.01, 1.0, 6.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.machine.settle(self.now)

    @rule(names=st.lists(st.sampled_from(sorted(REPLICAS)), min_size=1, max_size=4), rounds=st.integers(1, 12))
    def exchange(self, names: list[str], rounds: int) -> None:
        for _ in range(rounds):
            for name in names:
                self.step(self.replicas[name])

    def step(self, replica: Replica) -> bool:
        """One message each way, and one read; False where nothing moved."""
        if replica.client is None:
            return False
        moved = bool(replica.outbox or replica.inbox)
        if replica.outbox:
            request, answer = replica.outbox.popleft()
            replica.acknowledged |= answer
            self.machine.receive(replica.client, request, self.now)
        if (response := self.machine.next_response(replica.client, self.now)) is not None:
            self.judge(replica, response)
            replica.inbox.append(response)
            moved = True
        if replica.inbox:
            replica.read()
        return moved

    # --- what must hold

    def judge(self, replica: Replica, response: Response) -> None:
        for offer in response.offers:
            key = (response.type_url, offer.resource.name)
            again = replica.acknowledged.get(key) == offer.version and key not in replica.may_repeat
            assert not again, f"{key} is sent to {replica.name} again, unchanged"
            replica.may_repeat.discard(key)
            if response.type_url == CLUSTER and (key in replica.acknowledged or key in replica.holds):
                replica.may_repeat.add((ENDPOINTS, offer.resource.name))
            if response.type_url == ROUTES:
                has = {name for url, name in replica.holds if url == CLUSTER}
                assert set(json.loads(offer.resource.value)["uses"]) <= has, "a route before its cluster"
            if response.type_url == REVISION_TYPE:
                content = json.loads(offer.resource.value)
                for name in content["uses"]:
                    has_policy = replica.holds.get((POLICY_TYPE, name))
                    assert has_policy == made(POLICY_TYPE, name, v=content["v"] % 2), "a revision before its objects"
        for name in response.removed:
            replica.acknowledged.pop((response.type_url, name), None)
            if response.type_url == CLUSTER:
                assert name not in replica.uses(), "a cluster goes while a route uses it"
                for other in self.replicas.values():
                    used = other.kind is Kind.DATA_PLANE and other.client is not None and name in other.uses()
                    assert not used or other.name in self.late(), "a cluster goes while a policy uses it"

    def late(self) -> set[str]:
        return {name for name, since in self.machine._behind_since.items() if self.now >= since + DEADLINE}

    @invariant()
    def policies_come_after_what_they_use(self) -> None:
        """When policies go on offer, every Envoy that is not late has the clusters and routes they may name."""
        view = self.machine.rollout.view(REVISION_TYPE) or {}
        if not view or view["current"] == self.live:
            return
        first, self.live = self.live is None, view["current"]
        table = self.target.of_type(ROUTES)["table"]
        refused_before, self.table = first or table == self.table, table
        uses = set(json.loads(self.live.resource.value)["uses"])
        late = self.late()
        for replica in self.replicas.values():
            if replica.kind is Kind.ENVOY and replica.client is not None and replica.name not in late:
                assert uses <= {name for url, name in replica.holds if url == CLUSTER}, "a policy before its cluster"
                assert refused_before or uses <= replica.uses(), "a policy before its route"

    @invariant()
    def outstanding_is_bounded(self) -> None:
        for replica in self.replicas.values():
            assert len(replica.inbox) <= len({response.type_url for response in replica.inbox})

    def teardown(self) -> None:
        if not hasattr(self, "machine"):
            return
        self.version += 1
        target = configuration("xy", self.version)
        revision = self.machine.publish(target, self.now)
        for replica in self.replicas.values():
            if replica.client is None:
                self.connect(replica.name, False)
        for _ in range(3):
            for _ in range(400):
                moved = [self.step(replica) for replica in self.replicas.values()]
                if not any(moved):
                    break
            else:
                raise AssertionError("messages go round without end")
            self.wait(LINGER + 2 * DEADLINE)
        for replica in self.replicas.values():
            want = {(url, name): resource for url, held in target.resources.items() for name, resource in held.items()}
            mine = {key[0] for key in want} & (
                {CLUSTER, ENDPOINTS, LISTENER, ROUTES}
                if replica.kind is Kind.ENVOY
                else {POLICY_TYPE, POOL_TYPE, REVISION_TYPE, POOL_STATE_TYPE}
            )
            assert replica.holds == {key: resource for key, resource in want.items() if key[0] in mine}, replica.name
        acknowledgements = self.machine.acknowledgements(revision)
        assert acknowledgements.complete, acknowledgements
        assert not self.machine.rejections()


World.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
TestAnyOrderConvergesToTheLastSnapshot = World.TestCase
