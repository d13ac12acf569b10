"""Where Envoy finds the operator that leads: every replica's address, and which of them says that it serves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from forebay_operator.envoy.clusters import HTTP_OPTIONS, prompt_health
from forebay_operator.envoy.identity import PeerTls, peer_socket
from forebay_operator.envoy.messages import extension, is_ip, packed, parsed_address, struct
from forebay_operator.envoy.proto import cluster, common_dns, core, dns, endpoint, raw_buffer, upstream_http

OPERATOR: Final = "operator"
SERVICE: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"
MATCH: Final = "envoy.transport_socket_match"
STAND_IN: Final = "stand-in"


def operator_cluster(addresses: Sequence[str], tls: PeerTls | None, stand_in: str | None) -> cluster.Cluster:
    """All replicas, and behind them the stand-in (a loopback address, plaintext): last to be asked.

    Where there may be more than one host their health decides: only the leader says that it serves, and nobody else is
    ever asked.
    """
    hosts = [parsed_address(address) for address in addresses]
    by_name = any(h.socket_address is not None and not is_ip(h.socket_address.address) for h in hosts)
    groups = [_group(0, [endpoint.LbEndpoint(endpoint=endpoint.Endpoint(address=host)) for host in hosts])]
    if stand_in is not None:
        groups.append(_group(1, [_plain(stand_in)]))
    made = cluster.Cluster(
        name=OPERATOR,
        connect_timeout=timedelta(seconds=1),
        load_assignment=endpoint.ClusterLoadAssignment(cluster_name=OPERATOR, endpoints=groups),
        common_lb_config=prompt_health(),
        typed_extension_protocol_options={HTTP_OPTIONS: packed(_http2())},
    )
    if by_name:
        made.cluster_type = cluster.ClusterCustomClusterType(
            name="envoy.clusters.dns", typed_config=packed(_looked_up())
        )
    else:
        made.type = cluster.ClusterDiscoveryType.STATIC
    if by_name or len(hosts) > 1 or stand_in is not None:
        made.health_checks = [_health()]
    if tls is not None:
        made.transport_socket_matches = [
            cluster.ClusterTransportSocketMatch(
                name=STAND_IN, match=struct({STAND_IN: True}), transport_socket=_plaintext()
            ),
            cluster.ClusterTransportSocketMatch(name=OPERATOR, match=struct({}), transport_socket=peer_socket(tls)),
        ]
    return made


def _looked_up() -> dns.DnsCluster:
    """Every address of each name, looked up again and again: replicas move."""
    return dns.DnsCluster(
        dns_refresh_rate=timedelta(seconds=2),
        dns_failure_refresh_rate=dns.DnsClusterRefreshRate(
            base_interval=timedelta(milliseconds=500), max_interval=timedelta(seconds=2)
        ),
        dns_lookup_family=common_dns.DnsLookupFamily.V4_PREFERRED,
    )


def _group(priority: int, members: list[endpoint.LbEndpoint]) -> endpoint.LocalityLbEndpoints:
    return endpoint.LocalityLbEndpoints(priority=priority, lb_endpoints=members)


def _plain(address: str) -> endpoint.LbEndpoint:
    return endpoint.LbEndpoint(
        endpoint=endpoint.Endpoint(address=parsed_address(address)),
        metadata=core.Metadata(filter_metadata={MATCH: struct({STAND_IN: True})}),
    )


def _plaintext() -> core.TransportSocket:
    made = extension("envoy.transport_sockets.raw_buffer", raw_buffer.RawBuffer())
    return core.TransportSocket(name=made.name, typed_config=made.typed_config)


def _health() -> core.HealthCheck:
    """A new leader is seen within half a second. One that stops leading ends the stream itself; a busy one keeps it."""
    return core.HealthCheck(
        timeout=timedelta(seconds=1),
        interval=timedelta(seconds=1),
        no_traffic_interval=timedelta(milliseconds=500),
        unhealthy_interval=timedelta(milliseconds=500),
        unhealthy_threshold=2,
        healthy_threshold=1,
        grpc_health_check=core.HealthCheckGrpcHealthCheck(service_name=SERVICE),
    )


def _http2() -> upstream_http.HttpProtocolOptions:
    return upstream_http.HttpProtocolOptions(
        explicit_http_config=upstream_http.HttpProtocolOptionsExplicitHttpConfig(
            http2_protocol_options=core.Http2ProtocolOptions(
                connection_keepalive=core.KeepaliveSettings(
                    interval=timedelta(seconds=10), timeout=timedelta(seconds=5)
                )
            )
        )
    )
