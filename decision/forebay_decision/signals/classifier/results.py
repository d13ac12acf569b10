"""A trained model over what tools gave back: pages in which a sentence may hide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec import structs

from forebay_api.signal import Classifier
from forebay_decision.record import SignalRecord
from forebay_decision.signals.classifier.detector import ClassifierDetector
from forebay_decision.signals.classifier.windows import Window, plan_windows, tool_results
from forebay_decision.signals.detector import Texts
from forebay_decision.work import Skipped, Work
from forebay_models.heads.head import Head, Judgement, Reading
from forebay_models.heads.reach import out_of_reach
from forebay_models.heads.unmask import unmask

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder


class ResultsDetector(ClassifierDetector):
    """The same model over what tools gave back since the latest human turn, window by window, the newest result first.

    The window with the highest score speaks for all, and the record says where it is: `result` counts from the newest
    (0), `start` and `end` are letters within it. Where the budget does not reach over all windows and none of those
    read matches, the answer is unknown: nothing was found is known only of what was read.
    """

    def __init__(self, name: str, spec: Classifier, head: Head, encoder: Encoder, table: Encoder | None) -> None:
        super().__init__(name, spec, head, encoder, table)
        if self._given is None and head.manifest.results_threshold is not None:
            self._threshold = head.manifest.results_threshold

    def prepare(self, texts: Texts) -> Work | Skipped | None:
        results = tool_results(texts.view)
        if not results:
            return None
        return plan_windows(self._encoder, results, texts.seconds_left(), self._plain)

    def look(self, texts: Texts) -> None:
        """Nothing: each window is looked at by itself."""

    def detect(self, texts: Texts, prepared: object) -> SignalRecord | Skipped:
        if isinstance(prepared, Skipped):
            return prepared
        if prepared is None:
            return Skipped("no results of tools")
        rows, windows, whole = cast("tuple[Any, Sequence[Window], bool]", prepared)
        best: tuple[float, Judgement, Window] | None = None
        for row, window in zip(rows, windows, strict=True):
            plain = self._plain(window.text)
            if out_of_reach(plain, latin_only=self._head.manifest.latin_only) is not None:
                continue
            words = None if self._table is None else self._head.look_up(plain, self._table)
            pieces = None if self._table is None else self._head.weigh_pieces(plain, self._table, words)
            judged = self._head.judge(Reading(row, words, self._head.describe(window.text), pieces), results=True)
            rank = self._rank(judged)
            if best is None or rank > best[0]:
                best = (rank, judged, window)
        if best is None:
            return Skipped("no words in the results of tools")
        record = self._record(best[1])
        if not record.matched and not whole:
            return Skipped("the results of tools were too long to be read in full")
        window = best[2]
        return structs.replace(record, values={"result": window.result, "start": window.start, "end": window.end})

    def _plain(self, text: str) -> str:
        return unmask(text) if self._head.manifest.unmask else text

    def _rank(self, judged: Judgement) -> float:
        if self._labels and self._head.manifest.bands is None:
            return max(judged.scores[label] for label in self._labels)
        return judged.score
