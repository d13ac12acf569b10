"""Public listeners: where clients connect, and what is done to a request before any filter or route sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from forebay_api.local import Listener
from forebay_decision import names
from forebay_operator.envoy.access_log import access_logs
from forebay_operator.envoy.filters import public_filters
from forebay_operator.envoy.hosts import ROUTES
from forebay_operator.envoy.local_replies import local_replies
from forebay_operator.envoy.messages import extension, from_ads, packed, socket_address
from forebay_operator.envoy.proto import core, early_mutation, hcm, listener, matcher, mutation_rules, tls
from forebay_operator.envoy.secrets import by_sds, certificate_name

UNTRUSTED_PREFIXES: Final = (names.HEADER_PREFIX, "x-envoy-")
"""Ours steer routing; Envoy's own steer time-outs and retries. Neither is a client's to set."""
CLIENT_SILENCE: Final = timedelta(seconds=60)
ARRIVAL: Final = timedelta(minutes=2)
"""Longest that a whole request may take to arrive, body included. Each that is on its way holds a stream of a data
plane's, and one byte a minute would break no silence."""


def public_listener(wanted: Listener) -> listener.Listener:
    """A listener whose configuration no policy or pool changes, so that edits never drain connections."""
    manager = packed(_connection_manager(wanted))
    chain = listener.FilterChain(
        filters=[listener.Filter(name="envoy.filters.network.http_connection_manager", typed_config=manager)]
    )
    if wanted.tls is not None:
        context = tls.DownstreamTlsContext(
            common_tls_context=tls.CommonTlsContext(
                tls_certificate_sds_secret_configs=[by_sds(certificate_name(wanted))],
                alpn_protocols=["h2", "http/1.1"],
            )
        )
        chain.transport_socket = core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=packed(context))
    return listener.Listener(
        name=listener_name(wanted),
        address=socket_address(wanted.address.strip("[]"), wanted.port),
        filter_chains=[chain],
    )


def listener_name(wanted: Listener) -> str:
    return f"public/{wanted.address}:{wanted.port}"


def _connection_manager(wanted: Listener) -> hcm.HttpConnectionManager:
    return hcm.HttpConnectionManager(
        stat_prefix="public",
        rds=hcm.Rds(config_source=from_ads(), route_config_name=ROUTES),
        http_filters=public_filters(wanted.jwt),
        access_log=access_logs(wanted),
        local_reply_config=local_replies(),
        early_header_mutation_extensions=[_untrusted_headers()],
        use_remote_address=True,
        # Policies name hosts; `localhost:10080` is `localhost`. Upstreams see the host without a port, too.
        strip_any_host_port=True,
        normalize_path=True,
        merge_slashes=True,
        # A model's name may hold an escaped slash: GET /v1/models/{id}.
        path_with_escaped_slashes_action=hcm.HttpConnectionManagerPathWithEscapedSlashesAction.KEEP_UNCHANGED,
        server_header_transformation=hcm.HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH,
        stream_idle_timeout=CLIENT_SILENCE,
        request_headers_timeout=timedelta(seconds=10),
        request_timeout=ARRIVAL,
        common_http_protocol_options=core.HttpProtocolOptions(
            idle_timeout=timedelta(minutes=10),
            # Many servers read x_api_key as x-api-key: a spelling that passes by what takes the client's headers off.
            headers_with_underscores_action=core.HttpProtocolOptionsHeadersWithUnderscoresAction.DROP_HEADER,
        ),
        http2_protocol_options=core.Http2ProtocolOptions(max_concurrent_streams=1000),
    )


def _untrusted_headers() -> core.TypedExtensionConfig:
    mutations = [
        mutation_rules.HeaderMutation(
            remove_on_match=mutation_rules.HeaderMutationRemoveOnMatch(key_matcher=matcher.StringMatcher(prefix=prefix))
        )
        for prefix in UNTRUSTED_PREFIXES
    ]
    return extension(
        "envoy.http.early_header_mutation.header_mutation", early_mutation.HeaderMutation(mutations=mutations)
    )
