"""Two operators, one of which leads, a data plane and a real Envoy, all over mutual TLS."""

from __future__ import annotations

import pytest

from ..builders import policy
from .cluster import Cluster, Traffic

pytestmark = pytest.mark.envoy


def test_a_request_passes_all_processes_over_mutual_tls(cluster: Cluster) -> None:
    operator = cluster.start_operator(0, leading=True)
    cluster.start_plane()
    cluster.start_envoy()
    operator.publish(cluster.snapshot(cluster.inputs()))
    cluster.wait_until(cluster.answers, "a request is answered")
    answer = cluster.chat("/keyed/v1/chat/completions")
    assert (answer.status_code, answer.headers["x-forebay-pool"]) == (200, "ai/keyed")
    assert cluster.upstream.last.headers["authorization"] == "Bearer open-sesame"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_new_leader_has_all_replicas_back_within_seconds_and_sends_nothing_that_they_have(
    cluster: Cluster, host: str
) -> None:
    cluster.operator_host = host
    first, second = cluster.start_operator(0, leading=True), cluster.start_operator(1, leading=False)
    cluster.start_plane()
    cluster.start_envoy()
    snapshot = cluster.snapshot(cluster.inputs())
    second.do(lambda server: server.publish(snapshot))
    first.publish(snapshot)
    cluster.wait_until(cluster.answers, "a request is answered")
    assert not second.sent, "a standby sends nothing"

    with Traffic(cluster) as traffic:
        first.do(lambda server: server.lead(False))
        second.do(lambda server: server.lead(True))
        cluster.wait_until(second.complete, "all are back", 30)
        assert sum(second.sent.values()) == 0, second.sent

        more = policy("plain", models=["auto"], attach={"pathPrefix": "/more"})
        edited = {**cluster.inputs().policies, "ai/more": more}
        second.publish(cluster.snapshot(cluster.inputs(policies=edited)))
        cluster.wait_until(lambda: cluster.answers("/more/v1/chat/completions"), "the edit is live")
        cluster.wait_until(lambda: traffic.count > 5, "requests went on")
    assert traffic.failures == []
    assert second.sent["envoy", "RouteConfiguration"] == 1, second.sent
    assert {name for kind, name in second.sent if kind == "envoy"} == {"RouteConfiguration"}
