"""A cluster of clusters, the first of which that is there and has a server is used: Envoy Gateway makes and unmakes its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from forebay_operator.envoy.clusters import unbounded
from forebay_operator.envoy.messages import packed
from forebay_operator.envoy.proto import aggregate, cluster


def passing_over(name: str, members: Sequence[str]) -> cluster.Cluster:
    """Members that are not there are passed over. Their own filters do not run."""
    return cluster.Cluster(
        name=name,
        connect_timeout=timedelta(seconds=1),
        lb_policy=cluster.ClusterLbPolicy.CLUSTER_PROVIDED,
        circuit_breakers=unbounded(),
        cluster_type=cluster.ClusterCustomClusterType(
            name="envoy.clusters.aggregate", typed_config=packed(aggregate.ClusterConfig(clusters=list(members)))
        ),
    )
