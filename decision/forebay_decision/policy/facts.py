"""Facts: what is known about one request so far, and how the next signal becomes known.

A rule is evaluated with what is known (logic.py). While that leaves it open, the cheapest signal that could settle it is
computed and the rule is tried again. `true || x` and `false && x` therefore never compute x.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from forebay_api.policy import IdentitySource
from forebay_api.wire import PoolState
from forebay_decision.policy.expression import Expression
from forebay_decision.policy.logic import Leaf
from forebay_decision.policy.variables import HEADERS, POOL_FIELDS, POOLS, REQUEST, SIGNAL_FIELDS
from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestView
from forebay_decision.signals.detector import Beside, Detector
from forebay_decision.signals.similarity import EncodeWork
from forebay_decision.token import NO_TOKEN, Verified, identity
from forebay_decision.work import Ahead, Skipped, Work

DEAR_MICROS = 20.0
"""Detectors above this cost are worth a look at whether their value can still matter."""
ENCODER_MICROS = 1000.0
"""Detectors from this cost on want a transformer's pass."""
EXHAUSTIVE = frozenset({"keyword", "regex", "pii"})
"""Kinds whose "no" is about every letter of the text."""
WORDLESS = frozenset({"structure", "claims"})
"""Kinds that say themselves what they do not know; that some text cannot be read changes nothing about the rest."""
LARGEST_SIGNAL_TEXT = 1 << 20
"""Bytes of text that signals read; of a longer one the head and the tail, half each."""


class SignalVariables(msgspec.Struct, frozen=True):
    """What rules call the parts of one signal."""

    parts: Mapping[str, str]
    """Name in the record's `values` -> variable."""
    matched: str
    unknown: str
    label: str
    score: str
    scores: str
    labels: str
    counts: str
    count: str

    @classmethod
    def of(cls, name: str, kind: str) -> SignalVariables:
        parts = {field: f"signals.{name}.{field}" for field in SIGNAL_FIELDS[kind]}
        return cls(parts, *(f"signals.{name}.{field}" for field in cls.__struct_fields__[1:]))


class Vantage(msgspec.Struct, frozen=True):
    """What a policy's rules look at, worked out once at compile time."""

    environment: Any
    variables: tuple[str, ...]
    headers: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]
    """(name in rules, qualified name)."""
    detectors: Mapping[str, Detector]
    names: Mapping[str, SignalVariables]
    identity: Mapping[str, IdentitySource | None]
    """``tenant`` and ``user`` -> where each comes from."""


class Facts:
    """One request's growing knowledge. Lives as long as the decision; nothing else writes to it."""

    def __init__(
        self,
        vantage: Vantage,
        view: RequestView,
        headers: Mapping[str, str],
        states: Mapping[str, PoolState],
        clock: Callable[[], float],
        deadline: float,
        verified: Verified = NO_TOKEN,
        group: str | None = None,
    ) -> None:
        """`group`: whose requests these are, where work may be begun ahead for them."""
        self._vantage = vantage
        self._view = view
        self._headers = headers
        self._verified = verified
        self._clock = clock
        self._deadline = deadline
        self.values = _first_facts(vantage, view, headers, states, verified)
        self._group = group
        self._begun = False
        """The encoder's pass is under way, and this thread has nothing to do when it comes to wait for it."""
        self._base: Any = None
        self._leaves: dict[Leaf, bool | None] = {}
        self._scoped: dict[str, bytes] = {}
        self._cut: set[str] = set()
        self._embeddings: dict[str, object] = {}
        self._shared: dict[Hashable, object] = {}
        self.records: dict[str, SignalRecord] = {}

    def settle(self, expression: Expression, asks: Sequence[Detector]) -> Generator[Work, object, bool | None]:
        """The expression's value, computing of `asks`, which are cheapest first, what it needs; None where it stays
        unknown. A dear signal is computed only while something that it could settle is open."""
        logic = expression.logic
        value = logic.truth(self)
        for detector in asks:
            if value is not None:
                return value
            if detector.name in self.records:
                continue
            if detector.cost > DEAR_MICROS and detector.name not in set(logic.wanted(self)):
                continue
            if self._group is not None:
                group, self._group = self._group, None
                if detector.cost < ENCODER_MICROS and (pass_ := self._pass()) is not None:
                    self._begun = (yield Ahead(group, pass_)) is True
            if self._begun and detector.cost >= ENCODER_MICROS:
                self._begun = False
                self._look(asks, set(logic.wanted(self)))
            yield from self.learn(detector)
            value = logic.truth(self)
        return value

    def _look(self, asks: Sequence[Detector], wanted: set[str]) -> None:
        """Have signals look at what they want beside the pass."""
        for detector in asks:
            if detector.name in wanted and isinstance(detector, Beside):
                # What fails here fails again, and is told, when the signal is computed.
                with suppress(Exception):
                    detector.look(self)

    def _pass(self) -> Work | None:
        """The encoder's pass over the latest turn, if any signal of the policy may want it."""
        for detector in self._vantage.detectors.values():
            if detector.cost < ENCODER_MICROS or detector.scope != "LatestTurn":
                continue
            # What fails here fails again, and is told, when the signal is computed.
            with suppress(Exception):
                prepared = detector.prepare(self)
                if isinstance(prepared, EncodeWork):
                    # One that had to be shortened may be shortened differently when it is asked for.
                    return prepared if prepared.whole else None
        return None

    def evaluate(self, leaf: Leaf) -> bool | None:
        if leaf in self._leaves:
            return self._leaves[leaf]
        if any(signal not in self.records for signal in leaf.signals):
            return None
        try:
            value = leaf.program.eval(self._activation(leaf)).plain_value()
        except RuntimeError:
            value = None  # CEL gives up on a fold that is too long: that is not known, and no reason to fail
        self._leaves[leaf] = settled = value if value is True or value is False else None
        return settled

    def learn(self, detector: Detector) -> Generator[Work, object, None]:
        """Compute one signal; past the deadline, or when it fails, it becomes unknown."""
        started = self._clock()
        if started >= self._deadline:
            outcome: SignalRecord | Skipped = Skipped("deadline")
        else:
            try:
                prepared = detector.prepare(self)
                result = prepared if prepared is None or isinstance(prepared, Skipped) else (yield prepared)
                outcome = self._trusted(detector, detector.detect(self, result))
            except Exception as error:  # noqa: BLE001  one broken signal must not take the request down
                outcome = Skipped(f"error: {type(error).__name__}")
        self._note(detector.name, outcome, round((self._clock() - started) * 1e6))

    def scoped(self, scope: str) -> bytes:
        text = self._scoped.get(scope)
        if text is None:
            whole = self._view.text if scope == "LatestTurn" else self._view.conversation
            read = whole.encode("utf-8", "replace")
            text = self._scoped[scope] = _bounded(read)
            if len(text) < len(read):
                self._cut.add(scope)
        return text

    @property
    def latest(self) -> str:
        return self._view.text

    @property
    def view(self) -> RequestView:
        return self._view

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def verified(self) -> Verified:
        return self._verified

    def seconds_left(self) -> float:
        return self._deadline - self._clock()

    def embeddings(self) -> dict[str, object]:
        return self._embeddings

    def shared(self) -> dict[Hashable, object]:
        return self._shared

    def _activation(self, leaf: Leaf) -> Any:
        activate = self._vantage.environment.Activation
        if leaf.signals:
            return activate({name: self.values[name] for name in leaf.variables if name in self.values})
        if self._base is None:
            self._base = activate(self.values)
        return self._base

    def _trusted(self, detector: Detector, outcome: SignalRecord | Skipped) -> SignalRecord | Skipped:
        """A finding is a finding; but that nothing was found is known only of text that was read, and read in full."""
        if isinstance(outcome, Skipped) or detector.kind in WORDLESS:
            return outcome
        if self._view.unread:
            unread = f"{self._view.unread} cannot be read"
        elif detector.kind in EXHAUSTIVE and detector.scope in self._cut:
            unread = "the text was too long to be read in full"
        else:
            return outcome
        # What else there is, and how often, stays open.
        return replace(outcome, labels=None, counts=None) if outcome.matched else Skipped(unread)

    def _note(self, name: str, outcome: SignalRecord | Skipped, micros: int) -> None:
        variables = self._vantage.names[name]
        values = self.values
        if isinstance(outcome, Skipped):
            values[variables.unknown] = True
            self.records[name] = SignalRecord(unknown=outcome.reason, micros=micros)
            return
        values[variables.matched] = outcome.matched
        values[variables.unknown] = False
        values[variables.label] = outcome.label or ""
        if outcome.score is not None:
            scores = outcome.scores or {}
            threshold = outcome.threshold or 0.0
            values[variables.score] = outcome.score
            values[variables.scores] = scores
            values[variables.labels] = [label for label, score in scores.items() if score >= threshold]
        if outcome.labels is not None:
            values[variables.labels] = list(outcome.labels)
        if outcome.counts is not None:
            values[variables.counts] = outcome.counts
            values[variables.count] = sum(outcome.counts.values())
        if outcome.values is not None:
            for field, value in outcome.values.items():
                values[variables.parts[field]] = value
        self.records[name] = replace(outcome, micros=micros) if micros else outcome


def _first_facts(
    vantage: Vantage,
    view: RequestView,
    headers: Mapping[str, str],
    states: Mapping[str, PoolState],
    verified: Verified,
) -> dict[str, Any]:
    known: dict[str, Any] = {name: REQUEST[name][1](view) for name in vantage.variables}
    if vantage.headers:
        known[HEADERS] = {name: headers[name] for name in vantage.headers if name in headers}
    for variable, source in vantage.identity.items():
        known[variable] = identity(source, headers, verified)
    if vantage.pools:
        known[POOLS] = {
            # What is not known, or known no more, is unknown: a rule that asks for it says what that means.
            name: {field: read(state) for field, read in POOL_FIELDS.items()}
            for name, pool in vantage.pools
            if (state := states.get(pool)) is not None and not state.stale
        }
    return known


def _bounded(text: bytes) -> bytes:
    if len(text) <= LARGEST_SIGNAL_TEXT:
        return text
    half = LARGEST_SIGNAL_TEXT // 2
    return text[:half] + b"\n" + text[-half:]
