"""Processor: the ext_proc service. One call of `process` is one request: session, decision, reply, books."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
import grpc.aio
from msgspec.structs import replace

from forebay_api.wire import PoolState
from forebay_decision.compiled import CompiledConfig
from forebay_decision.errors import Unavailable
from forebay_decision.route import Answer, Forward, Surroundings, refuse, route
from forebay_decision.token import identity
from forebay_extproc.bodies import Bodies, Room
from forebay_extproc.driver import Driver
from forebay_extproc.events import EndEvent, Reply
from forebay_extproc.latest import Latest
from forebay_extproc.mutation import error_code, forward, immediate, tenant_hash
from forebay_extproc.outcomes.ledger import Ledger
from forebay_extproc.session import Close, Decide, Fail, Say, Session, State, Step, Wait
from forebay_extproc.shadow import Enforced, Shadows
from forebay_extproc.telemetry.logs import log_decision
from forebay_extproc.telemetry.metrics import Metrics
from forebay_extproc.wire.processing import read_event, write_reply

LOG: Final = logging.getLogger(__name__)
MAX_DECIDING: Final = 256
"""Decisions in progress at once. Only those that wait for an encoder are ever many, and an encoder does a few hundred a
second: whoever comes on top is told at once instead of late."""
TOLD_SECONDS: Final = 1.5
"""How long a request by a route that nobody has told of waits for that: less than a gateway's message time-out of 2 s, and
longer than an operator takes to tell."""
MAX_WAITING: Final = 256
"""Requests that do so at once; whoever comes on top is refused."""
ROOM_SECONDS: Final = 1.5
"""How long after its start a request waits for room for its body, for the same reason: longer than a body that does not come
keeps its room."""
END: Final = EndEvent()


class Processor:
    """Lives on the event loop. A request takes `config` and `states` once and keeps them."""

    def __init__(
        self,
        *,
        config: Latest[CompiledConfig],
        states: Latest[Mapping[str, PoolState]],
        driver: Driver,
        ledger: Ledger,
        shadows: Shadows,
        metrics: Metrics,
        bodies: Bodies,
        replica: str,
        clock: Callable[[], float],
        max_deciding: int = MAX_DECIDING,
    ) -> None:
        self._config = config
        self._states = states
        self._driver = driver
        self._ledger = ledger
        self._shadows = shadows
        self._metrics = metrics
        self._bodies = bodies
        self._replica = replica
        self._clock = clock
        self._random = random.Random()
        self.max_deciding = max_deciding
        self.deciding = 0
        """Decisions in progress."""
        self.waiting = 0
        """Requests that wait for a configuration with their route in it."""
        self.streams = 0
        """Streams open."""
        self._idle: asyncio.Event | None = None

    async def idle(self) -> None:
        """Wait until no stream is open."""
        if self.streams:
            self._idle = asyncio.Event()
            await self._idle.wait()

    async def process(self, _requests: Any, context: Any) -> None:
        """ExternalProcessor.Process. Ends with an error wherever Envoy must not go on as if it had been answered."""
        config = self._config.get()
        if config is None:
            await self._leave(context, "UNAVAILABLE", "no configuration yet")
            return
        self.streams += 1
        stream = _Stream(Session(config), context, self._clock() + ROOM_SECONDS)
        try:
            # Nothing here but `_decide` may hold what it is given: it says when the body is no longer needed.
            await self._decide(stream, await self._converse(stream, config))
        finally:
            if stream.room is not None:
                stream.room.release()
            self.streams -= 1
            if self._idle is not None and not self.streams:
                self._idle.set()

    async def _converse(self, stream: _Stream, config: CompiledConfig) -> Decide | None:
        """Everything up to the decision; None where it does not come to one."""
        session, context = stream.session, stream.context
        while True:
            step = await self._hear(stream)
            if isinstance(step, Wait):
                step = await self._begin(session, config)
            if isinstance(step, Say) and session.state is State.HEADED and stream.room is None:
                stream.room = await self._bodies.room(session.awaited, stream.withdraw, stream.until - self._clock())
                if stream.room is None:
                    step = session.overloaded()
            if isinstance(step, Say):
                await context.write(write_reply(step.reply))
                if step.code:
                    self._metrics.error(step.code)
                if step.last:
                    return None
            elif isinstance(step, Decide):
                return step
            elif isinstance(step, Fail):
                await self._leave(context, step.status, step.message)
                return None
            elif isinstance(step, Close):
                return None

    async def _hear(self, stream: _Stream) -> Step:
        """The step that follows Envoy's next message, or the loss of the room for it."""
        task = asyncio.current_task()
        if stream.room is not None and stream.room.withdrawn:
            return stream.session.overloaded()
        stream.reading = task
        try:
            message = await stream.context.read()
        except asyncio.CancelledError:
            if stream.room is None or not stream.room.withdrawn or task is None or task.uncancel():
                raise
            return stream.session.overloaded()
        finally:
            stream.reading = None
        return stream.session.on(END if message is grpc.aio.EOF else read_event(message))

    async def _begin(self, session: Session, config: CompiledConfig) -> Step:
        """The first step of a request that has waited for a newer configuration than `config`."""
        if self.waiting >= MAX_WAITING:
            return session.give_up()
        self.waiting += 1
        try:
            async with asyncio.timeout(TOLD_SECONDS):
                while True:
                    newest = self._config.get()
                    if newest is None or newest is config:
                        newest = await self._config.changed()
                    config = newest
                    if not isinstance(step := session.renew(config), Wait):
                        return step
        except TimeoutError:
            return session.give_up()
        finally:
            self.waiting -= 1

    async def _decide(self, stream: _Stream, step: Decide | None) -> None:
        if step is None:
            return
        context = stream.context
        started = self._clock()
        around = Surroundings(
            id=f"{self._random.getrandbits(80):020x}",
            replica=self._replica,
            clock=self._clock,
            deadline=started + step.policy.budget_seconds,
            states=self._states.get() or {},
            in_flight=self._ledger.since_scrape,
            random=self._random,
        )
        try:
            outcome = await self._route(stream.room, step, around)
        except Exception as error:  # noqa: BLE001  Envoy then does what the policy says for a dead data plane
            # Neither message nor values: they may quote the request.
            LOG.error(
                "decision failed",
                extra={"policy": step.policy.name, "error": type(error).__name__, "at": _place(error)},
            )
            await self._leave(context, "INTERNAL", "the decision failed")
            return
        reply = self._reply(step, outcome)
        if isinstance(outcome, Forward):
            self._ledger.enter(around.id, outcome.record.pool, outcome.record.model, _request_id(step))
        answered = write_reply(stream.session.settle(reply).reply)
        # While Envoy takes it, only what is sent is in memory, and the body where a shadow is to read it.
        del reply
        if not step.shadows:
            step = replace(step, body=b"")
        if stream.room is not None:
            stream.room.answered(len(answered) + len(step.body))
        seconds = self._clock() - started
        try:
            await context.write(answered)
        except asyncio.CancelledError:
            # Envoy ends the stream as soon as it has the reply, which may be before this coroutine hears that it left.
            # Or the caller has gone: the access-log entry, by its decision or by its request id, ends it either way.
            self._ledger.doubt(around.id)
            self._settle(step, around, outcome, seconds)
            raise
        except BaseException:
            # Envoy has not heard of it, so no access-log entry will name it.
            self._ledger.strike(around.id)
            raise
        self._settle(step, around, outcome, seconds)

    async def _route(self, room: Room | None, step: Decide, around: Surroundings) -> Forward | Answer:
        if self.deciding >= self.max_deciding or (room is not None and not room.hold(step.body)):
            self._metrics.work_skipped("overloaded")
            return refuse(
                Unavailable("Too many requests are being decided. Retry shortly.", code="overloaded", retry_after=1)
            )
        self.deciding += 1
        try:
            return await self._driver.drive(route(step.policy, step.head, step.body, around), around.deadline)
        finally:
            self.deciding -= 1

    def _reply(self, step: Decide, outcome: Forward | Answer) -> Reply:
        source = step.policy.vantage.identity.get("tenant")
        tenant = "" if source is None else tenant_hash(identity(source, step.head.headers, step.head.verified))
        if isinstance(outcome, Forward):
            return forward(outcome, step.head, step.body, step.phase, replica=self._replica, tenant=tenant)
        return immediate(outcome, step.head.method, replica=self._replica, tenant=tenant)

    def _settle(self, step: Decide, around: Surroundings, outcome: Forward | Answer, seconds: float) -> None:
        self._book(step, outcome, seconds)
        if step.shadows:
            self._shadows.offer(step.shadows, Enforced(step.head, step.body, around, outcome))

    def _book(self, step: Decide, outcome: Forward | Answer, seconds: float) -> None:
        if outcome.record is not None:
            self._metrics.decision(outcome.record, step.policy, seconds)
            log_decision(outcome.record)
        if isinstance(outcome, Answer) and outcome.status >= 400:
            self._metrics.error(error_code(outcome))

    async def _leave(self, context: Any, status: str, message: str) -> None:
        self._metrics.stream_failed(status)
        await context.abort(getattr(grpc.StatusCode, status), message)


class _Stream:
    """One stream, and what its body takes of the budget."""

    __slots__ = ("context", "reading", "room", "session", "until")

    def __init__(self, session: Session, context: Any, until: float) -> None:
        self.session = session
        self.context = context
        self.until = until
        """When it no longer waits for room."""
        self.room: Room | None = None
        self.reading: asyncio.Task[Any] | None = None
        """Who waits for Envoy's next message."""

    def withdraw(self) -> None:
        """Its room is somebody else's: have whoever waits for the body hear of it."""
        if self.reading is not None:
            self.reading.cancel()


def _request_id(step: Decide) -> str:
    """Envoy's id of the request, as its access-log entry will give it."""
    return step.head.headers.get("x-request-id", "")


def _place(error: BaseException) -> str:
    """File and line where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
