"""Which path answers what: dispatch, authentication and faults, in front of inference and the small GET endpoints.

It sits on aiohttp's low-level server: a dictionary is all the routing this API needs, every refusal keeps the API's own
error shape, and a plain answer costs about half of what a full web.Application takes.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping

from aiohttp import web
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge
from aiohttp.web_protocol import RequestPayloadError

from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.connections import reset_and_wait, wait_forever
from forebay_cli.sim.dialects import DIALECTS
from forebay_cli.sim.engine import Engine
from forebay_cli.sim.errors import Refusal, bad_request, unknown_model
from forebay_cli.sim.faults import Fault, FaultBoard, FaultError, Scope, decode_fault
from forebay_cli.sim.inference import Inference
from forebay_cli.sim.metrics import METRICS_CONTENT_TYPE
from forebay_cli.sim.recent import MAX_REQUESTS, RecentRequests
from forebay_cli.sim.replies import Replies

Reply = Callable[[web.BaseRequest, bytes], web.Response]

_MODEL_PREFIX = "/v1/models/"
_MONITORING = frozenset({"/health", "/metrics"})
_READ = ("GET", "HEAD")


class Routes:
    """The request handler of one server, for ``aiohttp.web.Server``."""

    def __init__(self, config: SimConfig, engine: Engine, board: FaultBoard, recent: RecentRequests) -> None:
        self._config = config
        self._engine = engine
        self._board = board
        self._recent = recent
        self._replies = Replies(config.name)
        self._inference = Inference(config, engine, self._replies)
        self._started = int(time.time())
        self._key = None if config.require_key is None else f"Bearer {config.require_key}".encode()
        self._get: Mapping[str, Reply] = {
            "/health": self._health,
            "/metrics": self._metrics,
            "/v1/models": self._models,
            "/sim/last": self._last,
            "/sim/faults": self._show_fault,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request of any connection; every refusal becomes an error object here and nowhere else."""
        try:
            return await self._dispatch(request)
        except Refusal as refusal:
            return self._replies.refusal(refusal)
        except RecursionError:
            # A depth that decoding just bears can be too much for what runs deeper in the stack.
            return self._replies.refusal(bad_request("The request body nests too deeply.", code="invalid_json"))

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        body = await self._read(request)
        if path.startswith("/sim/"):
            return self._introspect(request, path, body)
        scope: Scope = "monitoring" if path in _MONITORING else "inference"
        if scope == "inference":
            self._recent.add(request.method, request.path_qs, request.raw_headers, body)
            self._authorize(request)
        fault = self._board.take(scope)
        await self._fail_early(request, fault)
        plan_request = DIALECTS.get(path)
        if plan_request is not None:
            if request.method != "POST":
                raise _wrong_method(request, "POST")
            return await self._inference.answer(request, body, plan_request, fault)
        await self._delay_read(fault)
        return self._read_only(request, path, body)

    def _read_only(self, request: web.BaseRequest, path: str, body: bytes) -> web.Response:
        reply = self._model if path.startswith(_MODEL_PREFIX) else self._get.get(path)
        if reply is None:
            raise Refusal(404, f"Unknown path {path[:256]}", code="unknown_path")
        if request.method not in _READ:
            raise _wrong_method(request, "GET")
        return reply(request, body)

    def _introspect(self, request: web.BaseRequest, path: str, body: bytes) -> web.Response:
        if path == "/sim/faults" and request.method == "PUT":
            try:
                self._board.put(decode_fault(body))
            except FaultError as error:
                raise bad_request(str(error), code="invalid_fault") from error
            return self._show_fault(request, body)
        return self._read_only(request, path, body)

    async def _read(self, request: web.BaseRequest) -> bytes:
        if not request.body_exists:
            return b""
        if request.headers.get("Expect", "").lower() == "100-continue":
            # curl asks before it sends a large body, and waits a second for the answer.
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            return await request.read()
        except HTTPRequestEntityTooLarge as error:
            limit = self._config.max_body_bytes
            raise Refusal(413, f"The request body is larger than {limit} bytes.", code="body_too_large") from error
        except RequestPayloadError as error:
            raise bad_request(f"The request body cannot be read: {error}", code="invalid_body") from error

    def _authorize(self, request: web.BaseRequest) -> None:
        if self._key is None:
            return
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._key):
            problem = "Incorrect API key provided." if given else "No API key provided."
            raise Refusal(401, f"{problem} Send it as `Authorization: Bearer KEY`.", code="invalid_api_key")

    async def _fail_early(self, request: web.BaseRequest, fault: Fault) -> None:
        """The faults that need no slot of the engine."""
        if fault.mode not in ("status", "reset"):
            return
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.mode == "reset":
            await reset_and_wait(request.transport, after_write=False)
        retry_after = 1 if fault.status in (429, 503) else None
        raise Refusal(
            fault.status, f"Simulated fault: status {fault.status}.", code="simulated_fault", retry_after=retry_after
        )

    @staticmethod
    async def _delay_read(fault: Fault) -> None:
        """What the engine's faults mean where no engine takes part; there is no stream to reset."""
        if fault.mode == "hang":
            await wait_forever()
        if fault.mode == "slow":
            await asyncio.sleep(fault.delay_seconds)

    def _health(self, _request: web.BaseRequest, _body: bytes) -> web.Response:
        return self._replies.plain(b"", "text/plain; charset=utf-8")

    def _metrics(self, _request: web.BaseRequest, _body: bytes) -> web.Response:
        return self._replies.plain(self._engine.metrics.exposition(), METRICS_CONTENT_TYPE)

    def _models(self, _request: web.BaseRequest, _body: bytes) -> web.Response:
        return self._replies.json({"object": "list", "data": [self._card(name) for name in self._config.served]})

    def _model(self, request: web.BaseRequest, _body: bytes) -> web.Response:
        name = request.path[len(_MODEL_PREFIX) :]
        if name not in self._config.served:
            raise unknown_model(name)
        return self._replies.json(self._card(name))

    def _card(self, name: str) -> dict[str, object]:
        base = self._config.models[0]
        return {
            "id": name,
            "object": "model",
            "created": self._started,
            "owned_by": "forebay-sim",
            "root": name,
            "parent": base if name in self._config.loras else None,
            "max_model_len": self._config.max_model_len,
        }

    def _last(self, request: web.BaseRequest, _body: bytes) -> web.Response:
        text = request.query.get("n", "1")
        count = int(text) if text.isdecimal() and len(text) < 4 else 0
        if not 1 <= count <= MAX_REQUESTS:
            raise bad_request(f"n must be a whole number in [1, {MAX_REQUESTS}]", "n")
        requests = self._recent.last(count)
        return self._replies.json({"server": self._config.name, "total": self._recent.total, "requests": requests})

    def _show_fault(self, _request: web.BaseRequest, _body: bytes) -> web.Response:
        return self._replies.json(self._board.report())


def _wrong_method(request: web.BaseRequest, allowed: str) -> Refusal:
    return Refusal(405, f"{request.method} is not allowed here; use {allowed}.", code="method_not_allowed")
