"""Failures on demand: what a real server does when it is broken, overloaded or gone, at the moment a test wants it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from forebay_api.quantities import Duration, duration_seconds

Mode = Literal["none", "status", "hang", "reset", "reset_mid_stream", "slow"]
Scope = Literal["inference", "monitoring", "all"]


class FaultError(ValueError):
    """A fault that cannot be set; the text names the field and what it accepts."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One failure mode.

    * ``status``: answers with HTTP ``status`` after ``delay``.
    * ``hang``: takes a slot and never answers; the slot is free again when the client gives up.
    * ``reset``: closes the connection with a TCP reset after ``delay``, before any byte of the answer.
    * ``reset_mid_stream``: the same once ``after_tokens`` tokens have been sent.
    * ``slow``: the first token comes ``delay`` later than it would (2s unless told).

    ``count`` requests are hit, then the fault is over; None means until it is changed. ``scope`` says which requests:
    ``inference`` (everything under /v1), ``monitoring`` (/health and /metrics) or ``all``.
    """

    mode: Mode = "none"
    status: Annotated[int, Meta(ge=400, le=599)] = 503
    after_tokens: Annotated[int, Meta(ge=0, le=1_000_000)] = 3
    delay: Duration | None = None
    count: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    scope: Scope = "inference"

    @property
    def delay_seconds(self) -> float:
        if self.delay is None:
            return 2.0 if self.mode == "slow" else 0.0
        return duration_seconds(self.delay)


NO_FAULT = Fault()


class FaultReport(msgspec.Struct, frozen=True, kw_only=True):
    """What GET /sim/faults shows: the fault that is set, how many requests it will still hit, how many it has hit."""

    fault: Fault
    remaining: int | None
    hits: int


def decode_fault(body: bytes | str) -> Fault:
    """The fault that a JSON object describes. Raises FaultError."""
    try:
        return msgspec.json.decode(body, type=Fault)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FaultError(f"fault: {error}{_choices(str(error))}") from error


def make_fault(**fields: object) -> Fault:
    """The fault with these fields, checked as JSON would be. Raises FaultError."""
    try:
        return msgspec.convert(fields, Fault)
    except msgspec.ValidationError as error:
        raise FaultError(f"fault: {error}{_choices(str(error))}") from error


def _choices(message: str) -> str:
    """What there is, where a decoder's message says only that something else was given."""
    if "unknown field" in message:
        return f"; there are {', '.join(Fault.__struct_fields__)}"
    if "enum value" in message:
        return f"; choose from {', '.join(get_args(Scope if message.endswith('`$.scope`') else Mode))}"
    return ""


def parse_fault(text: str) -> Fault:
    """The fault of a command line: a JSON object, or ``MODE[,FIELD=VALUE...]`` such as ``status,status=429,count=3``."""
    if text.lstrip().startswith("{"):
        return decode_fault(text)
    mode, *settings = text.split(",")
    fields: dict[str, object] = {"mode": mode}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise FaultError(f"fault: {setting!r} is no FIELD=VALUE; write for example status,status=429,count=3")
        fields[name] = int(value) if value.isdecimal() and len(value) < 12 else value
    return make_fault(**fields)


class FaultBoard:
    """Holds the one current fault and counts its hits. Only the event loop's thread may touch it."""

    def __init__(self, fault: Fault = NO_FAULT) -> None:
        self.put(fault)

    def put(self, fault: Fault) -> None:
        """Replace the fault; requests that the old one already holds stay held."""
        self._fault = fault
        self._remaining = fault.count
        self._hits = 0

    def take(self, scope: Scope) -> Fault:
        """The fault that hits one request of ``scope`` now, NO_FAULT for none; counts the hit."""
        fault = self._fault
        if fault.mode == "none" or fault.scope not in (scope, "all") or self._remaining == 0:
            return NO_FAULT
        if self._remaining is not None:
            self._remaining -= 1
        self._hits += 1
        return fault

    def report(self) -> FaultReport:
        return FaultReport(fault=self._fault, remaining=self._remaining, hits=self._hits)
