"""One inference request from its body to the last byte of its answer, through the queue and past the faults."""

from __future__ import annotations

from typing import NoReturn

from aiohttp import web

from forebay_cli.sim.config import SimConfig
from forebay_cli.sim.connections import reset_and_wait, wait_forever
from forebay_cli.sim.dialects import Plan, PlanRequest
from forebay_cli.sim.dialects.plan import decode_object
from forebay_cli.sim.engine import Engine, Run
from forebay_cli.sim.errors import Refusal, unknown_model
from forebay_cli.sim.faults import Fault
from forebay_cli.sim.metrics import FinishedReason
from forebay_cli.sim.queue import QueueFull
from forebay_cli.sim.replies import Replies

_RETRY_AFTER_SECONDS = 1
# A stream without pauses would otherwise gather wholly in memory before its first write.
_MAX_PENDING_BYTES = 64 << 10


class Inference:
    """Answers the POST endpoints of one server."""

    def __init__(self, config: SimConfig, engine: Engine, replies: Replies) -> None:
        self._config = config
        self._engine = engine
        self._replies = replies
        self._served = frozenset(config.served)

    async def answer(
        self, request: web.BaseRequest, body: bytes, plan_request: PlanRequest, fault: Fault
    ) -> web.StreamResponse:
        """The answer to one body in the dialect of ``plan_request``. Raises Refusal."""
        received = decode_object(body)
        model = received.get("model")
        if isinstance(model, str) and model not in self._served:
            raise unknown_model(model)
        plan = plan_request(received, self._config)
        try:
            async with self._engine.admit(plan.model, plan.prompt_tokens) as run:
                if fault.mode == "hang":
                    await wait_forever()
                if fault.mode == "slow":
                    run.postpone(fault.delay_seconds)
                # Never past the end: an answer that this fault hits does not complete, however short it is.
                cut = min(fault.after_tokens, max(0, plan.steps - 1)) if fault.mode == "reset_mid_stream" else None
                send = self._stream if plan.stream else self._send_whole
                return await send(request, plan, run, cut)
        except QueueFull:
            raise Refusal(
                503,
                f"The server is full: {self._config.concurrency} requests run and {self._config.max_queue} wait.",
                code="queue_full",
                retry_after=_RETRY_AFTER_SECONDS,
            ) from None

    async def _send_whole(self, request: web.BaseRequest, plan: Plan, run: Run, cut: int | None) -> web.StreamResponse:
        if cut is not None:
            await self._break_off(request, plan, run, cut)
        if plan.steps:
            await run.generate(plan.steps, plan.width)
        else:
            await run.wait()
        run.finish(_reason(plan))
        return self._replies.json_bytes(plan.body())

    async def _break_off(self, request: web.BaseRequest, plan: Plan, run: Run, cut: int) -> NoReturn:
        """A plain answer reset in mid-body: as much of its bytes as ``cut`` is of its tokens."""
        await run.generate(cut, plan.width)
        body = plan.body()
        partial = web.StreamResponse(headers=self._replies.json_bytes(b"").headers)
        partial.content_length = len(body)
        await partial.prepare(request)
        await partial.write(body[: len(body) * cut // (plan.steps + 1)])
        await reset_and_wait(request.transport, after_write=True)

    async def _stream(self, request: web.BaseRequest, plan: Plan, run: Run, cut: int | None) -> web.StreamResponse:
        """Sends the answer as server-sent events; a client that leaves meanwhile makes it an aborted run."""
        response = self._replies.event_stream()
        try:
            await self._write_frames(request, response, plan, run, cut)
        except ConnectionError:
            return response  # aiohttp finds the connection gone and closes it without a word
        run.finish(_reason(plan))
        return response

    async def _write_frames(
        self, request: web.BaseRequest, response: web.StreamResponse, plan: Plan, run: Run, cut: int | None
    ) -> None:
        """Writes each frame when its token is due; frames that are due together leave in one write."""
        if self._config.early_headers:
            await response.prepare(request)
        pending = bytearray()
        steps = 0
        for frame in plan.frames():
            if cut is not None and steps >= cut:
                await _flush(request, response, pending)
                await reset_and_wait(request.transport, after_write=True)
            if frame.tokens:
                if pending and run.wait_seconds() > 0.0:
                    await _flush(request, response, pending)
                await run.generate(1, frame.tokens)
                steps += 1
            pending += frame.data
            if len(pending) > _MAX_PENDING_BYTES:
                await _flush(request, response, pending)
        await _flush(request, response, pending)
        await response.write_eof()


async def _flush(request: web.BaseRequest, response: web.StreamResponse, pending: bytearray) -> None:
    if not response.prepared:
        await response.prepare(request)
    if pending:
        await response.write(bytes(pending))
        pending.clear()


def _reason(plan: Plan) -> FinishedReason:
    return "length" if plan.finish == "length" else "stop"
