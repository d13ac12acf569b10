"""Detector: the contract that every kind of signal fulfils."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol, runtime_checkable

from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestView
from forebay_decision.token import Verified
from forebay_decision.work import Skipped, Work


class Texts(Protocol):
    """What may be looked at: the request's text, each form made at most once, and what stands around it."""

    def scoped(self, scope: str) -> bytes:
        """UTF-8 of the latest human turn (``LatestTurn``) or of everything (``Conversation``)."""
        ...

    @property
    def latest(self) -> str:
        """The latest human turn."""
        ...

    @property
    def view(self) -> RequestView:
        """The turns and numbers of the body."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers by lower-case name."""
        ...

    @property
    def verified(self) -> Verified:
        """What the caller's verified tokens claim, by provider."""
        ...

    def seconds_left(self) -> float:
        """Until the decision's deadline."""
        ...

    def embeddings(self) -> dict[str, object]:
        """Encoder digest -> embedding of the latest human turn; shared by all signals of a request."""
        ...

    def shared(self) -> dict[Hashable, object]:
        """Results that several signals of a request may want; the key says which, whatever signal made it."""
        ...


class Detector(Protocol):
    """One compiled signal. Immutable and free of effects; `detect` may run on any thread and never raises for any text.

    `cost` is the expected time in microseconds for a short text: the evaluator asks for the cheapest signal first.
    `prepare` says what must be computed first: a Work, whose result is handed to `detect`; None for nothing; a Skipped
    where there is no time for it. `detect` returns the value, or passes on the Skipped that it was handed.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def cost(self) -> float: ...
    def prepare(self, texts: Texts) -> Work | Skipped | None: ...
    def detect(self, texts: Texts, prepared: object) -> SignalRecord | Skipped: ...


@runtime_checkable
class Beside(Protocol):
    """A detector that wants more than the encoder's row: `look` makes the rest, which `detect` makes where it was not called.
    Results stand in `Texts.shared`."""

    def look(self, texts: Texts) -> None: ...
