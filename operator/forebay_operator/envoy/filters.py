"""The HTTP filter chain of a public listener. Routes turn its parts on and off; nothing here is a policy's."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Final

from forebay_api.local import Jwt
from forebay_decision import names
from forebay_decision.native import WATCHED_KEYS
from forebay_operator.envoy import lua
from forebay_operator.envoy.clusters import DATA_PLANE
from forebay_operator.envoy.encoding import constant
from forebay_operator.envoy.messages import extension, http_filter, packed
from forebay_operator.envoy.proto import (
    core,
    decompressor,
    ext_proc,
    filter_state,
    gzip,
    hcm,
    header_to_metadata,
    json_to_metadata,
    previous_hosts,
    protobuf,
    router,
    set_filter_state,
    types,
)
from forebay_operator.envoy.proto import lua as lua_filter
from forebay_operator.envoy.token import token_verifier

DECOMPRESSOR: Final = "envoy.filters.http.decompressor"
JSON_TO_METADATA: Final = "envoy.filters.http.json_to_metadata"
EXT_PROC: Final = "envoy.filters.http.ext_proc"
HEADER_TO_METADATA: Final = "envoy.filters.http.header_to_metadata"
LUA: Final = "envoy.filters.http.lua"

ASKED_PATH: Final = "forebay.path"
"""Filter state: the path as the client sent it, without its query."""
MESSAGE_TIMEOUT: Final = timedelta(seconds=2)
INFLATE_RATIO: Final = 100
"""JSON text deflates to a tenth or so; a bomb claims a thousand."""


def public_filters(jwt: Jwt | None = None) -> list[hcm.HttpFilter]:
    """Note the path, verify tokens, inflate, read top-level JSON, ask the data plane, note what Envoy decided alone, rewrite
    on bypass, route."""
    return [
        http_filter("envoy.filters.http.set_filter_state", _asked_path()),
        *([] if jwt is None else [http_filter(names.JWT_NAMESPACE, token_verifier(jwt))]),
        http_filter(DECOMPRESSOR, _gunzip()),
        http_filter(JSON_TO_METADATA, native_rules(WATCHED_KEYS)),
        http_filter(EXT_PROC, _processor()),
        http_filter(HEADER_TO_METADATA, header_to_metadata.Config()),
        lua_scripts(),
        route_filter(),
    ]


def _asked_path() -> set_filter_state.Config:
    """The path before a route takes the prefix off it; Envoy's own note of it goes with its other headers."""
    asked = filter_state.FilterStateValue(
        object_key=ASKED_PATH,
        factory_key="envoy.string",
        format_string=core.SubstitutionFormatString(
            text_format_source=core.DataSource(inline_string="%PATH(NQ:PATH)%"), omit_empty_values=True
        ),
        skip_if_empty=True,
    )
    return set_filter_state.Config(on_request_headers=[asked])


@cache
def lua_scripts(*wanted: lua.Script) -> hcm.HttpFilter:
    """Scripts by name, both where none are `wanted`; a route names the one it wants, and none runs by default."""
    sources: dict[str, core.DataSource] = {
        script: core.DataSource(inline_string=lua.source(script)) for script in wanted or lua.SCRIPTS
    }
    return constant(http_filter(LUA, lua_filter.Lua(source_codes=sources)))


@cache
def route_filter() -> hcm.HttpFilter:
    return constant(http_filter("envoy.filters.http.router", router.Router(suppress_envoy_headers=True)))


def native_rules(keys: tuple[str, ...]) -> json_to_metadata.JsonToMetadata:
    """Metadata from top-level JSON members: `model` and `stream` as they are, and for each key that it is not there.

    Absence is written by `on_missing` alone and read under names of its own (`absent_marks`), so that no value in a
    body can claim it. A body that is no JSON writes no model, which no native route matches.
    """
    rules = [_rule((key,), None, f"{key}/missing") for key in ("model", "stream")]
    for key in keys:
        scalar, structured = absent_marks(key)
        rules += [_rule((key,), None, scalar), _rule((key, "-"), "present", structured)]
    return json_to_metadata.JsonToMetadata(request_rules=json_to_metadata.JsonToMetadataMatchRules(rules=rules))


def absent_marks(key: str) -> tuple[str, str]:
    """Metadata keys that both say "absent" where the member is: no scalar, no object.

    Envoy calls an object or array missing when it is asked for a scalar, so objects are asked for one level deeper;
    an array it cannot tell from nothing.
    """
    return f"{key}/scalar", f"{key}/object"


def _rule(path: tuple[str, ...], constant: str | None, missing: str) -> json_to_metadata.JsonToMetadataRule:
    # A constant on_present is written wherever the last selector's *parent* is an object, found or not.
    return json_to_metadata.JsonToMetadataRule(
        selectors=[json_to_metadata.JsonToMetadataSelector(key=key) for key in path],
        on_present=_pair("/".join(path), constant),
        on_missing=_pair(missing, "absent"),
        on_error=_pair(missing, "error"),
    )


def _pair(key: str, value: str | None = None) -> json_to_metadata.JsonToMetadataKeyValuePair:
    return json_to_metadata.JsonToMetadataKeyValuePair(
        metadata_namespace=names.NATIVE_NAMESPACE,
        key=key,
        value=None if value is None else protobuf.Value(string_value=value),
    )


def _gunzip() -> decompressor.Decompressor:
    off = core.RuntimeFeatureFlag(default_value=False, runtime_key="forebay.decompress_responses")
    return decompressor.Decompressor(
        decompressor_library=extension(
            "envoy.compression.gzip.decompressor", gzip.Gzip(max_inflate_ratio=INFLATE_RATIO)
        ),
        request_direction_config=decompressor.DecompressorRequestDirectionConfig(advertise_accept_encoding=False),
        response_direction_config=decompressor.DecompressorResponseDirectionConfig(
            common_config=decompressor.DecompressorCommonDirectionConfig(enabled=off)
        ),
    )


def _processor() -> ext_proc.ExternalProcessor:
    """One round trip for headers and one for the whole body; the response side stays in Envoy."""
    send, skip = ext_proc.ProcessingModeHeaderSendMode.SEND, ext_proc.ProcessingModeHeaderSendMode.SKIP
    worker = core.GrpcService(
        envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=DATA_PLANE),
        retry_policy=another_server(
            "connect-failure,refused-stream,reset-before-request,reset,cancelled,unavailable"
        ),  # here and not in envoy_grpc, where ext_proc reads none
    )
    return ext_proc.ExternalProcessor(
        grpc_service=worker,
        processing_mode=ext_proc.ProcessingMode(
            request_header_mode=send,
            request_body_mode=ext_proc.ProcessingModeBodySendMode.BUFFERED,
            response_header_mode=skip,
            response_body_mode=ext_proc.ProcessingModeBodySendMode.NONE,
            request_trailer_mode=skip,
            response_trailer_mode=skip,
        ),
        message_timeout=MESSAGE_TIMEOUT,
        stat_prefix="forebay",
        metadata_options=ext_proc.MetadataOptions(
            forwarding_namespaces=ext_proc.MetadataOptionsMetadataNamespaces(untyped=[names.JWT_NAMESPACE]),
            receiving_namespaces=ext_proc.MetadataOptionsMetadataNamespaces(untyped=[names.METADATA_NAMESPACE]),
        ),
        status_on_error=types.HttpStatus(code=types.StatusCode.ServiceUnavailable),
    )


def another_server(retry_on: str) -> core.RetryPolicy:
    """For gRPC: a server that refuses, breaks off or stops before its first reply costs nothing but a few milliseconds."""
    return core.RetryPolicy(
        retry_on=retry_on,
        num_retries=3,
        retry_back_off=core.BackoffStrategy(
            base_interval=timedelta(milliseconds=1), max_interval=timedelta(milliseconds=5)
        ),
        retry_host_predicate=[
            core.RetryPolicyRetryHostPredicate(
                name="envoy.retry_host_predicates.previous_hosts",
                typed_config=packed(previous_hosts.PreviousHostsPredicate()),
            )
        ],
        host_selection_retry_max_attempts=32,
    )
