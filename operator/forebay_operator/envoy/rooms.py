"""Rooms and chains: an internal listener per pool that may be a hop, and composite clusters that walk them.

A composite cluster tries its members in order, one a retry. Its members are rooms: each applies its own pool's edits
to the body and meets its own pool's route, so every hop has its own model name, credential, time-outs and retries.
"""

from __future__ import annotations

from datetime import timedelta

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.envoy.actions import pool_action
from forebay_operator.envoy.attachment import EDIT_ROOM, unavailable
from forebay_operator.envoy.clusters import HTTP_OPTIONS, unbounded
from forebay_operator.envoy.endpoints import load_assignment
from forebay_operator.envoy.explanations import SERVED, response_headers
from forebay_operator.envoy.filters import LUA, lua_scripts, route_filter
from forebay_operator.envoy.local_replies import local_replies
from forebay_operator.envoy.messages import from_ads, packed, struct
from forebay_operator.envoy.proto import cluster, composite, core, hcm, listener, lua, protobuf, route, upstream_http

LARGEST_BODY = 64 << 20
"""maxRequestBytes goes no higher; the public route has already held the body to its policy's own limit."""


def composite_cluster(chain: str, order: tuple[str, ...]) -> cluster.Cluster:
    members = [composite.ClusterConfigClusterEntry(name=names.room_listener(pool)) for pool in order]
    return cluster.Cluster(
        name=chain,
        connect_timeout=timedelta(seconds=1),
        lb_policy=cluster.ClusterLbPolicy.CLUSTER_PROVIDED,
        circuit_breakers=unbounded(),
        cluster_type=cluster.ClusterCustomClusterType(
            name="envoy.clusters.composite", typed_config=packed(composite.ClusterConfig(clusters=members))
        ),
    )


def room_cluster(pool: str) -> cluster.Cluster:
    """The way into a pool's room."""
    room = names.room_listener(pool)
    door = core.Address(envoy_internal_address=core.EnvoyInternalAddress(server_listener_name=room))
    return cluster.Cluster(
        name=room,
        type=cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(seconds=1),
        circuit_breakers=unbounded(),
        load_assignment=load_assignment(room, [door]),
        typed_extension_protocol_options={
            HTTP_OPTIONS: packed(
                upstream_http.HttpProtocolOptions(
                    explicit_http_config=upstream_http.HttpProtocolOptionsExplicitHttpConfig(
                        http_protocol_options=core.Http1ProtocolOptions()
                    )
                )
            )
        },
    )


def room_listener(pool: str) -> listener.Listener:
    """Nothing in it changes with the pool: its routes come by RDS, so that an edit drains nothing."""
    room = names.room_listener(pool)
    manager = hcm.HttpConnectionManager(
        stat_prefix="room",
        rds=hcm.Rds(config_source=from_ads(), route_config_name=room),
        generate_request_id=False,
        server_header_transformation=hcm.HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH,
        stream_idle_timeout=timedelta(0),
        local_reply_config=local_replies(),
        http_filters=[lua_scripts(), route_filter()],
    )
    return listener.Listener(
        name=room,
        internal_listener=listener.ListenerInternalListenerConfig(),
        filter_chains=[
            listener.FilterChain(
                filters=[
                    listener.Filter(name="envoy.filters.network.http_connection_manager", typed_config=packed(manager))
                ]
            )
        ],
    )


def room_routes(pool: str, spec: PoolSpec, *, secret_missing: bool) -> route.RouteConfiguration:
    """One route: the hop's edits, then the pool."""
    room = names.room_listener(pool)
    match = route.RouteMatch(prefix="/")
    if secret_missing:
        only = unavailable(room, match, pool)
    else:
        hop: protobuf.Any = packed(lua.LuaPerRoute(name="hop", filter_context=struct({"pool": pool})))
        only = route.Route(
            name=room,
            match=match,
            route=pool_action(pool, spec),
            typed_per_filter_config={LUA: hop},
            response_headers_to_add=response_headers(SERVED),
            request_body_buffer_limit=LARGEST_BODY + EDIT_ROOM,
        )
    return route.RouteConfiguration(
        name=room,
        virtual_hosts=[route.VirtualHost(name=room, domains=["*"], routes=[only])],
        validate_clusters=False,
    )
