"""Facts: what is known about one request so far, and how the next signal becomes known.

A rule is evaluated with what is known (logic.py). While that leaves it open, the cheapest signal that could settle it is
computed and the rule is tried again. `true || x` and `false && x` therefore never compute x.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from forebay_api.wire import PoolState
from forebay_decision.policy.expression import Expression
from forebay_decision.policy.logic import Leaf
from forebay_decision.policy.material import Material
from forebay_decision.policy.vantage import Vantage
from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestView
from forebay_decision.signals.detector import Beside, Detector
from forebay_decision.signals.similarity import EncodeWork
from forebay_decision.token import NO_TOKEN, Verified
from forebay_decision.work import Ahead, Skipped, Work

DEAR_MICROS = 20.0
"""Detectors above this cost are worth a look at whether their value can still matter."""
ENCODER_MICROS = 1000.0
"""Detectors from this cost on want a transformer's pass."""


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
        self._clock = clock
        self._deadline = deadline
        self._material = Material(view, headers, verified, clock, deadline)
        self.values = vantage.first_values(view, headers, states, verified)
        self._group = group
        self._begun = False
        """The encoder's pass is under way, and this thread has nothing to do when it comes to wait for it."""
        self._base: Any = None
        self._leaves: dict[Leaf, bool | None] = {}
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
                    detector.look(self._material)

    def _pass(self) -> Work | None:
        """The encoder's pass over the latest turn, if any signal of the policy may want it."""
        for detector in self._vantage.detectors.values():
            if detector.cost < ENCODER_MICROS or detector.scope != "LatestTurn":
                continue
            # What fails here fails again, and is told, when the signal is computed.
            with suppress(Exception):
                prepared = detector.prepare(self._material)
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
                prepared = detector.prepare(self._material)
                result = prepared if prepared is None or isinstance(prepared, Skipped) else (yield prepared)
                outcome = self._trusted(detector, detector.detect(self._material, result))
            except Exception as error:  # noqa: BLE001  one broken signal must not take the request down
                outcome = Skipped(f"error: {type(error).__name__}")
        self._note(detector.name, outcome, round((self._clock() - started) * 1e6))

    def _activation(self, leaf: Leaf) -> Any:
        activate = self._vantage.environment.Activation
        if leaf.signals:
            return activate({name: self.values[name] for name in leaf.variables if name in self.values})
        if self._base is None:
            self._base = activate(self.values)
        return self._base

    def _trusted(self, detector: Detector, outcome: SignalRecord | Skipped) -> SignalRecord | Skipped:
        """A finding is a finding; but that nothing was found is known only of text that was read, and read in full."""
        if isinstance(outcome, Skipped):
            return outcome
        unread = self._material.unread(detector.kind, detector.scope)
        if not unread:
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
