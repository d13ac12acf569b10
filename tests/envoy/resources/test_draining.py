"""Servers come and go: who drains finishes what it has, nobody's request fails, and no cluster is warmed again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
from aiohttp import web

from forebay_api.base import ObjectMeta
from forebay_operator.backends.endpoint import Backend
from forebay_operator.backends.slices import slice_endpoints
from forebay_operator.cluster.objects import (
    EndpointSlice,
    ServicePort,
    SliceConditions,
    SliceEndpoint,
    SlicePort,
)
from forebay_operator.envoy.assemble import assemble
from forebay_operator.resources import Snapshot

from ..builders import inputs, policy, pool
from ..harness import Forward, Rig, Seen, Upstream, running_rig, wait_until
from ..upstream import Handler

pytestmark = pytest.mark.envoy

READY = SliceConditions(ready=True, serving=True, terminating=False)
IN_A_ROW = 24
"""Answers in a row of other servers, six a client, after which a server counts as left alone."""
LEAVING = SliceConditions(ready=False, serving=True, terminating=True)


class Rollout:
    """A Service whose servers are listed in EndpointSlices, one slice a server because each has a port of its own."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.listed: dict[Upstream, SliceConditions] = {}

    def list(self, *servers: Upstream, conditions: SliceConditions = READY) -> None:
        self.listed |= dict.fromkeys(servers, conditions)

    def snapshot(self) -> Snapshot:
        slices = [
            EndpointSlice(
                metadata=ObjectMeta(name=f"web-{server.port}"),
                endpoints=(SliceEndpoint(addresses=("127.0.0.1",), conditions=conditions, zone=f"z{server.port % 2}"),),
                ports=(SlicePort(port=server.port, name="http"),),
            )
            for server, conditions in self.listed.items()
        ]
        backend = Backend(slice_endpoints(slices, ServicePort(port=80, name="http")))
        return assemble(
            inputs(
                self.rig.port,
                (self.rig.processor.address,),
                {"ai/p": policy("web")},
                {"ai/web": pool(backend={"service": {"name": "web", "port": "http"}})},
                backends={"ai/web": backend},
            )
        )

    def publish(self) -> None:
        """Publish what is listed, and wait until Envoy knows of it."""
        self.rig.publish(self.snapshot())
        ready = sum(conditions.ready is True for conditions in self.listed.values()) or len(self.listed)
        expected = {"membership_total": len(self.listed), "membership_healthy": ready}

        def known() -> bool:
            stats = self.rig.stats(r"cluster\.pool/ai/web\.membership_(total|healthy)$")
            return {name.rpartition(".")[2]: value for name, value in stats.items()} == expected

        wait_until(known, f"Envoy knows {expected}")


@pytest.fixture(scope="module")
def started() -> Iterator[Rig]:
    with running_rig() as rig:
        for _ in range(3):
            rig.upstream()
        rollout = Rollout(rig)
        rollout.list(rig.upstreams[0])
        rig.start(rollout.snapshot())
        yield rig


@pytest.fixture
def rollout(started: Rig) -> Rollout:
    started.reset()
    started.processor.decide = lambda _: Forward(cluster="pool/ai/web")
    made = Rollout(started)
    made.list(started.upstreams[0])
    made.publish()
    return made


def test_a_request_outlives_the_draining_and_the_removal_of_its_server(rollout: Rollout) -> None:
    rig, (old, new, _) = rollout.rig, rollout.rig.upstreams
    release = threading.Event()

    async def slow(_: web.Request, seen: Seen) -> web.StreamResponse:
        await asyncio.to_thread(release.wait, 60)
        return web.json_response({"by": "old"})

    old.handler = slow
    answers: list[httpx.Response] = []
    client = threading.Thread(target=lambda: answers.append(rig.chat()))
    client.start()
    wait_until(lambda: old.seen, "the old server has the request")

    rollout.list(new)
    rollout.list(old, conditions=LEAVING)
    rollout.publish()
    assert [rig.chat().status_code for _ in range(10)] == [200] * 10
    assert (len(old.seen), len(new.seen)) == (1, 10)

    del rollout.listed[old]
    rollout.publish()
    assert rig.chat().status_code == 200
    release.set()
    client.join(60)
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"by": "old"})]


def test_the_last_server_serves_until_it_is_gone(rollout: Rollout) -> None:
    rig, old = rollout.rig, rollout.rig.upstreams[0]
    rollout.list(old, conditions=LEAVING)
    rollout.publish()
    assert rig.chat().status_code == 200
    assert len(old.seen) == 1


def test_a_pool_without_servers_answers_503_and_takes_the_first_that_comes(rollout: Rollout) -> None:
    rig, (old, new, _) = rollout.rig, rollout.rig.upstreams
    del rollout.listed[old]
    rollout.publish()
    answer = rig.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_unavailable")
    assert answer.headers["content-type"] == "application/json"
    rollout.list(new)
    rollout.publish()
    assert rig.chat().status_code == 200


def test_a_rollout_under_load_fails_no_request_and_warms_no_cluster(rollout: Rollout) -> None:
    rig, servers = rollout.rig, rollout.rig.upstreams
    statuses: list[int] = []
    answered: list[Upstream] = []
    over = threading.Event()

    def busy(server: Upstream) -> Handler:
        async def answer(_: web.Request, seen: Seen) -> web.StreamResponse:
            await asyncio.sleep(0.05)
            answered.append(server)
            return web.json_response({})

        return answer

    for server in servers:
        server.handler = busy(server)

    def let_go(server: Upstream) -> bool:
        """It has answered all that it was sent, and for a while nothing was: a pod's grace period is over by then."""
        idle = len(server.seen) == answered.count(server)
        return idle and len(answered) >= IN_A_ROW and server not in answered[-IN_A_ROW:]

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not over.is_set():
                url = f"http://127.0.0.1:{rig.port}/v1/chat/completions"
                statuses.append(client.post(url, json={"model": "auto"}).status_code)

    updates = "cluster_manager.cluster_(added|modified|removed)$"
    before = rig.stats(updates)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for step in range(6):
            old, new = servers[step % 3], servers[(step + 1) % 3]
            new.start() if new._runner is None else None
            rollout.list(new)
            rollout.publish()
            rollout.list(old, conditions=LEAVING)
            rollout.publish()
            wait_until(lambda old=old: let_go(old), "requests go to the new server alone", 60.0)
            del rollout.listed[old]
            rollout.publish()
            old.stop()
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
        for server in servers:
            server.start() if server._runner is None else None
    assert set(statuses) == {200}
    assert set(answered) == set(servers), "each of them has had its turn"
    assert rig.stats(updates) == before
