"""Envoy's configuration for the two baselines: alone, and with a processor that decides nothing.

Both have what a minimal deployment of Forebay has (a listener, routes by cluster header, a cluster a pool) and nothing
else: no access log, no upstream filters, no health checks. What those cost is Forebay's to account for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

CONCURRENCY: Final = 2
"""As many workers as `forebay up` gives Envoy."""
CLUSTER: Final = "pool/default/small"
CLUSTER_HEADER: Final = "x-forebay-cluster"
_UNBOUNDED: Final = {
    "thresholds": [
        {"max_connections": 1 << 30, "max_pending_requests": 1 << 30, "max_requests": 1 << 30, "max_retries": 1 << 30}
    ]
}


def envoy_alone(port: int, upstream: int) -> dict[str, Any]:
    """A bootstrap that sends every request to the upstream."""
    return _bootstrap(port, [_route(cluster=CLUSTER)], [], [_pool(upstream)])


def envoy_with_processor(port: int, upstream: int, sockets: Sequence[str]) -> dict[str, Any]:
    """A bootstrap that asks the processors behind these Unix sockets for the cluster of every request."""
    chosen = _route(cluster=CLUSTER)
    chosen["match"]["headers"] = [{"name": CLUSTER_HEADER, "string_match": {"exact": CLUSTER}}]
    undecided = {"match": {"prefix": "/"}, "direct_response": {"status": 503}}
    return _bootstrap(port, [chosen, undecided], [_ext_proc()], [_pool(upstream), _processors(sockets)])


def _bootstrap(
    port: int, routes: list[dict[str, Any]], filters: list[dict[str, Any]], clusters: list[dict[str, Any]]
) -> dict[str, Any]:
    manager = {
        "@type": _type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "bench",
        "use_remote_address": True,
        "route_config": {"name": "bench", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [*filters, _filter("router", "router.v3.Router")],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listener = {"name": "bench", "address": _address(port), "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _route(cluster: str) -> dict[str, Any]:
    return {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "600s"}}


def _ext_proc() -> dict[str, Any]:
    mode = {
        "request_header_mode": "SEND",
        "request_body_mode": "BUFFERED",
        "response_header_mode": "SKIP",
        "response_body_mode": "NONE",
        "request_trailer_mode": "SKIP",
        "response_trailer_mode": "SKIP",
    }
    return _filter(
        "ext_proc",
        "ext_proc.v3.ExternalProcessor",
        grpc_service={"envoy_grpc": {"cluster_name": "processor"}},
        processing_mode=mode,
        message_timeout="2s",
    )


def _pool(port: int) -> dict[str, Any]:
    return {
        "name": CLUSTER,
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": "2s",
        "circuit_breakers": _UNBOUNDED,
        "load_assignment": _endpoints(CLUSTER, [_address(port)]),
    }


def _processors(sockets: Sequence[str]) -> dict[str, Any]:
    options = {
        "@type": _type("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "name": "processor",
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": "1s",
        "circuit_breakers": _UNBOUNDED,
        "load_assignment": _endpoints("processor", [{"pipe": {"path": path}} for path in sockets]),
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }


def _endpoints(cluster: str, addresses: list[dict[str, Any]]) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": address}} for address in addresses]
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": endpoints}]}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _filter(name: str, type_name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": _type(f"filters.http.{type_name}"), **fields},
    }


def _type(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.{name}"
