"""Rooms and chains: an internal listener per pool that may be a hop, and composite clusters that walk them.

A composite cluster tries its members in order, one a retry. Its members are rooms: each applies its own pool's edits
to the body and meets its own pool's route, so every hop has its own model name, credential, time-outs and retries.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.actions import pool_action
from forebay_operator.envoy.attachment import EDIT_ROOM, unavailable
from forebay_operator.envoy.clusters import unbounded
from forebay_operator.envoy.explanations import SERVED, response_headers
from forebay_operator.envoy.filters import LUA, lua_scripts, route_filter
from forebay_operator.envoy.internal import internal_cluster, internal_listener
from forebay_operator.envoy.local_replies import local_replies
from forebay_operator.envoy.messages import packed, struct
from forebay_operator.envoy.proto import cluster, composite, listener, lua, protobuf, route

LARGEST_BODY = 64 << 20
"""maxRequestBytes goes no higher; the public route has already held the body to its policy's own limit."""


def composite_cluster(chain: str, members: Iterable[str]) -> cluster.Cluster:
    """`members` are clusters, in the order in which they are tried."""
    entries = [composite.ClusterConfigClusterEntry(name=member) for member in members]
    return cluster.Cluster(
        name=chain,
        connect_timeout=timedelta(seconds=1),
        lb_policy=cluster.ClusterLbPolicy.CLUSTER_PROVIDED,
        circuit_breakers=unbounded(),
        cluster_type=cluster.ClusterCustomClusterType(
            name="envoy.clusters.composite", typed_config=packed(composite.ClusterConfig(clusters=entries))
        ),
    )


def room_cluster(pool: str) -> cluster.Cluster:
    """The way into a pool's room."""
    return internal_cluster(names.room_listener(pool))


def room_listener(pool: str) -> listener.Listener:
    """Nothing in it changes with the pool: its routes come by RDS, so that an edit drains nothing."""
    return internal_listener(names.room_listener(pool), [lua_scripts(), route_filter()], local_replies())


def room_routes(
    pool: str, spec: PoolSpec, *, secret_missing: bool, picker: FailureMode | None
) -> route.RouteConfiguration:
    """One route: the hop's edits, then the pool, by way of its picker where it has one."""
    room = names.room_listener(pool)
    if secret_missing:
        only = unavailable(room, route.RouteMatch(prefix="/"), pool)
    else:
        only = hop_route(room, pool, pool_action(pool, spec, picker))
    return room_table(room, only, counted=picker is not None)


def hop_route(room: str, pool: str, action: route.RouteAction) -> route.Route:
    """The hop's edits, then the action."""
    hop: protobuf.Any = packed(lua.LuaPerRoute(name="hop", filter_context=struct({"pool": pool})))
    return route.Route(
        name=room,
        match=route.RouteMatch(prefix="/"),
        route=action,
        typed_per_filter_config={LUA: hop},
        response_headers_to_add=response_headers(SERVED),
        request_body_buffer_limit=LARGEST_BODY + EDIT_ROOM,
    )


def room_table(room: str, only: route.Route, *, counted: bool = False) -> route.RouteConfiguration:
    """`counted` says that attempts tell their number."""
    return route.RouteConfiguration(
        name=room,
        virtual_hosts=[
            route.VirtualHost(name=room, domains=["*"], routes=[only], include_request_attempt_count=counted)
        ],
        validate_clusters=False,
    )
