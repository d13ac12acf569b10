"""Errors that Envoy makes itself, told as OpenAI-style error objects.

The data plane's immediate responses are local replies too. They carry no response code details where Envoy's own
always do, which is how they are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec

from forebay_decision import names
from forebay_operator.envoy.actions import UNPICKED_HEADER
from forebay_operator.envoy.balancing import PICKED
from forebay_operator.envoy.encoding import constant
from forebay_operator.envoy.explanations import response_headers
from forebay_operator.envoy.messages import overwritten, packed, struct
from forebay_operator.envoy.proto import accesslog, cel_filter, core, hcm, route

INVALID: Final = "invalid_request_error"
UNAVAILABLE: Final = "service_unavailable_error"


MADE_BY_ENVOY: Final = "!(response.code_details in ['', 'direct_response', 'lua_response'])"


class LocalError(msgspec.Struct, frozen=True):
    """An error object for one status; `when` narrows it further (CEL over the response's attributes)."""

    status: int
    type: str
    code: str
    message: str
    when: str = "true"
    told: int = 0
    """The status that the client sees, where it is another."""


NO_POLICY: Final = LocalError(404, INVALID, "no_policy", "No policy is attached to this host and path.")
JWT_REFUSED: Final = "response.code_details.startsWith('jwt_authn_access_denied')"
JWT_MISSING: Final = "response.code_details == 'jwt_authn_access_denied{Jwt_is_missing}'"
DATA_PLANE_FAILED: Final = "response.code_details.startsWith('ext_proc_error')"
MEMORY_FULL: Final = "response.code_details == 'overload'"
UNANSWERED: Final = f"response.code_details.contains('idle_timeout') && !('{PICKED}' in request.headers)"
ERRORS: Final = (
    LocalError(400, INVALID, "bad_request", "The request is not valid HTTP."),
    LocalError(401, INVALID, "token_missing", "Send a token: `Authorization: Bearer <token>`.", JWT_MISSING),
    LocalError(401, INVALID, "token_invalid", "The token is not valid here, or no longer.", JWT_REFUSED),
    LocalError(403, INVALID, "token_invalid", "The token is not meant for this service.", JWT_REFUSED, told=401),
    LocalError(401, UNAVAILABLE, "credential_missing", "The pool's credential is not available."),
    NO_POLICY,
    LocalError(405, INVALID, "method_not_allowed", "This method is not allowed here."),
    LocalError(408, INVALID, "request_timeout", "The request's body did not arrive in time."),
    LocalError(413, INVALID, "request_too_large", "The request's body is larger than the policy's maxRequestBytes."),
    LocalError(415, INVALID, "unsupported_media_type", "This content type or encoding is not supported."),
    LocalError(426, INVALID, "http_version", "Speak HTTP/1.1 or HTTP/2: HTTP/1.0 is not taken here."),
    LocalError(431, INVALID, "headers_too_large", "The request's headers are too large."),
    LocalError(503, UNAVAILABLE, "overloaded", "Envoy is short of memory. Retry shortly.", MEMORY_FULL),
    LocalError(503, UNAVAILABLE, "decision_unavailable", "The data plane is unavailable.", DATA_PLANE_FAILED),
    LocalError(503, UNAVAILABLE, "upstream_unavailable", "No server of the model's pool could be reached."),
    LocalError(504, UNAVAILABLE, "decision_timeout", "The data plane did not decide in time.", DATA_PLANE_FAILED),
    LocalError(504, UNAVAILABLE, "upstream_timeout", "The model's server did not answer in time."),
)
PICKER_ERRORS: Final = (
    LocalError(503, UNAVAILABLE, "picker_unavailable", "The pool's endpoint picker is unavailable.", DATA_PLANE_FAILED),
    LocalError(504, UNAVAILABLE, "picker_timeout", "The pool's endpoint picker did not answer in time.", UNANSWERED),
)
UPSTREAM_ERRORS: Final = tuple(error for error in ERRORS if error.status in (413, 503, 504) and error.when == "true")
OTHER: Final = LocalError(0, "server_error", "gateway_error", "The gateway could not complete the request.")


@cache
def local_replies() -> hcm.LocalReplyConfig:
    """One mapper per error; answers that the data plane, an upstream or a script wrote match none."""
    return constant(hcm.LocalReplyConfig(mappers=[_mapper(error) for error in (*ERRORS, OTHER)]))


@cache
def upstream_replies() -> hcm.LocalReplyConfig:
    """Those of what can go wrong once a pool is chosen."""
    return constant(hcm.LocalReplyConfig(mappers=[_mapper(error) for error in (*UPSTREAM_ERRORS, OTHER)]))


@cache
def picker_replies() -> hcm.LocalReplyConfig:
    """As `local_replies`, where a pool's picker is asked; what it has not answered is marked, so that it can be tried
    without it."""
    unheard = [overwritten(UNPICKED_HEADER, "1")]
    errors = [_mapper(error, headers=unheard) for error in PICKER_ERRORS]
    return constant(hcm.LocalReplyConfig(mappers=[*errors, *local_replies().mappers]))


def direct_error(error: LocalError) -> route.DirectResponseAction:
    """A route's own answer; give the route the content type."""
    text = msgspec.json.encode(_object(error)).decode()
    return route.DirectResponseAction(status=error.status, body=core.DataSource(inline_string=text))


def credential_missing(pool: str) -> route.DirectResponseAction:
    message = f"Pool {pool} needs a credential that is not available yet."
    return direct_error(LocalError(503, UNAVAILABLE, "credential_missing", message))


def _object(error: LocalError) -> dict[str, dict[str, str | None]]:
    return {"error": {"code": error.code, "message": error.message, "param": None, "type": error.type}}


def _mapper(error: LocalError, *, headers: Sequence[core.HeaderValueOption] = ()) -> hcm.ResponseMapper:
    status = f"response.code == {error.status}" if error.status else "response.code >= 400"
    condition = cel_filter.ExpressionFilter(expression=f"{status} && {MADE_BY_ENVOY} && {error.when}")
    return hcm.ResponseMapper(
        filter=accesslog.AccessLogFilter(
            extension_filter=accesslog.ExtensionFilter(
                name="envoy.access_loggers.extension_filters.cel", typed_config=packed(condition)
            )
        ),
        status_code=error.told or None,
        body_format_override=core.SubstitutionFormatString(json_format=struct(_object(error))),
        headers_to_add=[
            *headers,
            *response_headers(names.RESPONSE_FIELDS),
        ],
    )
