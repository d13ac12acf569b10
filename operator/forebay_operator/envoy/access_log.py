"""What Envoy reports of each request: to the data plane in batches, and to a file where the listener wants one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from forebay_api.local import Listener
from forebay_decision import names
from forebay_operator.envoy.clusters import DATA_PLANE
from forebay_operator.envoy.filters import ASKED_PATH
from forebay_operator.envoy.messages import packed, struct
from forebay_operator.envoy.proto import accesslog, core, file_log, grpc_log, tracing

LOG_NAME: Final = "forebay"
TTFB_TAG: Final = "ttfb-us"
"""Custom tag: microseconds from the request's last byte sent upstream to the answer's first body byte, `-` if none."""
_TTFB: Final = "%COMMON_DURATION(US_TX_END:US_RX_BODY_BEG:us)%"
SERVED_HEADERS: Final = (f"{names.HEADER_PREFIX}pool", f"{names.HEADER_PREFIX}model")
"""Response headers in every entry: on a chain they name who answered, the metadata names who was chosen."""

LONGEST_LOGGED: Final = 512
"""Bytes of what a client may choose: it may send 60 KiB of it."""
LOGGED_FIELDS: Final = ("decision", *names.RESPONSE_FIELDS, "policy")
"""Keys of the decision's metadata in the file, under their own names."""


def access_logs(listener: Listener) -> list[accesslog.AccessLog]:
    logs = [to_data_plane(DATA_PLANE)]
    if listener.access_log is not None:
        logs.append(_to_file("/dev/stdout" if listener.access_log == "-" else listener.access_log))
    return logs


def to_data_plane(cluster: str, only: accesslog.AccessLogFilter | None = None) -> accesslog.AccessLog:
    """By way of a cluster of this name; of requests that are none of Forebay's nothing where `only` leaves them out."""
    config = grpc_log.HttpGrpcAccessLogConfig(
        common_config=grpc_log.CommonGrpcAccessLogConfig(
            log_name=LOG_NAME,
            grpc_service=core.GrpcService(envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=cluster)),
            transport_api_version=core.ApiVersion.V3,
            buffer_flush_interval=timedelta(milliseconds=100),
            custom_tags=[tracing.CustomTag(tag=TTFB_TAG, value=_TTFB)],
        ),
        additional_response_headers_to_log=list(SERVED_HEADERS),
    )
    return accesslog.AccessLog(name="envoy.access_loggers.http_grpc", filter=only, typed_config=packed(config))


def _to_file(path: str) -> accesslog.AccessLog:
    """One JSON object a line. No query, body or credential is in it; no path where Envoy itself refused the request
    before any filter saw it. What a client chooses is cut."""
    fields = {
        "start": "%START_TIME%",
        "method": "%REQ(:METHOD):32%",
        "host": f"%REQ(:AUTHORITY):{LONGEST_LOGGED}%",
        "path": f"%FILTER_STATE({ASKED_PATH}:PLAIN):{LONGEST_LOGGED}%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "durationMs": "%DURATION%",
        "ttfbUs": _TTFB,
        "upstream": "%UPSTREAM_HOST%",
        "servedPool": f"%RESP({SERVED_HEADERS[0]})%",
        "servedModel": f"%RESP({SERVED_HEADERS[1]})%",
        # Where Envoy decides alone, the id of a decision is that of the request, which a client may have chosen.
        **{
            field: f"%DYNAMIC_METADATA({names.METADATA_NAMESPACE}:{field}):{LONGEST_LOGGED}%" for field in LOGGED_FIELDS
        },
    }
    config = file_log.FileAccessLog(
        path=path, log_format=core.SubstitutionFormatString(json_format=struct(fields), omit_empty_values=True)
    )
    return accesslog.AccessLog(name="envoy.access_loggers.file", typed_config=packed(config))
