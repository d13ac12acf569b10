"""An inference pool's endpoint picker: it chooses the replica, in the pool's room, by the endpoint picker protocol.

The room's ext_proc filter shows the picker headers and body as they will go upstream; its answer names the server in a
header. The pool's cluster sends to the server so named if it is one of the pool's, whatever Envoy thinks of its health;
where nothing is named (the picker is away, and the InferencePool says FailOpen) or nothing of the pool's, to the least
busy one. So a picker steers, and can never send a request out of its pool.

Source: gateway-api-inference-extension, proposal 004 (endpoint picker protocol).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from forebay_decision import names
from forebay_operator.envoy.clusters import HTTP_OPTIONS, prompt_health, unbounded
from forebay_operator.envoy.messages import extension, from_ads, http_filter, packed
from forebay_operator.envoy.proto import (
    cluster,
    core,
    ext_proc,
    hcm,
    header_mutation,
    least_request,
    matcher,
    mutation_rules,
    override_host,
    protobuf,
    tls,
    types,
    upstream_http,
)

HEADER_MUTATION: Final = "envoy.filters.http.header_mutation"
PICKED: Final = "x-gateway-destination-endpoint"
OBJECTIVE: Final = "x-gateway-inference-objective"
UNTRUSTED: Final = ("x-gateway-destination-endpoint", "x-gateway-model-name")
"""Prefixes of what the protocol lets gateways and pickers say: who serves, out of whom, and under which model's name."""
MESSAGE_TIMEOUT: Final = timedelta(seconds=2)


def picker_cluster_name(pool: str) -> str:
    return f"picker/{pool}"


def picker_cluster(pool: str, *, encrypted: bool) -> cluster.Cluster:
    """The picker's servers. Their certificates are made by themselves, so encryption is all that TLS gives here."""
    made = cluster.Cluster(
        name=picker_cluster_name(pool),
        type=cluster.ClusterDiscoveryType.EDS,
        eds_cluster_config=cluster.ClusterEdsClusterConfig(eds_config=from_ads()),
        connect_timeout=timedelta(milliseconds=500),
        lb_policy=cluster.ClusterLbPolicy.LEAST_REQUEST,
        common_lb_config=prompt_health(),
        circuit_breakers=unbounded(),
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
    if encrypted:
        context = tls.UpstreamTlsContext(common_tls_context=tls.CommonTlsContext(alpn_protocols=["h2"]))
        made.transport_socket = core.TransportSocket(
            name="envoy.transport_sockets.tls", typed_config=packed(context)
        )
    return made


def picker_filters(pool: str, *, fail_open: bool) -> list[hcm.HttpFilter]:
    """Take off what only gateways and pickers may say, then ask."""
    return [
        http_filter(HEADER_MUTATION, header_mutation.HeaderMutation()),
        http_filter("envoy.filters.http.ext_proc", _asking(pool, fail_open)),
    ]


def spoken_for(objective: str | None) -> protobuf.Any:
    """A route's part of the filters: what the caller may not say comes off, the pool's objective goes on."""
    mutations = [
        mutation_rules.HeaderMutation(
            remove_on_match=mutation_rules.HeaderMutationRemoveOnMatch(key_matcher=matcher.StringMatcher(prefix=prefix))
        )
        for prefix in UNTRUSTED
    ]
    if objective is not None:
        mutations.append(
            mutation_rules.HeaderMutation(
                append=core.HeaderValueOption(
                    header=core.HeaderValue(key=OBJECTIVE, value=objective),
                    append_action=core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
                )
            )
        )
    return packed(
        header_mutation.HeaderMutationPerRoute(mutations=header_mutation.Mutations(request_mutations=mutations))
    )


def picked_balancing() -> cluster.LoadBalancingPolicy:
    """The server that the picker names, else the least busy one."""
    return _policy(
        "envoy.load_balancing_policies.override_host",
        override_host.OverrideHost(
            override_host_sources=[override_host.OverrideHostOverrideHostSource(header=PICKED)],
            fallback_policy=_policy("envoy.load_balancing_policies.least_request", least_request.LeastRequest()),
        ),
    )


def _policy(name: str, config: override_host.OverrideHost | least_request.LeastRequest) -> cluster.LoadBalancingPolicy:
    return cluster.LoadBalancingPolicy(
        policies=[cluster.LoadBalancingPolicyPolicy(typed_extension_config=extension(name, config))]
    )


def _asking(pool: str, fail_open: bool) -> ext_proc.ExternalProcessor:
    send, skip = ext_proc.ProcessingModeHeaderSendMode.SEND, ext_proc.ProcessingModeHeaderSendMode.SKIP
    return ext_proc.ExternalProcessor(
        grpc_service=core.GrpcService(
            envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=picker_cluster_name(pool)),
        ),
        failure_mode_allow=fail_open,
        processing_mode=ext_proc.ProcessingMode(
            request_header_mode=send,
            request_body_mode=ext_proc.ProcessingModeBodySendMode.FULL_DUPLEX_STREAMED,
            request_trailer_mode=send,
            response_header_mode=skip,
            response_body_mode=ext_proc.ProcessingModeBodySendMode.NONE,
            response_trailer_mode=skip,
        ),
        message_timeout=MESSAGE_TIMEOUT,
        stat_prefix="picker",
        forward_rules=ext_proc.HeaderForwardingRules(
            disallowed_headers=matcher.ListStringMatcher(
                patterns=[
                    *(matcher.StringMatcher(exact=name) for name in names.CREDENTIAL_HEADERS),
                    matcher.StringMatcher(prefix=names.HEADER_PREFIX),
                ]
            )
        ),
        status_on_error=types.HttpStatus(code=types.StatusCode.ServiceUnavailable),
    )
