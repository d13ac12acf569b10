"""`similarity`: the highest cosine between the latest human turn and labelled examples.

However many signals ask, a request's text passes each encoder once: the embedding is shared through Texts.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, cast

from forebay_api.signal import Similarity
from forebay_decision.record import SignalRecord
from forebay_decision.signals.detector import Texts
from forebay_decision.work import Skipped, Work

if TYPE_CHECKING:
    import numpy as np

    from forebay_models.encoder import Encoder

    Matrix = np.ndarray[Any, np.dtype[np.float32]]

STATIC_SECONDS_PER_LETTER = 0.25e-6
TRANSFORMER_SECONDS = (0.8e-3, 70e-6)
"""Base and per token: the estimate that deadlines are planned with, on the slow side of what was measured."""
LETTERS_PER_TOKEN = 4
LEAST_TOKENS = 16
"""A text shortened below this says too little to decide on."""


REMEMBERED_LETTERS = 16_384
"""Longer texts hardly come twice, and would cost more to recognise."""


class EncodeWork:
    """One encoder pass over one text; the result is a row of unit length (zero for an empty text).

    `key` is the same for works of the same result; it holds a digest of the text, not the text. None: too long to be
    worth remembering.
    """

    def __init__(self, encoder: Encoder, text: str, max_tokens: int) -> None:
        self._encoder = encoder
        self._text = text
        self._max_tokens = max_tokens
        self.label = f"encode {encoder.name}"
        self.inline = encoder.name == "Static"

    @property
    def whole(self) -> bool:
        """As much is read as the encoder reads at most."""
        return self._max_tokens >= self._encoder.max_tokens

    @property
    def key(self) -> Hashable | None:
        if len(self._text) > REMEMBERED_LETTERS:
            return None
        # A text has at most as many tokens as letters, so a cap beyond that changes nothing.
        cap = 0 if len(self._text) + 2 <= self._max_tokens else self._max_tokens
        return self._encoder.digest, cap, blake2b(self._text.encode(errors="replace"), digest_size=16).digest()

    @property
    def expected_seconds(self) -> float:
        if self.inline:
            return 20e-6 + STATIC_SECONDS_PER_LETTER * min(len(self._text), 16_384)
        base, per_token = TRANSFORMER_SECONDS
        return base + per_token * min(len(self._text) / LETTERS_PER_TOKEN, self._max_tokens)

    def run(self) -> Matrix:
        row: Matrix = self._encoder.encode((self._text,), max_tokens=self._max_tokens)[0]
        return row


def plan_encoding(encoder: Encoder, text: str, seconds: float) -> EncodeWork | Skipped:
    """An encoder pass that fits into `seconds`, its input shortened if it must be; Skipped where too little would be left."""
    if encoder.name == "Static":
        return EncodeWork(encoder, text, encoder.max_tokens)
    base, per_token = TRANSFORMER_SECONDS
    affordable = min(encoder.max_tokens, (seconds - base) / per_token)
    if affordable < LEAST_TOKENS:
        return Skipped("deadline")
    return EncodeWork(encoder, text, int(affordable))


class SimilarityDetector:
    """`scores` holds each label's best cosine, clipped to [0,1]; matched when the best reaches the threshold."""

    kind = "similarity"
    scope = "LatestTurn"

    def __init__(self, name: str, spec: Similarity, encoder: Encoder, examples: Matrix) -> None:
        """`examples` holds one unit row an example, in the order of `spec.labels` and their examples."""
        self.name = name
        self.cost = 30.0 if spec.encoder == "Static" else 3000.0
        self._encoder = encoder
        self._threshold = spec.threshold
        self._examples = examples
        self._labels = [label.name for label in spec.labels]
        # Label n has the rows from bound n to bound n + 1.
        self._bounds = list(accumulate((len(label.examples or ()) for label in spec.labels), initial=0))

    def prepare(self, texts: Texts) -> Work | Skipped | None:
        if self._encoder.digest in texts.embeddings():
            return None
        return plan_encoding(self._encoder, texts.latest, texts.seconds_left())

    def detect(self, texts: Texts, prepared: object) -> SignalRecord | Skipped:
        row = texts.embeddings().setdefault(self._encoder.digest, prepared)
        if isinstance(row, Skipped):
            return row
        cosines = self._examples @ cast("Matrix", row)
        if len(self._labels) == 1:
            best = {self._labels[0]: _clip(cosines.max())}
        else:
            rows = zip(self._labels, pairwise(self._bounds), strict=True)
            best = {label: _clip(cosines[a:b].max()) for label, (a, b) in rows}
        label = max(best, key=best.__getitem__)
        return SignalRecord(
            matched=best[label] >= self._threshold,
            score=best[label],
            threshold=self._threshold,
            label=label,
            scores=best,
        )


def example_texts(spec: Similarity) -> Sequence[str]:
    """Texts whose embeddings a detector wants, in order."""
    return [text for label in spec.labels for text in label.examples or ()]


def _clip(cosine: Any) -> float:
    return round(min(1.0, max(0.0, float(cosine))), 6)
