"""Clusters: one per pool, the data plane's, and the empty one that a request without a decision meets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Final

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.envoy.balancing import picked_balancing
from forebay_operator.envoy.door import door
from forebay_operator.envoy.encoding import constant
from forebay_operator.envoy.endpoints import load_assignment
from forebay_operator.envoy.identity import peer_socket
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.envoy.messages import (
    UNBOUNDED,
    from_ads,
    is_ip,
    packed,
    parsed_address,
    span,
)
from forebay_operator.envoy.proto import (
    cluster,
    core,
    endpoint,
    types,
    upstream_http,
)
from forebay_operator.envoy.trust import verified_tls

MOST_EJECTED: Final = 99
"""Percent. Envoy counts the endpoint it is about to eject, so a hundred endpoints keep one and fewer keep one, too."""
MOMENT: Final = timedelta(milliseconds=250)
DATA_PLANE: Final = "data-plane"
UNDECIDED: Final = "undecided"
HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def pool_cluster(
    pool: str,
    spec: PoolSpec,
    *,
    credential: bool,
    trust_ca: str | None,
    picked: bool = False,
    by_name: endpoint.ClusterLoadAssignment | None = None,
) -> cluster.Cluster:
    """The pool's servers, wherever EDS says that they are: it does not change when they come and go.

    `credential` says that a secret of this pool goes out by SDS; `picked`, that a picker names the server; `by_name`
    are servers that DNS has to find.
    """
    name = names.pool_cluster(pool)
    external = spec.backend.external
    made = cluster.Cluster(
        name=name,
        connect_timeout=span(spec.resilience.connect_timeout),
        lb_policy=cluster.ClusterLbPolicy.LEAST_REQUEST,
        common_lb_config=prompt_health(),
        circuit_breakers=unbounded(),
        outlier_detection=_outlier_detection(spec),
        typed_extension_protocol_options={HTTP_OPTIONS: packed(_http_options(pool, spec, credential))},
    )
    if picked:
        made.load_balancing_policy = picked_balancing()
    if external is not None:
        made.transport_socket = verified_tls(external, trust_ca)
    if by_name is not None:
        # A bought endpoint's name stands for a whole fleet: connect to what it resolves to now.
        made.type = cluster.ClusterDiscoveryType.LOGICAL_DNS if external else cluster.ClusterDiscoveryType.STRICT_DNS
        made.dns_lookup_family = cluster.ClusterDnsLookupFamily.V4_PREFERRED
        made.load_assignment = by_name
    else:
        made.type = cluster.ClusterDiscoveryType.EDS
        made.eds_cluster_config = cluster.ClusterEdsClusterConfig(eds_config=from_ads())
    return made


def data_plane_cluster(data_plane: DataPlane) -> cluster.Cluster:
    """All workers. A dead one is noticed by its first refused connection, or within half a second by its health.

    They come by EDS, so that one more or less warms nothing again; what has a host name has to be found by DNS.
    """
    hosts = data_plane_hosts(data_plane)
    named = by_name(hosts)
    made = cluster.Cluster(
        name=DATA_PLANE,
        type=cluster.ClusterDiscoveryType.STRICT_DNS if named else cluster.ClusterDiscoveryType.EDS,
        eds_cluster_config=None if named else cluster.ClusterEdsClusterConfig(eds_config=from_ads()),
        load_assignment=load_assignment(DATA_PLANE, hosts) if named else None,
        connect_timeout=timedelta(milliseconds=250),
        lb_policy=cluster.ClusterLbPolicy.LEAST_REQUEST,
        common_lb_config=prompt_health(),
        circuit_breakers=unbounded(),
        close_connections_on_host_health_failure=True,
        health_checks=[
            core.HealthCheck(
                timeout=timedelta(seconds=1),
                interval=timedelta(milliseconds=500),
                no_traffic_interval=timedelta(milliseconds=500),
                unhealthy_interval=timedelta(milliseconds=250),
                unhealthy_threshold=2,
                healthy_threshold=1,
                grpc_health_check=core.HealthCheckGrpcHealthCheck(),
            )
        ],
        outlier_detection=rested_at_once(),
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
    if data_plane.tls is not None:
        made.transport_socket = peer_socket(data_plane.tls)
    return made


def data_plane_hosts(data_plane: DataPlane) -> list[core.Address]:
    return [parsed_address(address) for address in data_plane.addresses]


def by_name(hosts: Iterable[core.Address]) -> bool:
    """Whether DNS has to find any of them."""
    return any(h.socket_address is not None and not is_ip(h.socket_address.address) for h in hosts)


def rested_at_once(longest: timedelta = MOMENT) -> cluster.OutlierDetection:
    """For servers that answer in a moment: one that cannot be reached is left out at once, for a moment. While that
    goes on the moments grow to the `longest`."""
    return cluster.OutlierDetection(
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=1,
        enforcing_consecutive_local_origin_failure=100,
        enforcing_consecutive_5xx=0,
        enforcing_success_rate=0,
        enforcing_local_origin_success_rate=0,
        interval=timedelta(milliseconds=250),
        base_ejection_time=MOMENT,
        max_ejection_time=longest,
        max_ejection_percent=100,
        successful_active_health_check_uneject_host=True,
    )


def undecided_cluster() -> cluster.Cluster:
    """No endpoint: 503. A catch-all without failOpen names it, because a direct response would lift the body limit."""
    return cluster.Cluster(
        name=UNDECIDED,
        type=cluster.ClusterDiscoveryType.STATIC,
        load_assignment=load_assignment(UNDECIDED, []),
    )


@cache
def unbounded() -> cluster.CircuitBreakers:
    every = cluster.CircuitBreakersThresholds(
        max_connections=UNBOUNDED, max_pending_requests=UNBOUNDED, max_requests=UNBOUNDED, max_retries=UNBOUNDED
    )
    return constant(cluster.CircuitBreakers(thresholds=[every]))


@cache
def prompt_health() -> cluster.ClusterCommonLbConfig:
    """Never send to a host that is known to be down: fail at once instead, so that a fallback can answer.

    Envoy gathers health changes for a second before its workers hear of them; here they hear at once.
    """
    return constant(
        cluster.ClusterCommonLbConfig(
            healthy_panic_threshold=types.Percent(value=0.0), update_merge_window=timedelta(0)
        )
    )


def _outlier_detection(spec: PoolSpec) -> cluster.OutlierDetection:
    """Ejects nearly all endpoints, and never the last one: a pool whose last server answers badly still answers.

    A share, because the number of endpoints must not change the cluster.
    """
    resting = span(spec.resilience.outlier_detection.ejection_time)
    return cluster.OutlierDetection(
        consecutive_5xx=spec.resilience.outlier_detection.consecutive_failures,
        interval=timedelta(seconds=1),
        base_ejection_time=resting,
        max_ejection_time=max(resting, timedelta(seconds=300)),
        max_ejection_percent=MOST_EJECTED,
        enforcing_success_rate=0,
    )


def _http_options(pool: str, spec: PoolSpec, credential: bool) -> upstream_http.HttpProtocolOptions:
    options = upstream_http.HttpProtocolOptions(http_filters=door(pool, spec, credential=credential))
    if spec.backend.external is None:
        options.explicit_http_config = upstream_http.HttpProtocolOptionsExplicitHttpConfig(
            http_protocol_options=core.Http1ProtocolOptions()
        )
    else:
        options.auto_config = upstream_http.HttpProtocolOptionsAutoHttpConfig(
            http_protocol_options=core.Http1ProtocolOptions(), http2_protocol_options=core.Http2ProtocolOptions()
        )
    return options
