"""The detector of models on derived labels: task, risk, uncertainty, factuality, needsRetrieval, needsTools, reasoning.

One head (`asks`, its card says what from and how well) gives each text marks of what it asks for; judges make labels of
them. Texts in other scripts, or without words, are unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from forebay_api.signal import Classifier
from forebay_decision.record import SignalRecord
from forebay_decision.signals.classifier.detector import SURFACE, WORDING
from forebay_decision.signals.classifier.judges import THRESHOLD, Judge, Seen
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.similarity import plan_encoding
from forebay_decision.work import Skipped, Work
from forebay_models.cut import cut_middle
from forebay_models.heads.head import Head, Reading
from forebay_models.heads.reach import out_of_reach
from forebay_models.heads.wording import read_wording

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

SCOPE: Final = "LatestTurn"
HEAD: Final = "asks"
READ: Final = 16_384
"""Letters in which signs are looked for: of a longer text the two ends."""


class JudgementDetector:
    """A judge's verdict in the shape of a classifier's. The head's marks are computed once a request, for all of them."""

    kind = "classifier"
    cost = 3000.0

    def __init__(self, name: str, spec: Classifier, judge: Judge, head: Head, encoder: Encoder, table: Encoder) -> None:
        self.name = name
        self.scope = SCOPE
        self._judge = judge
        self._head = head
        self._encoder = encoder
        self._table = table
        self._wording = (WORDING, table.digest, True)
        """The same key as a classifier's that asks for the parts of the latest turn as it came."""
        self._wanted = tuple(spec.labels or judge.looks_for)
        self._threshold = THRESHOLD if spec.threshold is None else spec.threshold

    def prepare(self, texts: Texts) -> Work | Skipped | None:
        if self._encoder.digest in texts.embeddings() or self._out_of_reach(texts) is not None:
            return None
        return plan_encoding(self._encoder, texts.latest, texts.seconds_left())

    def detect(self, texts: Texts, prepared: object) -> SignalRecord | Skipped:
        if (reason := self._out_of_reach(texts)) is not None:
            return Skipped(reason)
        row = texts.embeddings().setdefault(self._encoder.digest, prepared)
        if isinstance(row, Skipped):
            return row
        found = self._judge.scores(self._seen(texts, row))
        scores = {label: round(score, 6) for label, score in found.items()}
        return SignalRecord(
            matched=any(scores[each] >= self._threshold for each in self._wanted),
            score=max(scores[each] for each in self._wanted),
            threshold=self._threshold,
            label=self._judge.choose(scores),
            scores=scores,
        )

    def _out_of_reach(self, texts: Texts) -> str | None:
        key = ("reach", True, True)
        shared = texts.shared()
        if key not in shared:
            shared[key] = out_of_reach(texts.latest, latin_only=True)
        return cast("str | None", shared[key])

    def look(self, texts: Texts) -> None:
        shared = texts.shared()
        if SURFACE not in shared:
            shared[SURFACE] = self._head.describe(texts.latest)
        if self._wording not in shared:
            shared[self._wording] = read_wording(texts.latest, self._table)

    def _seen(self, texts: Texts, row: object) -> Seen:
        """Once a request, for all judges."""
        shared = texts.shared()
        key = (HEAD, self._head.digest)
        if key not in shared:
            self.look(texts)
            reading = Reading(cast("Any", row), cast("Any", shared[self._wording]), cast("Any", shared[SURFACE]))
            marks = dict(zip(self._head.manifest.labels, self._head.scores(reading), strict=True))
            shared[key] = Seen(cut_middle(texts.latest, READ).encode("utf-8", "replace"), texts.view, marks)
        return cast("Seen", shared[key])
