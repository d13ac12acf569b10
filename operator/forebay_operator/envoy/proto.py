"""The door to `envoy_data_plane`: generated modules under short names.

Its classes use a pydantic feature that warns when they are defined; that is the package's business, not the operator's
log's, so the warning is silenced for the import and nowhere else.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import envoy_data_plane.envoy.config.accesslog.v3 as accesslog
    import envoy_data_plane.envoy.config.bootstrap.v3 as bootstrap
    import envoy_data_plane.envoy.config.cluster.v3 as cluster
    import envoy_data_plane.envoy.config.common.mutation_rules.v3 as mutation_rules
    import envoy_data_plane.envoy.config.core.v3 as core
    import envoy_data_plane.envoy.config.endpoint.v3 as endpoint
    import envoy_data_plane.envoy.config.listener.v3 as listener
    import envoy_data_plane.envoy.config.overload.v3 as overload
    import envoy_data_plane.envoy.config.route.v3 as route
    import envoy_data_plane.envoy.extensions.access_loggers.file.v3 as file_log
    import envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 as cel_filter
    import envoy_data_plane.envoy.extensions.access_loggers.grpc.v3 as grpc_log
    import envoy_data_plane.envoy.extensions.bootstrap.internal_listener.v3 as internal_listener
    import envoy_data_plane.envoy.extensions.clusters.aggregate.v3 as aggregate
    import envoy_data_plane.envoy.extensions.clusters.common.dns.v3 as common_dns
    import envoy_data_plane.envoy.extensions.clusters.composite.v3 as composite
    import envoy_data_plane.envoy.extensions.clusters.dns.v3 as dns
    import envoy_data_plane.envoy.extensions.compression.gzip.decompressor.v3 as gzip
    import envoy_data_plane.envoy.extensions.filters.common.set_filter_state.v3 as filter_state
    import envoy_data_plane.envoy.extensions.filters.http.credential_injector.v3 as credential_injector
    import envoy_data_plane.envoy.extensions.filters.http.decompressor.v3 as decompressor
    import envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 as ext_proc
    import envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 as header_mutation
    import envoy_data_plane.envoy.extensions.filters.http.header_to_metadata.v3 as header_to_metadata
    import envoy_data_plane.envoy.extensions.filters.http.json_to_metadata.v3 as json_to_metadata
    import envoy_data_plane.envoy.extensions.filters.http.jwt_authn.v3 as jwt_authn
    import envoy_data_plane.envoy.extensions.filters.http.lua.v3 as lua
    import envoy_data_plane.envoy.extensions.filters.http.router.v3 as router
    import envoy_data_plane.envoy.extensions.filters.http.set_filter_state.v3 as set_filter_state
    import envoy_data_plane.envoy.extensions.filters.http.upstream_codec.v3 as upstream_codec
    import envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 as hcm
    import envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation.v3 as early_mutation
    import envoy_data_plane.envoy.extensions.http.injected_credentials.generic.v3 as generic_credential
    import envoy_data_plane.envoy.extensions.load_balancing_policies.least_request.v3 as least_request
    import envoy_data_plane.envoy.extensions.load_balancing_policies.override_host.v3 as override_host
    import envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections.v3 as connection_monitor
    import envoy_data_plane.envoy.extensions.resource_monitors.fixed_heap.v3 as fixed_heap
    import envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 as previous_hosts
    import envoy_data_plane.envoy.extensions.transport_sockets.raw_buffer.v3 as raw_buffer
    import envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 as tls
    import envoy_data_plane.envoy.extensions.upstreams.http.v3 as upstream_http
    import envoy_data_plane.envoy.type.matcher.v3 as matcher
    import envoy_data_plane.envoy.type.tracing.v3 as tracing
    import envoy_data_plane.envoy.type.v3 as types
    import envoy_data_plane.google.protobuf as protobuf
    from envoy_data_plane.message_pool import default_message_pool

__all__ = [
    "accesslog",
    "aggregate",
    "bootstrap",
    "cel_filter",
    "cluster",
    "common_dns",
    "composite",
    "connection_monitor",
    "core",
    "credential_injector",
    "decompressor",
    "default_message_pool",
    "dns",
    "early_mutation",
    "endpoint",
    "ext_proc",
    "file_log",
    "filter_state",
    "fixed_heap",
    "generic_credential",
    "grpc_log",
    "gzip",
    "hcm",
    "header_mutation",
    "header_to_metadata",
    "internal_listener",
    "json_to_metadata",
    "jwt_authn",
    "least_request",
    "listener",
    "lua",
    "matcher",
    "mutation_rules",
    "overload",
    "override_host",
    "previous_hosts",
    "protobuf",
    "raw_buffer",
    "route",
    "router",
    "set_filter_state",
    "tls",
    "tracing",
    "types",
    "upstream_codec",
    "upstream_http",
]
