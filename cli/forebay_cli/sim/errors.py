"""Refusals, as OpenAI-style error objects: raised anywhere below, turned into an answer once, at the HTTP edge."""

from __future__ import annotations

import re

import msgspec

_FIELD = re.compile(r"field `([^`]+)`| at `\$\.?([^`]+)`")


class Refusal(Exception):
    """A request that gets an error object instead of an answer; ``retry_after`` is in seconds."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.retry_after = retry_after

    def body(self) -> bytes:
        """The JSON error object, as OpenAI's API and its clients spell it."""
        return msgspec.json.encode(
            {
                "error": {
                    "message": self.message,
                    "type": _error_type(self.status),
                    "param": self.param,
                    "code": self.code,
                }
            }
        )


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    return Refusal(400, message, param=param, code=code)


def invalid_field(error: msgspec.ValidationError) -> Refusal:
    """The refusal of a body whose JSON is well-formed but whose fields are not; names the field as ``param``."""
    text = str(error)
    found = _FIELD.search(text)
    param = (found.group(1) or found.group(2)) if found else None
    return bad_request(text, param=param, code="invalid_value")


def unknown_model(model: str) -> Refusal:
    return Refusal(404, f"The model `{model[:256]}` does not exist.", param="model", code="model_not_found")


def _error_type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
