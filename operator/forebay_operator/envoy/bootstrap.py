"""What Envoy starts with: who it is, where the operator is, and its own limits. The rest comes by delta ADS."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from forebay_operator.envoy.clusters import HTTP_OPTIONS
from forebay_operator.envoy.endpoints import load_assignment
from forebay_operator.envoy.messages import extension, is_ip, packed, parsed_address, struct
from forebay_operator.envoy.proto import bootstrap as boot
from forebay_operator.envoy.proto import (
    cluster,
    connection_monitor,
    core,
    internal_listener,
    overload,
    upstream_http,
)

OPERATOR: Final = "operator"
MAX_CONNECTIONS: Final = 50_000


def bootstrap(
    *, operator: str, admin: str, node_id: str, node_cluster: str = "forebay", max_connections: int = MAX_CONNECTIONS
) -> dict[str, Any]:
    """Envoy's bootstrap as JSON-ready data.

    `operator` and `admin` are ``unix:/path`` or ``host:port``; the admin interface can stop Envoy, so keep it to a
    loopback address or a private path. Connections over `max_connections` are refused at accept.
    """
    made = boot.Bootstrap(
        node=core.Node(id=node_id, cluster=node_cluster),
        admin=boot.Admin(address=parsed_address(admin)),
        static_resources=boot.BootstrapStaticResources(clusters=[_operator_cluster(operator)]),
        dynamic_resources=_dynamic_resources(),
        bootstrap_extensions=[
            extension("envoy.bootstrap.internal_listener", internal_listener.InternalListener(buffer_size_kb=1024))
        ],
        layered_runtime=boot.LayeredRuntime(layers=[boot.RuntimeLayer(name="forebay", static_layer=struct({}))]),
        overload_manager=_connection_limit(max_connections),
    )
    return made.to_dict()


def _dynamic_resources() -> boot.BootstrapDynamicResources:
    ads = core.ConfigSource(ads=core.AggregatedConfigSource(), resource_api_version=core.ApiVersion.V3)
    return boot.BootstrapDynamicResources(
        ads_config=core.ApiConfigSource(
            api_type=core.ApiConfigSourceApiType.DELTA_GRPC,
            transport_api_version=core.ApiVersion.V3,
            grpc_services=[core.GrpcService(envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=OPERATOR))],
            set_node_on_first_message_only=True,
        ),
        lds_config=ads,
        cds_config=ads,
    )


def _operator_cluster(address: str) -> cluster.Cluster:
    host = parsed_address(address)
    by_name = host.socket_address is not None and not is_ip(host.socket_address.address)
    return cluster.Cluster(
        name=OPERATOR,
        type=cluster.ClusterDiscoveryType.STRICT_DNS if by_name else cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(seconds=1),
        load_assignment=load_assignment(OPERATOR, [host]),
        typed_extension_protocol_options={
            HTTP_OPTIONS: packed(
                upstream_http.HttpProtocolOptions(
                    explicit_http_config=upstream_http.HttpProtocolOptionsExplicitHttpConfig(
                        http2_protocol_options=core.Http2ProtocolOptions(
                            connection_keepalive=core.KeepaliveSettings(
                                interval=timedelta(seconds=10), timeout=timedelta(seconds=5)
                            )
                        )
                    )
                )
            )
        },
    )


def _connection_limit(most: int) -> overload.OverloadManager:
    monitor = connection_monitor.DownstreamConnectionsConfig(max_active_downstream_connections=most)
    return overload.OverloadManager(
        resource_monitors=[
            overload.ResourceMonitor(
                name="envoy.resource_monitors.global_downstream_max_connections", typed_config=packed(monitor)
            )
        ]
    )
