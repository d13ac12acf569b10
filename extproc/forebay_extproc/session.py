"""One ext_proc stream as a state machine: it is told what Envoy said, and says what to do. No I/O, no clock.

The invariant that it exists for: a stream ends cleanly only after its one final reply. Envoy takes a clean end before
that for "no opinion" and sends the request on undecided, even where it is told to fail closed.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias

import msgspec

from forebay_decision.compiled import CompiledConfig, CompiledPolicy
from forebay_decision.dialects.openai.codings import named
from forebay_decision.errors import BadRequest, DecisionError, NotFound, TooLarge, Unavailable
from forebay_decision.names import CLUSTER_HEADER
from forebay_decision.request import RequestHead
from forebay_decision.route import refuse
from forebay_extproc.events import (
    BodyEvent,
    Continue,
    EndEvent,
    Event,
    HeadersEvent,
    Immediate,
    Phase,
    Reply,
    ResponseEvent,
    TrailersEvent,
)
from forebay_extproc.mutation import immediate

GrpcStatus = Literal["INVALID_ARGUMENT", "FAILED_PRECONDITION", "CANCELLED", "UNIMPLEMENTED"]


class Say(msgspec.Struct, frozen=True):
    """Send this; after the `last` one the stream is closed."""

    reply: Reply
    last: bool
    code: str = ""
    """Code of the error that the reply tells of, for the metrics."""


class Decide(msgspec.Struct, frozen=True):
    """Route the request and give the reply to `settle`; it answers the message named by `phase`."""

    policy: CompiledPolicy
    shadows: tuple[CompiledPolicy, ...]
    head: RequestHead
    body: bytes
    phase: Phase


class Close(msgspec.Struct, frozen=True):
    """End the stream: all has been said."""


class Fail(msgspec.Struct, frozen=True):
    """End the stream with a gRPC error, so that Envoy does not take the end for consent."""

    status: GrpcStatus
    message: str


class Wait(msgspec.Struct, frozen=True):
    """The gateway has a route of which nobody has told yet: `renew` with the next configuration, or `give_up`."""


Step: TypeAlias = Say | Decide | Close | Fail | Wait


class State(Enum):
    NEW = "new"
    WAITING = "waiting"
    HEADED = "headed"
    DECIDING = "deciding"
    DONE = "done"


CONTINUE_TO_BODY = Say(Continue("request_headers"), last=False)


class Session:
    """One request. Takes the configuration once, at its start, and keeps it to its end: a gateway and data planes hear of
    a new route one after the other, so where that has no policy yet, its start is when they have heard."""

    def __init__(self, config: CompiledConfig) -> None:
        self._config = config
        self._head: HeadersEvent | None = None
        self._policy: CompiledPolicy | None = None
        self._shadows: tuple[CompiledPolicy, ...] = ()
        self.state = State.NEW

    def on(self, event: Event) -> Step:
        """The step that follows an event, in whatever order they come."""
        if self.state is State.DONE:
            return Close()
        if isinstance(event, BodyEvent):
            return self._body(event)
        if isinstance(event, HeadersEvent):
            return self._headers(event)
        if isinstance(event, ResponseEvent):
            # The request is past us already, or another filter has answered it: nothing of ours is left to decide.
            return Say(Continue(event.phase), last=False)
        if isinstance(event, TrailersEvent):
            return self._trailers()
        if isinstance(event, EndEvent):
            return Fail("CANCELLED", "the stream ended before its reply")
        return Fail("UNIMPLEMENTED", "a message of an unknown kind: is Envoy newer than this data plane?")

    @property
    def awaited(self) -> int:
        """Bytes that the body may have which comes next."""
        if self.state is not State.HEADED or self._policy is None or self._head is None:
            return 0
        length = self._head.content_length
        return self._policy.max_request_bytes if length is None else length

    def overloaded(self) -> Say:
        """There is no room for the body."""
        return self._refuse(
            Unavailable("Too many large bodies are being read. Retry shortly.", code="overloaded", retry_after=1)
        )

    def settle(self, reply: Reply) -> Say:
        """The final reply to the Decide that came before."""
        if self.state is not State.DECIDING:
            raise RuntimeError(f"there is nothing to settle in state {self.state.value}")
        self.state = State.DONE
        return Say(reply, last=True)

    def _headers(self, event: HeadersEvent) -> Step:
        if self.state is not State.NEW:
            return Fail("FAILED_PRECONDITION", "request headers came twice on one stream")
        if event.mode_error:
            return Fail("FAILED_PRECONDITION", event.mode_error)
        self._head = event
        return self._begin(event) or Wait()

    def renew(self, config: CompiledConfig) -> Step:
        """The step that follows the Wait that came before, by a newer configuration."""
        if self.state is not State.WAITING or self._head is None:
            raise RuntimeError(f"nothing is waited for in state {self.state.value}")
        self.state, self._config = State.NEW, config
        return self._begin(self._head) or Wait()

    def give_up(self) -> Say:
        """Nobody has told of the route in time."""
        if self.state is not State.WAITING or self._head is None:
            raise RuntimeError(f"nothing is waited for in state {self.state.value}")
        return self._refuse(_no_policy(self._head.head))

    def _begin(self, event: HeadersEvent) -> Step | None:
        """None where it has to be waited for."""
        head = event.head
        # With our routing header in it, the route that it met first may be one that a client has chosen by that header.
        match = self._config.match(head.host, head.path, head.origin, known=CLUSTER_HEADER in head.headers)
        self._policy, self._shadows = match.policy, match.shadows
        if match.untold:
            self.state = State.WAITING
            return None
        if match.policy is None:
            return self._refuse(_no_policy(head))
        if head.repeated and (name := _ambiguous(match.policy, head)):
            return self._refuse(_duplicate(name))
        if event.content_length is not None and event.content_length > match.policy.max_request_bytes:
            return self._refuse(_too_large(match.policy))
        if event.end_of_stream:
            return self._decide(match.policy, event, b"", "request_headers")
        self.state = State.HEADED
        return CONTINUE_TO_BODY

    def _body(self, event: BodyEvent) -> Step:
        if self.state is not State.HEADED or self._policy is None or self._head is None:
            return Fail("FAILED_PRECONDITION", "a request body came out of turn: set request_header_mode to SEND")
        if len(event.body) > self._policy.max_request_bytes:
            return self._refuse(_too_large(self._policy))
        return self._decide(self._policy, self._head, event.body, "request_body")

    def _trailers(self) -> Step:
        if self.state is not State.HEADED:
            return Fail("FAILED_PRECONDITION", "request trailers came out of turn")
        # With BUFFERED the body comes before the trailers, so there is none; and a trailers reply cannot route.
        empty = BadRequest("The body is empty: send a JSON object.", code="invalid_json")
        return self._refuse(named(empty, self._head.head.headers if self._head else {}, b""))

    def _decide(self, policy: CompiledPolicy, event: HeadersEvent, body: bytes, phase: Phase) -> Decide:
        self.state = State.DECIDING
        return Decide(policy, self._shadows, event.head, body, phase)

    def _refuse(self, error: DecisionError) -> Say:
        self.state = State.DONE
        method = self._head.head.method if self._head else ""
        reply: Immediate = immediate(refuse(error), method)
        return Say(reply, last=True, code=error.code)


def _no_policy(head: RequestHead) -> NotFound:
    host = ascii(head.host[:128])
    return NotFound(f"No policy is attached to host {host} and this path.", code="no_policy")


def _ambiguous(policy: CompiledPolicy, head: RequestHead) -> str:
    """A header that says who is asking, or what they may, and came twice; or empty."""
    spec = policy.spec
    sources = (spec.identity.tenant, spec.identity.user, *(signal.claims for signal in spec.signals))
    trusted = (source.header for source in sources if source is not None)
    return next((header for header in trusted if header is not None and header in head.repeated), "")


def _duplicate(name: str) -> BadRequest:
    # Joined, it would equal neither value: a rule about a tenant could be evaded by naming another beside it.
    return BadRequest(
        f"The header {name} says who is asking and came more than once: send it once.",
        code="duplicate_identity_header",
    )


def _too_large(policy: CompiledPolicy) -> TooLarge:
    limit = policy.spec.max_request_bytes
    return TooLarge(f"The body is larger than this policy's limit of {limit}.", code="request_too_large")
