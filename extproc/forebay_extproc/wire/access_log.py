"""The gRPC access log: a StreamAccessLogsMessage -> Outcomes."""

from __future__ import annotations

from typing import Final

from envoy.data.accesslog.v3.accesslog_pb2 import AccessLogCommon, HTTPAccessLogEntry  # type: ignore[attr-defined]  # made at run time
from envoy.service.accesslog.v3.als_pb2 import StreamAccessLogsMessage, StreamAccessLogsResponse  # type: ignore[attr-defined]

from forebay_decision.names import HEADER_PREFIX, METADATA_NAMESPACE
from forebay_extproc.outcomes.outcome import Outcome

TTFB_TAG: Final = "ttfb-us"
"""Custom tag in which Envoy gives the microseconds to the first body byte; ``-`` where there is none."""
FLAGS: Final = {
    "no_healthy_upstream": "UH",
    "upstream_connection_failure": "UF",
    "upstream_overflow": "UO",
    "upstream_request_timeout": "UT",
    "upstream_connection_termination": "UC",
    "upstream_remote_reset": "UR",
    "upstream_retry_limit_exceeded": "URX",
    "no_route_found": "NR",
    "no_cluster_found": "NC",
    "downstream_connection_termination": "DC",
    "downstream_remote_reset": "DR",
    "stream_idle_timeout": "SI",
    "duration_timeout": "DT",
    "upstream_max_stream_duration_reached": "UMSDR",
    "overload_manager": "OM",
}
"""The response flags that operators look for, under Envoy's own short names."""

parse_entries: Final = StreamAccessLogsMessage.FromString
ACKNOWLEDGEMENT: Final[bytes] = StreamAccessLogsResponse().SerializeToString()


def read_outcomes(message: StreamAccessLogsMessage) -> list[Outcome]:
    """One Outcome per finished HTTP request; entries of streams still open are left out."""
    return [
        _outcome(entry) for entry in message.http_logs.log_entry if not entry.common_properties.intermediate_log_entry
    ]


def _outcome(entry: HTTPAccessLogEntry) -> Outcome:
    common = entry.common_properties
    said: dict[str, str] = {}
    if METADATA_NAMESPACE in common.metadata.filter_metadata:
        fields = common.metadata.filter_metadata[METADATA_NAMESPACE].fields
        said = {key: value.string_value for key, value in fields.items()}
    headers = entry.response.response_headers
    return Outcome(
        decision=said.get("decision-id", ""),
        request_id=entry.request.request_id,
        replica=said.get("replica", ""),
        policy=said.get("policy", ""),
        pool=headers.get(HEADER_PREFIX + "pool") or said.get("pool", ""),
        model=headers.get(HEADER_PREFIX + "model") or said.get("model", ""),
        decided_by=said.get("decided-by") or said.get("decision", ""),
        status=entry.response.response_code.value,
        ttfb_seconds=_ttfb(common),
        duration_seconds=common.duration.seconds + common.duration.nanos / 1e9,
        flags=_flags(common),
        attempts=common.upstream_request_attempt_count,
    )


def _ttfb(common: AccessLogCommon) -> float | None:
    text = common.custom_tags.get(TTFB_TAG, "")
    return int(text) / 1e6 if text.isascii() and text.isdigit() and len(text) < 16 else None


def _flags(common: AccessLogCommon) -> tuple[str, ...]:
    if not common.HasField("response_flags"):
        return ()
    return tuple(FLAGS[field.name] for field, _ in common.response_flags.ListFields() if field.name in FLAGS)
