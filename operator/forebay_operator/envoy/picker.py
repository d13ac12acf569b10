"""An inference pool's endpoint picker: it chooses the server, by the endpoint picker protocol.

It is asked in an internal listener of the pool's own. The ext_proc filter there shows it headers and body as they will
go upstream; its answer names the server in a header. The pool's cluster sends to the server so named if it is one of
the pool's, whatever Envoy thinks of its health, and to the least busy one where nothing is named. So a picker steers,
and can never send a request out of its pool.

Full duplex fails closed once the body is under way, so FailOpen is not the filter's: an answer that says the picker was
not heard is tried a second time by whoever led here (actions.picker_action), and the second attempt asks nobody.

Source: gateway-api-inference-extension, proposal 004 (endpoint picker protocol).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.envoy.actions import picked_listener, server_action
from forebay_operator.envoy.balancing import PICKED
from forebay_operator.envoy.clusters import HTTP_OPTIONS, prompt_health, rested_at_once, unbounded
from forebay_operator.envoy.filters import EXT_PROC, another_server, route_filter
from forebay_operator.envoy.internal import internal_listener
from forebay_operator.envoy.local_replies import picker_replies
from forebay_operator.envoy.messages import from_ads, http_filter, packed, span
from forebay_operator.envoy.proto import (
    cluster,
    core,
    ext_proc,
    header_mutation,
    listener,
    matcher,
    mutation_rules,
    protobuf,
    route,
    tls,
    types,
    upstream_http,
)

HEADER_MUTATION: Final = "envoy.filters.http.header_mutation"
OBJECTIVE: Final = "x-gateway-inference-objective"
UNTRUSTED: Final = ("x-gateway-destination-endpoint", "x-gateway-model-name")
"""Prefixes of what the protocol lets gateways and pickers say: who serves, out of whom, and under which model's name."""
PICK_SECONDS: Final = 30
"""Longest silence of a picker. Long, because one with flow control lets requests queue; one that is dead or frozen is
noticed in four seconds, by its connection."""


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
        outlier_detection=rested_at_once(timedelta(seconds=2)),
        typed_extension_protocol_options={
            HTTP_OPTIONS: packed(
                upstream_http.HttpProtocolOptions(
                    explicit_http_config=upstream_http.HttpProtocolOptionsExplicitHttpConfig(
                        http2_protocol_options=core.Http2ProtocolOptions(
                            connection_keepalive=core.KeepaliveSettings(
                                interval=timedelta(seconds=2), timeout=timedelta(seconds=2)
                            )
                        )
                    )
                )
            )
        },
    )
    if encrypted:
        context = tls.UpstreamTlsContext(common_tls_context=tls.CommonTlsContext(alpn_protocols=["h2"]))
        made.transport_socket = core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(context))
    return made


def picker_listener(pool: str) -> listener.Listener:
    """Take off what only gateways and pickers may say, ask, and go where the answer says."""
    filters = [
        http_filter(HEADER_MUTATION, header_mutation.HeaderMutation()),
        http_filter(EXT_PROC, _asking(pool)),
        route_filter(),
    ]
    return internal_listener(picked_listener(pool), filters, picker_replies())


def picker_routes(pool: str, spec: PoolSpec) -> route.RouteConfiguration:
    """Three routes to one cluster: without the picker, with its answer, and while it is waited for.

    The filter's configuration is that of the first route, the time-out for silence that of the route after the answer.
    """
    room = picked_listener(pool)
    spoken = {HEADER_MUTATION: _spoken_for(spec)}
    unasked = {**spoken, EXT_PROC: packed(ext_proc.ExtProcPerRoute(disabled=True))}
    again = route.HeaderMatcher(name="x-envoy-attempt-count", string_match=matcher.StringMatcher(exact="2"))
    answered = route.HeaderMatcher(name=PICKED, present_match=True)
    waiting = server_action(pool, spec)
    waiting.idle_timeout = min(span(spec.resilience.request_timeout), timedelta(seconds=PICK_SECONDS))
    routes = [
        _route(f"{room}/unasked", server_action(pool, spec), unasked, again),
        _route(f"{room}/answered", server_action(pool, spec), spoken, answered),
        _route(room, waiting, spoken),
    ]
    return route.RouteConfiguration(
        name=room,
        virtual_hosts=[route.VirtualHost(name=room, domains=["*"], routes=routes)],
        validate_clusters=False,
    )


def _route(
    name: str, action: route.RouteAction, filters: dict[str, protobuf.Any], *headers: route.HeaderMatcher
) -> route.Route:
    return route.Route(
        name=name,
        match=route.RouteMatch(prefix="/", headers=list(headers)),
        route=action,
        typed_per_filter_config=filters,
    )


def _spoken_for(spec: PoolSpec) -> protobuf.Any:
    """What the caller may not say comes off, and the pool's objective goes on."""
    mutations = [
        mutation_rules.HeaderMutation(
            remove_on_match=mutation_rules.HeaderMutationRemoveOnMatch(key_matcher=matcher.StringMatcher(prefix=prefix))
        )
        for prefix in UNTRUSTED
    ]
    objective = spec.backend.inference_pool.objective if spec.backend.inference_pool else None
    if objective is not None:
        told = core.HeaderValueOption(
            header=core.HeaderValue(key=OBJECTIVE, value=objective),
            append_action=core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
        )
        mutations.append(mutation_rules.HeaderMutation(append=told))
    return packed(
        header_mutation.HeaderMutationPerRoute(mutations=header_mutation.Mutations(request_mutations=mutations))
    )


def _asking(pool: str) -> ext_proc.ExternalProcessor:
    """Full duplex, as the protocol has it. Credentials and headers of ours are nothing to a picker."""
    send, skip = ext_proc.ProcessingModeHeaderSendMode.SEND, ext_proc.ProcessingModeHeaderSendMode.SKIP
    return ext_proc.ExternalProcessor(
        grpc_service=core.GrpcService(
            envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=picker_cluster_name(pool)),
            retry_policy=another_server("connect-failure,refused-stream,unavailable"),
        ),
        processing_mode=ext_proc.ProcessingMode(
            request_header_mode=send,
            request_body_mode=ext_proc.ProcessingModeBodySendMode.FULL_DUPLEX_STREAMED,
            request_trailer_mode=send,
            response_header_mode=skip,
            response_body_mode=ext_proc.ProcessingModeBodySendMode.NONE,
            response_trailer_mode=send,
        ),
        allow_content_length_header=True,
        route_cache_action=ext_proc.ExternalProcessorRouteCacheAction.CLEAR,
        stat_prefix="picker",
        forward_rules=ext_proc.HeaderForwardingRules(
            disallowed_headers=matcher.ListStringMatcher(
                patterns=[
                    *(matcher.StringMatcher(exact=name) for name in names.CREDENTIAL_HEADERS),
                    *(matcher.StringMatcher(prefix=prefix) for prefix in (names.HEADER_PREFIX, "x-envoy-")),
                ]
            )
        ),
        status_on_error=types.HttpStatus(code=types.StatusCode.ServiceUnavailable),
    )
