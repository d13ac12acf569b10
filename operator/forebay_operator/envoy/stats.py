"""What others may see of Envoy: that it is alive, whether it is ready, and its metrics. Nothing that changes anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from forebay_operator.envoy.endpoints import load_assignment
from forebay_operator.envoy.filters import route_filter
from forebay_operator.envoy.messages import packed, parsed_address
from forebay_operator.envoy.proto import cluster, hcm, listener, matcher, route

ADMIN: Final = "admin"
STATS: Final = "stats"
SHOWN: Final = ("/ready", "/stats/prometheus")
"""Paths of the admin interface."""
LIVE: Final = "/live"
"""Answered by a worker thread: a connection alone would be the kernel's doing, whatever has become of Envoy."""


def admin_cluster(admin: str) -> cluster.Cluster:
    return cluster.Cluster(
        name=ADMIN,
        type=cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(seconds=1),
        load_assignment=load_assignment(ADMIN, [parsed_address(admin)]),
    )


def stats_listener(address: str) -> listener.Listener:
    """GET of these paths and no other, once Envoy has its first configuration; beyond the limits of connections and
    memory, too."""
    get = route.HeaderMatcher(name=":method", string_match=matcher.StringMatcher(exact="GET"))
    shown = [
        route.Route(
            match=route.RouteMatch(path=path, headers=[get]),
            route=route.RouteAction(cluster=ADMIN, timeout=timedelta(seconds=10)),
        )
        for path in SHOWN
    ]
    shown.append(
        route.Route(
            match=route.RouteMatch(path=LIVE, headers=[get]), direct_response=route.DirectResponseAction(status=200)
        )
    )
    manager = hcm.HttpConnectionManager(
        stat_prefix=STATS,
        route_config=route.RouteConfiguration(
            name=STATS, virtual_hosts=[route.VirtualHost(name=STATS, domains=["*"], routes=shown)]
        ),
        http_filters=[route_filter()],
        request_headers_timeout=timedelta(seconds=10),
        stream_idle_timeout=timedelta(seconds=15),
    )
    chain = listener.FilterChain(
        filters=[listener.Filter(name="envoy.filters.network.http_connection_manager", typed_config=packed(manager))]
    )
    return listener.Listener(
        name=STATS,
        address=parsed_address(address),
        filter_chains=[chain],
        ignore_global_conn_limit=True,
        bypass_overload_manager=True,
    )
