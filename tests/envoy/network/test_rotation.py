"""Certificates that are replaced under running processes, by those of another CA even."""

from __future__ import annotations

import pytest

from ..builders import policy
from .cluster import NAMES, Cluster, Traffic

pytestmark = pytest.mark.envoy


def test_new_certificates_of_a_new_ca_are_taken_by_all_processes_without_a_restart(cluster: Cluster) -> None:
    first, second = cluster.start_operator(0, leading=True), cluster.start_operator(1, leading=False)
    cluster.start_plane()
    cluster.start_envoy()
    snapshot = cluster.snapshot(cluster.inputs())
    second.do(lambda server: server.publish(snapshot))
    first.publish(snapshot)
    cluster.wait_until(cluster.answers, "a request is answered")

    cluster.authority.renew()
    for role in NAMES:
        cluster.authority.issue(role)
    with Traffic(cluster) as traffic:
        # Whoever goes to the new leader connects anew.
        first.do(lambda server: server.lead(False))
        second.do(lambda server: server.lead(True))
        cluster.wait_until(second.complete, "all are with the new leader, by new certificates")
        more = policy("plain", models=["auto"], attach={"pathPrefix": "/more"})
        second.publish(cluster.snapshot(cluster.inputs(policies={**cluster.inputs().policies, "ai/more": more})))
    assert traffic.failures == []

    cluster.end("data-plane")
    cluster.start_plane()
    cluster.wait_until(cluster.answers, "Envoy connects to a new data plane, by new certificates")


def test_an_envoy_whose_certificate_is_a_data_planes_gets_nothing(cluster: Cluster) -> None:
    cluster.authority.issue("envoy", NAMES["data-plane"])
    operator = cluster.start_operator(0, leading=True)
    operator.do(lambda server: server.publish(cluster.snapshot(cluster.inputs())))
    cluster.start_envoy()
    cluster.wait_until(lambda: cluster.stats("^server.live$"), "Envoy runs")
    cluster.wait_until(
        lambda: (
            cluster.stats(r"^control_plane\.connected_state$").get("control_plane.connected_state") == 0
            and cluster.stats(r"^cluster\.operator\.upstream_rq_total$").get("cluster.operator.upstream_rq_total", 0)
            > 2
        ),
        "it has tried",
    )
    assert not operator.sent
    assert operator.do(lambda server: server.subscribers) == {}
