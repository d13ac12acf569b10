"""The HTTP answers that all parts of the server build alike; each one says which server gave it."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from forebay_cli.sim.errors import Refusal

SERVER_HEADER = "x-sim-server"
_JSON = "application/json"


class Replies:
    """Makes answers in the name of one server."""

    def __init__(self, server_name: str) -> None:
        self._name = server_name

    def json_bytes(self, body: bytes, status: int = 200) -> web.Response:
        return self.plain(body, _JSON, status)

    def json(self, value: Any, status: int = 200) -> web.Response:
        return self.json_bytes(msgspec.json.encode(value), status)

    def plain(self, body: bytes, content_type: str, status: int = 200) -> web.Response:
        headers = CIMultiDict({"Content-Type": content_type, SERVER_HEADER: self._name})
        return web.Response(body=body, status=status, headers=headers)

    def refusal(self, refusal: Refusal) -> web.Response:
        response = self.json_bytes(refusal.body(), refusal.status)
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(refusal.retry_after)
        if refusal.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def event_stream(self) -> web.StreamResponse:
        headers = CIMultiDict(
            {
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-cache",
                SERVER_HEADER: self._name,
            }
        )
        return web.StreamResponse(headers=headers)
