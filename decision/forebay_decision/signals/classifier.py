"""`classifier`: what a trained model says of the latest human turn, as scores by label.

| model | says |
|---|---|
| `domain` | one of 14 fields, or `chat`; trained, calibrated |
| `injection` | `injection` or `benign`: prompt injection and jailbreaks; trained, calibrated |
| `difficulty` | `low`, `medium`, `high`: whether a small model fails where a large one does not; trained, calibrated, weak |
| `task`, `risk`, `uncertainty`, `factuality`, `needsRetrieval`, `needsTools`, `reasoning` | trained on labels derived by rule, since no public set labels them; scores, not calibrated |

* `label` is the likeliest, `scores` holds all, `labels` those at or above the threshold. `score` is of the likeliest; of a
  model with two labels, of the one that it looks for.
* Matches when one of the policy's `labels` reaches its threshold; without them, when `score` does. A text that is about
  none of the labels of a model of your own, as far as that can be told, does not match.
* `artifact` names a model of your own by file or ConfigMap, and by digest; `forebay train` makes one. See docs/models.md.
* Of the last seven, `tooling`, `risk`, `needsTools` and `uncertainty` also see the tools offered, earlier turns and images;
  docs/models.md says how. The label of `risk` is its middle level.
* `injection` reads through base64, hexadecimal, leetspeak, look-alike, invisible and spelled-out letters, ROT13 and words
  written backwards; a text that hides behind one costs a second pass.
* Models share the encoder's pass with one another and with `similarity`. Of more than 256 tokens the first and last half
  are read. `scope: ToolResults` reads what tools gave back window by window, as far as the decision's time reaches; `result`
  (0 is the newest), `start` and `end` (letters) say where the highest score is.
* Unknown: a text without words or in a script the model was not trained on; no time left for the encoder; with
  `ToolResults`, no results, or more than could be read where nothing was found in the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from msgspec import structs

from forebay_api.signal import Classifier
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Detector, Texts
from forebay_decision.signals.judgement import HEAD, JUDGES, SURFACE, WORDING, JudgementDetector
from forebay_decision.signals.similarity import plan_encoding
from forebay_decision.signals.windows import Window, plan_windows, tool_results
from forebay_decision.work import Skipped, Work
from forebay_models.errors import EncoderError
from forebay_models.heads.head import Head, Judgement, Reading
from forebay_models.heads.reach import out_of_reach
from forebay_models.heads.unmask import unmask

if TYPE_CHECKING:
    from forebay_models.encoder import Encoder

ENCODER: Final = "Transformer"
TABLE: Final = "Static"
PLAIN: Final = "unmasked"


class ModelError(ValueError):
    """The model that a policy names cannot be had, or does not fit the encoder or the policy."""


class Heads(Protocol):
    """A shipped head by name, or (name None) a user's by path and digest, or by its content and digest (path empty).
    EncoderError where it cannot be had."""

    def __call__(self, name: str | None, path: str = "", digest: str = "", content: bytes | None = None) -> Head: ...


def carrying(heads: Heads, contents: Mapping[str, bytes]) -> Heads:
    """The same, for a policy that has come with `contents`, by digest, of heads without a path."""

    def find(name: str | None, path: str = "", digest: str = "", content: bytes | None = None) -> Head:
        return heads(name, path, digest, content if path else contents.get(digest))

    return find if contents else heads


def build_classifier(name: str, spec: Classifier, encoders: Callable[..., Encoder], heads: Heads) -> Detector:
    """The detector of a classifier signal. Raises ModelError; and what loading the release's encoder raises."""
    if spec.model in JUDGES:
        _check_labels(spec, JUDGES[spec.model].labels)
        return _build_judgement(name, spec, encoders, heads)
    try:
        own = spec.artifact
        head = heads(spec.model) if own is None else heads(None, own.path or "", own.digest)
    except EncoderError as error:
        raise ModelError(str(error)) from None
    encoder = _fitting(head, encoders, ENCODER, head.manifest.encoder)
    table = _fitting(head, encoders, TABLE, head.manifest.static) if head.manifest.static else None
    _check_labels(spec, ("low", "medium", "high") if head.manifest.bands else head.manifest.labels)
    if spec.scope == "ToolResults":
        return WindowsDetector(name, spec, head, encoder, table)
    return ClassifierDetector(name, spec, head, encoder, table)


def _build_judgement(name: str, spec: Classifier, encoders: Callable[..., Encoder], heads: Heads) -> Detector:
    try:
        head = heads(HEAD)
    except EncoderError as error:
        raise ModelError(str(error)) from None
    encoder = _fitting(head, encoders, ENCODER, head.manifest.encoder)
    table = _fitting(head, encoders, TABLE, head.manifest.static)
    return JudgementDetector(name, spec, JUDGES[spec.model], head, encoder, table)


def _fitting(head: Head, encoders: Callable[..., Encoder], kind: str, wanted: str) -> Encoder:
    """The release's own encoder, or one of a former release that the head was trained on."""
    encoder = encoders(kind)
    if encoder.digest != wanted:
        try:
            encoder = encoders(kind, wanted)
        except EncoderError as error:
            raise ModelError(str(error)) from None
    if encoder.digest != wanted:
        message = (
            f"model {head.manifest.name!r} was trained on encoder {wanted[:19]}, this is {encoder.digest[:19]}: "
            "run `forebay train` again"
        )
        raise ModelError(message)
    return encoder


def _check_labels(spec: Classifier, labels: tuple[str, ...]) -> None:
    unknown = [label for label in spec.labels or () if label not in labels]
    if unknown:
        raise ModelError(f"the model has no label {unknown[0]!r}; there are {', '.join(labels[:20])}")


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

    def detect(self, texts: Texts, prepared: object) -> SignalRecord | Skipped:
        if (reason := self._out_of_reach(texts)) is not None:
            return Skipped(reason)
        row = texts.embeddings().setdefault(self._place(texts, self._encoder), prepared)
        if isinstance(row, Skipped):
            return row
        reading = Reading(cast("Any", row), self._words(texts), self._surface(texts))
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


class WindowsDetector(ClassifierDetector):
    """The same model over what tools gave back since the latest human turn, window by window, the newest result first.

    The window with the highest score speaks for all, and the record says where it is: `result` counts from the newest
    (0), `start` and `end` are letters within it. Where the budget does not reach over all windows and none of those
    read matches, the answer is unknown: nothing was found is known only of what was read.
    """

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
            judged = self._head.judge(Reading(row, words, self._head.describe(window.text)))
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
