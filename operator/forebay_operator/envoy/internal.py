"""Internal listeners: places inside Envoy where a request meets filters and routes of its own, and the ways in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from forebay_operator.envoy.clusters import HTTP_OPTIONS, unbounded
from forebay_operator.envoy.endpoints import load_assignment
from forebay_operator.envoy.messages import from_ads, packed
from forebay_operator.envoy.proto import cluster, core, hcm, listener, upstream_http


def internal_cluster(name: str) -> cluster.Cluster:
    """The way into the internal listener of the same name."""
    door = core.Address(envoy_internal_address=core.EnvoyInternalAddress(server_listener_name=name))
    return cluster.Cluster(
        name=name,
        type=cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(seconds=1),
        circuit_breakers=unbounded(),
        load_assignment=load_assignment(name, [door]),
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


def internal_listener(name: str, filters: Sequence[hcm.HttpFilter], errors: hcm.LocalReplyConfig) -> listener.Listener:
    """Its routes have its name and come by RDS, so that an edit drains nothing."""
    manager = hcm.HttpConnectionManager(
        stat_prefix=name.partition("/")[0],
        rds=hcm.Rds(config_source=from_ads(), route_config_name=name),
        generate_request_id=False,
        server_header_transformation=hcm.HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH,
        stream_idle_timeout=timedelta(0),
        local_reply_config=errors,
        http_filters=list(filters),
    )
    return listener.Listener(
        name=name,
        internal_listener=listener.ListenerInternalListenerConfig(),
        filter_chains=[
            listener.FilterChain(
                filters=[
                    listener.Filter(name="envoy.filters.network.http_connection_manager", typed_config=packed(manager))
                ]
            )
        ],
    )
