"""Telling how everything stands: one JSON line on standard output after each change of status."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import msgspec

from forebay_api.manifest import ManifestError
from forebay_operator.core import Core, Statuses
from forebay_operator.scrape.load_status import LoadStatuses
from forebay_operator.scrape.state import PoolStates
from forebay_operator.telling.progress import Rollout
from forebay_operator.telling.report import Fault, Report
from forebay_operator.telling.status import policy_status, pool_status


class Reporter:
    """Makes reports and writes those that differ from the one before."""

    def __init__(self) -> None:
        self._before = Statuses()
        self._loads = LoadStatuses()
        self._written: Report | None = None

    def report(self, core: Core, rollout: Rollout, states: PoolStates, errors: tuple[ManifestError, ...]) -> None:
        """Work out every status and print it if anything is new."""
        now = datetime.now(UTC)
        before = self._before
        told = states.told
        verdicts = core.verdicts
        policies = {
            name: policy_status(verdict, rollout, before.policies.get(name), now)
            for name, verdict in verdicts.policies.items()
        }
        pools = {
            name: self._loads.complete(
                name,
                pool_status(
                    verdict, rollout, told.get(name), before.pools.get(name), now, stretch=states.stretch(name)
                ),
                told.get(name),
                before.pools.get(name),
                now.timestamp(),
            )
            for name, verdict in verdicts.pools.items()
        }
        self._before = Statuses(policies, pools)
        faults = tuple(Fault(e.source, e.line, e.path or "", e.message) for e in errors if e.severity == "Error")
        report = Report(rollout.acknowledgements.revision, rollout.acknowledgements.complete, policies, pools, faults)
        if report != self._written:
            self._written = report
            sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
            sys.stdout.buffer.flush()
