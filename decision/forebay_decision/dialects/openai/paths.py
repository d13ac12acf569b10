"""What a request line asks for, so that everything after it deals with endpoints and never with paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import msgspec

from forebay_api.model import Endpoint
from forebay_decision.errors import BadRequest, MethodNotAllowed, NotFound

ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/v1/chat/completions": "ChatCompletions",
    "/v1/completions": "Completions",
    "/v1/responses": "Responses",
    "/v1/embeddings": "Embeddings",
}
MODELS: Final = "/v1/models"
_POSTED: Final = ("POST", "OPTIONS")
_READ: Final = ("GET", "HEAD", "OPTIONS")
_EXISTING: Final = ", ".join([*(f"POST {path}" for path in ENDPOINTS), f"GET {MODELS}", f"GET {MODELS}/{{model}}"])
_ECHO = 128


class ModelsList(msgspec.Struct, frozen=True):
    """GET or HEAD of the model list; to HEAD the same status is due without a body."""


class ModelGet(msgspec.Struct, frozen=True):
    """GET or HEAD of one model; `id` is decoded."""

    id: str


class Methods(msgspec.Struct, frozen=True):
    """OPTIONS: 204 with `allow` as the Allow header's value."""

    allow: str


def resolve(method: str, path: str) -> Endpoint | ModelsList | ModelGet | Methods:
    """What `method` on `path` asks for.

    `path` has neither the policy's prefix nor a query. One trailing slash is ignored where we answer ourselves; an
    endpoint's path is forwarded as it came, and no upstream knows it with one. A model's id may hold slashes, as they
    are or percent-encoded. Raises NotFound, or MethodNotAllowed with the Allow header's value in `allow`.
    """
    trimmed = path.removesuffix("/")
    endpoint = ENDPOINTS.get(path)
    if endpoint is not None:
        if method == "POST":
            return endpoint
        return _otherwise(method, path, _POSTED)
    if trimmed == MODELS:
        return ModelsList() if method in ("GET", "HEAD") else _otherwise(method, path, _READ)
    if trimmed.startswith(MODELS + "/"):
        if method in ("GET", "HEAD"):
            return ModelGet(unquote(trimmed[len(MODELS) + 1 :]))
        return _otherwise(method, path, _READ)
    raise NotFound(f"There is no {_shown(path)} here. What exists: {_EXISTING}.", code="unknown_url")


def check_content_type(value: str | None) -> None:
    """Refuse (415) what is not JSON in UTF-8; an absent header counts as JSON, as most servers read it."""
    kind, _, parameters = (value or "application/json").partition(";")
    kind = kind.strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise BadRequest(
            f"The content type {_shown(kind)} is not supported: send JSON with 'content-type: application/json'.",
            code="unsupported_media_type",
            status=415,
        )
    for parameter in parameters.split(";"):
        name, _, charset = parameter.partition("=")
        if name.strip().lower() == "charset" and charset.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise BadRequest(
                f"The charset {_shown(charset.strip())} is not supported: JSON is UTF-8 (RFC 8259, 8.1).",
                code="unsupported_media_type",
                status=415,
            )


def check_content_encoding(value: str | None) -> None:
    """Refuse (415) a body that is still compressed; Envoy has undone what it knows, and taken the header away."""
    codings = [coding.strip().lower() for coding in (value or "").split(",")]
    if any(coding not in ("", "identity") for coding in codings):
        # What is gzip here, nobody before us inflates, or it was compressed twice.
        other = "" if "gzip" in codings else ", or with gzip"
        raise BadRequest(
            f"The content-encoding {_shown(value or '')} is not supported: send the body as it is{other}.",
            code="unsupported_media_type",
            status=415,
        )


def _otherwise(method: str, path: str, allowed: tuple[str, ...]) -> Methods:
    allow = ", ".join(allowed)
    if method == "OPTIONS":
        return Methods(allow)
    raise MethodNotAllowed(
        f"{_shown(method)} is not allowed on {_shown(path)}: it takes {allow}.", code="method_not_allowed", allow=allow
    )


def _shown(text: str) -> str:
    """Text of the caller's for a message: bounded, and printable whatever it holds."""
    return ascii(text if len(text) <= _ECHO else text[:_ECHO] + "…")
