"""The data plane's metrics: what is counted, under which names and labels."""

from __future__ import annotations

import gc
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import InfoMetricFamily, Metric

from forebay_decision.compiled import CompiledPolicy
from forebay_decision.record import DecisionRecord, SignalRecord
from forebay_extproc.outcomes.outcome import Outcome
from forebay_extproc.telemetry.tallies import Collection, Distribution, Tally, gauge
from forebay_extproc.telemetry.vocabulary import OURS, Vocabulary

FAST: Final = (25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 500e-3, 2.0)
"""Seconds: decisions and signals."""
SLOW: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)
"""Seconds: upstreams."""
TOGETHER: Final = (1, 2, 4, 8, 16, 32, 64)
"""Results at once."""
MAX_CODES: Final = 256


class Metrics:
    """Written on the event loop only; read by `registry` from any thread."""

    def __init__(self) -> None:
        self.vocabulary = Vocabulary(OURS)
        self.registry = CollectorRegistry()
        self._info: dict[str, str] = {}
        self._rejected = 0
        self._gauges: list[Callable[[], Metric]] = []
        words = self.vocabulary
        self._decisions = Tally(
            "forebay_decisions",
            "Decisions by where the request was sent.",
            ("policy", "rule", "strategy", "pool", "model", "decided_by"),
            words,
        )
        self._decision_seconds = Distribution(
            "forebay_decision_seconds", "From the complete body to the reply.", ("policy",), words, FAST
        )
        self._signals = Tally(
            "forebay_signals", "Signals that were asked for, by result.", ("policy", "signal", "kind", "result"), words
        )
        self._signal_seconds = Distribution("forebay_signal_seconds", "Time of one signal.", ("kind",), words, FAST)
        # Codes are constants in our own source, so they are bounded without a list of them here.
        self._codes = Vocabulary()
        self._error_tally = Tally("forebay_errors", "Errors told to callers, by code.", ("code",), self._codes)
        self._streams = Tally(
            "forebay_streams_failed", "ext_proc streams left with a gRPC error.", ("status",), Vocabulary(GRPC_STATUSES)
        )
        self._work = Tally(
            "forebay_work_skipped", "Work that was dropped, by reason.", ("reason",), Vocabulary(SKIP_REASONS)
        )
        self._together = Distribution(
            "forebay_encoder_batch", "Results of encoders that one wake-up of the loop took.", (), words, TOGETHER
        )
        self._bodies = Tally(
            "forebay_bodies_refused", "Bodies for which there was no memory.", ("reason",), Vocabulary(BODY_REASONS)
        )
        self._outcomes = Tally(
            "forebay_outcomes",
            "Finished requests by Envoy's access log.",
            ("pool", "model", "decided_by", "status"),
            words,
        )
        self._ttfb = Distribution(
            "forebay_ttfb_seconds", "From the request's last byte sent to the first body byte.", ("pool",), words, SLOW
        )
        self._duration = Distribution("forebay_request_seconds", "Whole requests.", ("pool",), words, SLOW)
        self._shadow = Tally(
            "forebay_shadow_decisions", "Shadow decisions beside the enforced one.", ("policy", "result"), words
        )
        parts = (
            *(self._decisions, self._decision_seconds, self._signals, self._signal_seconds, self._error_tally),
            *(self._streams, self._work, self._together, self._bodies),
            *(self._outcomes, self._ttfb, self._duration, self._shadow),
        )
        self.registry.register(Collection([*(part.collect for part in parts), self._configuration, _build, _garbage]))
        ProcessCollector(registry=self.registry)

    def watch(
        self, name: str, help_: str, labels: tuple[str, ...], read: Callable[[], Mapping[tuple[str, ...], float]]
    ) -> None:
        """Add a gauge that is read at scrape time, on the scrape's thread."""
        self.registry.register(Collection([lambda: gauge(name, help_, labels, read())]))

    def decision(self, record: DecisionRecord, policy: CompiledPolicy, seconds: float) -> None:
        """One enforced decision and the signals it asked for."""
        key = (record.policy, record.rule, record.strategy, record.pool, record.model, record.decided_by)
        self._decisions.add(key)
        self._decision_seconds.observe((record.policy,), seconds)
        detectors = policy.vantage.detectors
        for name, signal in record.signals.items():
            detector = detectors.get(name)
            kind = detector.kind if detector is not None else ""
            self._signals.add((record.policy, name, kind, _result(signal)))
            self._signal_seconds.observe((kind,), signal.micros * 1e-6)

    def error(self, code: str) -> None:
        """An error object was sent to a caller."""
        if code not in self._codes and len(self._codes) < MAX_CODES:
            self._codes.learn((code,))
        self._error_tally.add((code,))

    def stream_failed(self, status: str) -> None:
        """A stream was left with a gRPC error."""
        self._streams.add((status,))

    def work_skipped(self, reason: str) -> None:
        """Work was dropped instead of done."""
        self._work.add((reason,))

    def returned(self, results: int) -> None:
        """So many results of encoders came back together."""
        self._together.observe((), results)

    def body_refused(self, reason: str) -> None:
        """A body found no room (``full``) or had lost it before it came (``late``)."""
        self._bodies.add((reason,))

    def outcome(self, outcome: Outcome) -> None:
        """One finished request."""
        self._outcomes.add((outcome.pool, outcome.model, outcome.decided_by, outcome.status_class))
        self._duration.observe((outcome.pool,), outcome.duration_seconds)
        if outcome.ttfb_seconds is not None:
            self._ttfb.observe((outcome.pool,), outcome.ttfb_seconds)

    def shadow(self, policy: str, result: str) -> None:
        """A Shadow policy ``agrees``, ``differs`` or was ``dropped``."""
        self._shadow.add((policy, result))

    def configured(self, revision: str, policies: int, rejected: int) -> None:
        """A configuration has gone live."""
        self._info = {"revision": revision, "policies": str(policies)}
        self._rejected = rejected

    def _configuration(self) -> Metric:
        family = InfoMetricFamily("forebay_config", "The live configuration.")
        family.add_metric((), self._info | {"rejected": str(self._rejected)})
        return family


GRPC_STATUSES: Final = (
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "CANCELLED",
    "UNIMPLEMENTED",
    "UNAVAILABLE",
    "INTERNAL",
)
BODY_REASONS: Final = ("full", "late")
SKIP_REASONS: Final = ("deadline", "encoder busy", "error", "overloaded")


def _result(signal: SignalRecord) -> str:
    if signal.unknown is not None:
        return "unknown"
    if signal.matched is None:
        return "measured"
    return "matched" if signal.matched else "unmatched"


def _build() -> Metric:
    family = InfoMetricFamily("forebay_build", "What is running.")
    family.add_metric((), {"version": version("forebay"), "python": platform.python_version()})
    return family


def _garbage() -> Metric:
    runs: dict[tuple[str, ...], float] = {
        (str(generation),): float(stats["collections"]) for generation, stats in enumerate(gc.get_stats())
    }
    return gauge("forebay_gc_collections", "Garbage collections so far.", ("generation",), runs)
