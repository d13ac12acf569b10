"""Looking at everything: every declared signal, whether a rule asks for it or not."""

from __future__ import annotations

from collections.abc import Generator

from forebay_decision.compiled import CompiledPolicy
from forebay_decision.policy.facts import Facts
from forebay_decision.record import SignalRecord
from forebay_decision.request import RequestHead, RequestView
from forebay_decision.route import Surroundings
from forebay_decision.work import Work


def all_signals(
    policy: CompiledPolicy, head: RequestHead, view: RequestView, around: Surroundings
) -> Generator[Work, object, dict[str, SignalRecord]]:
    """The record of each signal that the policy declares, cheapest first."""
    facts = Facts(policy.vantage, view, head.headers, around.states, around.clock, around.deadline, head.verified)
    for detector in sorted(policy.vantage.detectors.values(), key=lambda detector: detector.cost):
        yield from facts.learn(detector)
    return facts.records
