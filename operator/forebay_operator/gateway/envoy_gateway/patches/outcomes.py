"""The stream of outcomes: what became of each request that a data plane has seen, told to a data plane.

The way there is that of the extension policies' own clusters, with its TLS and its endpoints, whichever of them is there:
a cluster of clusters has a name that no policy changes, so listeners are not changed when policies come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forebay_decision import names
from forebay_operator.envoy.access_log import to_data_plane
from forebay_operator.envoy.clusters import HTTP_OPTIONS
from forebay_operator.envoy.local_replies import DATA_PLANE_FAILED
from forebay_operator.envoy.messages import packed
from forebay_operator.envoy.proto import accesslog, cel_filter, cluster, core, matcher, upstream_http
from forebay_operator.gateway.envoy_gateway.patches.passing_over import passing_over
from forebay_operator.gateway.envoy_gateway.patches.patch import (
    Patch,
    added,
    appended_access_log,
    processor_cluster,
)

MOST_WAYS: Final = 8
"""Extension policies by whose clusters a data plane is found: all lead to the same ones."""
LEFT: Final = ("DC", "DR")
"""The caller has gone before an answer, perhaps while a data plane decided: only it can tell."""
_CEL: Final = "envoy.access_loggers.extension_filters.cel"


def outcome_patches(installation: str, listeners: Sequence[str], extensions: Sequence[str]) -> list[Patch]:
    """`listeners` are Envoy's, by name; `extensions` the EnvoyExtensionPolicies behind the Gateway, by namespace/name."""
    name = f"forebay/{installation}/data-plane"
    log = to_data_plane(name, _ours())
    return [added(_ways(name, extensions)), *(appended_access_log(listener, log) for listener in listeners)]


def _ways(name: str, extensions: Sequence[str]) -> cluster.Cluster:
    members = [processor_cluster(found) for found in extensions[:MOST_WAYS]]
    http2 = upstream_http.HttpProtocolOptionsExplicitHttpConfig(http2_protocol_options=core.Http2ProtocolOptions())
    made = passing_over(name, members)
    made.typed_extension_protocol_options = {
        HTTP_OPTIONS: packed(upstream_http.HttpProtocolOptions(explicit_http_config=http2))
    }
    return made


def _ours() -> accesslog.AccessLogFilter:
    """Requests that a data plane has decided, or would have: nothing is told of a team's other requests, but that some
    caller has left."""
    decided = accesslog.MetadataFilter(
        matcher=matcher.MetadataMatcher(
            filter=names.METADATA_NAMESPACE,
            path=[matcher.MetadataMatcherPathSegment(key="decision-id")],
            value=matcher.ValueMatcher(present_match=True),
        ),
        match_if_key_not_found=False,
    )
    failed = accesslog.ExtensionFilter(
        name=_CEL, typed_config=packed(cel_filter.ExpressionFilter(expression=DATA_PLANE_FAILED))
    )
    return accesslog.AccessLogFilter(
        or_filter=accesslog.OrFilter(
            filters=[
                accesslog.AccessLogFilter(metadata_filter=decided),
                accesslog.AccessLogFilter(response_flag_filter=accesslog.ResponseFlagFilter(flags=list(LEFT))),
                accesslog.AccessLogFilter(extension_filter=failed),
            ]
        )
    )
