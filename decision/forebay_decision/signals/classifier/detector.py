"""The detector of a model that was trained: shipped, or somebody's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from forebay_api.signal import Classifier
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.signals.similarity import plan_encoding
from forebay_decision.work import Skipped, Work
from forebay_models.heads.head import Head, Judgement, Reading
from forebay_models.heads.reach import out_of_reach
from forebay_models.heads.unmask import unmask

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

PLAIN: Final = "unmasked"
SURFACE: Final = "surface"
WORDING: Final = "wording"
PIECES: Final = "pieces"
"""What several models of a request share, by these keys of `Texts.shared`."""


class ClassifierDetector:
    """`scores` by label; `label` is the likeliest. Matched when a label that counts reaches its threshold: those that the
    policy names, else the one a binary model looks for, else the likeliest."""

    kind = "classifier"

    def __init__(self, name: str, spec: Classifier, head: Head, encoder: Encoder, table: Encoder | None) -> None:
        self.name = name
        self.scope = spec.scope
        self.cost = 3000.0
        self._head = head
        self._encoder = encoder
        self._table = table
        self._labels = tuple(spec.labels or ())
        self._given = spec.threshold
        self._threshold = head.manifest.threshold if spec.threshold is None else spec.threshold

    def prepare(self, texts: Texts) -> Work | Skipped | None:
        if self._place(texts, self._encoder) in texts.embeddings() or self._out_of_reach(texts) is not None:
            return None
        return plan_encoding(self._encoder, self._text(texts), texts.seconds_left())

    def look(self, texts: Texts) -> None:
        """Look at what the model wants beside the encoder's row, while another thread makes that."""
        if self._out_of_reach(texts) is None:
            self._words(texts)
            self._surface(texts)
            self._pieces(texts)

    def detect(self, texts: Texts, prepared: object) -> SignalRecord | Skipped:
        if (reason := self._out_of_reach(texts)) is not None:
            return Skipped(reason)
        row = texts.embeddings().setdefault(self._place(texts, self._encoder), prepared)
        if isinstance(row, Skipped):
            return row
        reading = Reading(cast("Any", row), self._words(texts), self._surface(texts), self._pieces(texts))
        return self._record(self._head.judge(reading))

    def _record(self, judged: Judgement) -> SignalRecord:
        return SignalRecord(
            matched=self._matched(judged),
            score=judged.score,
            threshold=self._threshold,
            label=judged.label,
            scores=dict(judged.scores),
        )

    def _matched(self, judged: Judgement) -> bool:
        manifest = self._head.manifest
        if not judged.inside:
            return False
        if manifest.bands is not None and self._labels:
            return judged.label in self._labels
        if self._labels:
            return any(judged.scores[label] >= self._least(label) for label in self._labels)
        if manifest.choice == "Several":
            return any(score >= self._least(label) for label, score in judged.scores.items())
        return judged.score >= self._threshold

    def _least(self, label: str) -> float:
        return (
            self._threshold if self._given is not None else self._head.manifest.thresholds.get(label, self._threshold)
        )

    def _words(self, texts: Texts) -> Any:
        """The table's row: cheap enough to be made on the spot."""
        if self._table is None:
            return None
        if self._head.manifest.wording:
            return self._wording(texts, self._table)
        rows, place = texts.embeddings(), self._place(texts, self._table)
        row = rows.get(place)
        if row is None or isinstance(row, Skipped):
            row = rows[place] = self._table.encode((self._text(texts),))[0]
        return row

    def _wording(self, texts: Texts, table: Encoder) -> Any:
        """The rows of the text's parts, shared with whoever asks for those of the same text."""
        shared, text = texts.shared(), self._text(texts)
        key = (WORDING, table.digest, text is texts.latest)
        if key not in shared:
            shared[key] = self._head.look_up(text, table)
        return shared[key]

    def _surface(self, texts: Texts) -> Any:
        if not self._head.manifest.surface:
            return None
        shared = texts.shared()
        if SURFACE not in shared:
            shared[SURFACE] = self._head.describe(texts.latest)
        return shared[SURFACE]

    def _pieces(self, texts: Texts) -> Any:
        if self._table is None or not self._head.manifest.pieces:
            return None
        shared = texts.shared()
        key = (PIECES, self._head.digest)
        if key not in shared:
            shared[key] = self._head.weigh_pieces(self._text(texts), self._table, self._words(texts))
        return shared[key]

    def _out_of_reach(self, texts: Texts) -> str | None:
        text, latin_only = self._text(texts), self._head.manifest.latin_only
        key = ("reach", latin_only, text is texts.latest)
        shared = texts.shared()
        if key not in shared:
            shared[key] = out_of_reach(text, latin_only=latin_only)
        return cast("str | None", shared[key])

    def _text(self, texts: Texts) -> str:
        """The latest human turn, with its disguises off where the model wants that."""
        if not self._head.manifest.unmask:
            return texts.latest
        shared = texts.shared()
        if PLAIN not in shared:
            shared[PLAIN] = unmask(texts.latest)
        return cast("str", shared[PLAIN])

    def _place(self, texts: Texts, encoder: Encoder) -> str:
        """Where the row stands: all signals share it, unless a disguise came off, which costs a pass of its own."""
        return encoder.digest if self._text(texts) is texts.latest else f"{encoder.digest}/{PLAIN}"
