"""Intake: where outcomes arrive, from Envoy or from a peer, and who is told."""

from __future__ import annotations

from collections.abc import Iterable

from forebay_extproc.outcomes.ledger import Ledger
from forebay_extproc.outcomes.outcome import Outcome
from forebay_extproc.outcomes.peers import Peers, Report
from forebay_extproc.telemetry.metrics import Metrics


class Intake:
    """Counts each outcome once, here, and strikes it out of the ledger of the replica that decided."""

    def __init__(self, replica: str, ledger: Ledger, peers: Peers, metrics: Metrics) -> None:
        self._replica = replica
        self._ledger = ledger
        self._peers = peers
        self._metrics = metrics

    def entries(self, outcomes: Iterable[Outcome]) -> None:
        """Outcomes out of Envoy's access log."""
        foreign: dict[str, list[str]] = {}
        unclaimed: list[str] = []
        for outcome in outcomes:
            self._metrics.outcome(outcome)
            if outcome.replica == self._replica:
                self._ledger.strike(outcome.decision)
            elif outcome.replica:
                foreign.setdefault(outcome.replica, []).append(outcome.decision)
            elif outcome.request_id and not self._ledger.strike_request(outcome.request_id):
                # The caller left before Envoy had the decision, if there was one: only who made it knows.
                unclaimed.append(outcome.request_id)
        for replica, decisions in foreign.items():
            self._peers.tell(replica, decisions)
        if unclaimed:
            self._peers.tell_all(unclaimed)

    def report(self, report: Report) -> None:
        """Requests, of which some may be ours, whose entries went to a peer."""
        for decision in report.decisions:
            self._ledger.strike(decision)
        for request in report.requests:
            self._ledger.strike_request(request)
