"""Scripted upstreams: HTTP servers that remember what they got and answer as told."""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .loop import Loop


@dataclass
class Seen:
    """A request as an upstream got it. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[web.Request, Seen], Awaitable[web.StreamResponse]]


async def well(_: web.Request, seen: Seen) -> web.StreamResponse:
    """Answers 200 with what it got."""
    return web.json_response({"path": seen.path, "host": seen.headers.get("host"), "bytes": len(seen.body)})


def failing(status: int) -> Handler:
    async def handler(_: web.Request, seen: Seen) -> web.StreamResponse:
        return web.json_response({"error": {"message": "upstream says no", "code": "theirs"}}, status=status)

    return handler


async def hanging_up(request: web.Request, seen: Seen) -> web.StreamResponse:
    """Closes the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


class Upstream:
    """A scripted HTTP server. `handler` may be replaced at any time; `seen` lists what arrived."""

    def __init__(self, loop: Loop, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.seen: list[Seen] = []
        self.handler: Handler = well
        self._loop, self._tls, self._host = loop, tls, host
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        async def run() -> None:
            app = web.Application(client_max_size=1 << 30)
            app.router.add_route("*", "/{path:.*}", self._serve)
            self._runner = web.AppRunner(app, shutdown_timeout=0.1)
            await self._runner.setup()
            site = web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls)
            await site.start()
            self.port = self._runner.addresses[0][1]

        self._loop.run(run())

    def stop(self) -> None:
        if self._runner is not None:
            self._loop.run(self._runner.cleanup())
            self._runner = None

    def reset(self) -> None:
        self.seen.clear()
        self.handler = well

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        headers = {key.lower(): value for key, value in request.headers.items()}
        seen = Seen(request.method, request.path_qs, headers, await request.read())
        self.seen.append(seen)
        return await self.handler(request, seen)
