"""Head: vectors and a text's surface in, calibrated scores by label out."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from forebay_models.encoder import Encoder

    Row = NDArray[np.float32]

FORMAT = 1
GAIN = 10.0
STATIC_GAIN = 5.0
FEW = 32
"""Labels up to which a text's scores are computed one by one."""
Choice = Literal["One", "Several", "Binary"]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a head was trained on."""

    name: str
    licence: str
    commit: str = ""


class HeadManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a head but its numbers.

    `choice`: One of the labels (softmax), Several at once (a sigmoid each), or Binary: the score is the probability of
    the last label, and `threshold` separates the two. `calibrated` says whether scores are probabilities at all.
    `scope`: least energy (the log of the summed powers of the logits; Liu et al., NeurIPS 2020) of a text that is about
    any label of One at all. `bands` cut a Binary score into the labels `low`, `medium` and `high`. `latin_only`: other scripts are unknown to it.
    `encoder` and, where the table's vector is an input too, `static` are digests; with `wording` it is not one vector of all
    of a text but those of its parts (`read_wording`). `surface` names the version of those numbers. `unmask`: vectors are of
    the text with its disguises taken off. `pieces`: the likeliest piece of a text adds to the logit. `results_threshold` is what
    separates the two where the text is what a tool gave back; None where `threshold` does.
    """

    format: int = FORMAT
    name: str
    choice: Choice
    encoder: str
    static: str = ""
    wording: bool = False
    labels: tuple[str, ...]
    threshold: float
    thresholds: dict[str, float] = {}
    temperature: float = 1.0
    calibrated: bool = False
    bands: tuple[float, float] | None = None
    scope: float | None = None
    surface: str = ""
    unmask: bool = False
    pieces: bool = False
    results_threshold: float | None = None
    latin_only: bool = True
    max_tokens: int = 256
    sources: tuple[Source, ...] = ()
    quality: dict[str, float] = {}


class Judgement(msgspec.Struct, frozen=True):
    """`score` belongs to `label`, except under Binary, where it is always that of the last label. `inside`: the text is
    about one of the labels at all, as far as the head can tell."""

    label: str
    score: float
    scores: Mapping[str, float]
    inside: bool = True


class Reading(NamedTuple):
    """What a head sees of one text, or row by row of many: the transformer's vector and, where its manifest asks for
    them, the static table's and the numbers of the surface, and [..., 1] what its pieces add. None where a head does not ask."""

    row: Row
    static: Row | None = None
    surface: Row | None = None
    pieces: Row | None = None


class Head:
    """Immutable; any thread. `judge` takes microseconds: one matrix product of at most a few hundred columns.

    `arrays`: `weight` [inputs, labels] and `bias` [labels]; with `weight0` and `bias0` before them, a hidden layer (ReLU), and
    with `narrow` [inputs, columns] before that, a product that `weight0` goes on from.
    `piece0`, `piecebias0`, `piece` and `piecebias`: the same from the table's row of a piece to what that adds to the logit.
    `knots` [2, n]: isotonic steps on a Binary probability.
    """

    def __init__(self, manifest: HeadManifest, arrays: Mapping[str, Row], digest: str) -> None:
        self.manifest = manifest
        self.digest = digest
        self._arrays = dict(arrays)
        knots = arrays.get("knots")
        self._knots: tuple[list[float], list[float]] | None = None if knots is None else tuple(knots.tolist())

    @property
    def arrays(self) -> Mapping[str, Row]:
        """What `pack_head` takes; not to be written to."""
        return self._arrays

    def logits(self, reading: Reading) -> Row:
        """[labels], or [1] under Binary."""
        import numpy as np

        values = join(reading)
        if "narrow" in self._arrays:
            values = values @ self._arrays["narrow"]
        if "weight0" in self._arrays:
            values = np.maximum(values @ self._arrays["weight0"] + self._arrays["bias0"], 0)
        result: Row = values @ self._arrays["weight"] + self._arrays["bias"]
        if reading.pieces is not None:
            result = result + reading.pieces
        return result / np.float32(self.manifest.temperature)

    def probabilities(self, reading: Reading) -> Row:
        """By label, in order; under Binary [..., 1]."""
        return self._squash(self.logits(reading))

    def _squash(self, logits: Row) -> Row:
        import numpy as np

        if self.manifest.choice == "One":
            powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
            result: Row = powers / powers.sum(axis=-1, keepdims=True)
            return result
        result = (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)
        knots = self._arrays.get("knots")
        if knots is not None:
            result = np.interp(result, knots[0], knots[1]).astype(np.float32)
        return result

    def describe(self, text: str) -> Row | None:
        """The numbers of a text's surface, where the head asks for them."""
        if not self.manifest.surface:
            return None
        from forebay_models.heads.surface import describe

        return describe(text)

    def look_up(self, text: str, table: Encoder) -> Row | None:
        """What the head wants of the table: one row, or the rows of the text's parts side by side."""
        if not self.manifest.static:
            return None
        if not self.manifest.wording:
            row: Row = table.encode((text,))[0]
            return row
        from forebay_models.heads.wording import read_wording

        return read_wording(text, table)

    def weigh_pieces(self, text: str, table: Encoder, words: Row | None = None) -> Row | None:
        """[1]: what the likeliest piece of a text adds to the logit; None where the head does not ask. `words`: of the same text,
        from `look_up`."""
        if not self.manifest.pieces:
            return None
        from forebay_models.heads.pieces import READ, split

        pieces = split(text)
        # A text in one piece is what the parts begin with.
        known = words is not None and self.manifest.wording and len(pieces) == 1 and len(text) <= READ
        rows = words[None, : table.dimensions] if known and words is not None else table.encode(pieces)
        best: Row = add_pieces(self._arrays, rows).max(axis=0)
        return best

    def scores(self, reading: Reading) -> list[float]:
        """`probabilities` of one text."""
        return self._believe(self.logits(reading))

    def _believe(self, logits: Row) -> list[float]:
        """`_squash` of one text. A few numbers are quicker one by one: numpy's code is in no cache after an encoder's pass."""
        if len(logits) > FEW:
            many: list[float] = self._squash(logits).tolist()
            return many
        found: list[float] = logits.tolist()
        if self.manifest.choice == "One":
            most = max(found)
            powers = [math.exp(value - most) for value in found]
            whole = sum(powers)
            return [power / whole for power in powers]
        sure = [1 / (1 + math.exp(-min(max(value, -30.0), 30.0))) for value in found]
        return sure if self._knots is None else [_bend(value, *self._knots) for value in sure]

    def judge(self, reading: Reading, *, results: bool = False) -> Judgement:
        """`results`: the text is what a tool gave back."""
        labels = self.manifest.labels
        logits = self.logits(reading)
        values = [round(value, 6) for value in self._believe(logits)]
        if self.manifest.choice == "Binary":
            score = values[0]
            scores = {labels[0]: round(1 - score, 6), labels[1]: score}
            if self.manifest.bands is not None:
                low, high = self.manifest.bands
                return Judgement("low" if score < low else "medium" if score < high else "high", score, scores)
            apart = self.manifest.results_threshold if results else None
            least = self.manifest.threshold if apart is None else apart
            return Judgement(labels[1] if score >= least else labels[0], score, scores)
        scores = dict(zip(labels, values, strict=True))
        best = max(scores, key=scores.__getitem__)
        inside = self.manifest.scope is None or float(energy(logits)) >= self.manifest.scope
        return Judgement(best, scores[best], scores, inside)


def add_pieces(arrays: Mapping[str, Row], rows: Row) -> Row:
    """[pieces, 1] from the table's rows of the pieces."""
    import numpy as np

    hidden = np.maximum(rows @ arrays["piece0"] + arrays["piecebias0"], 0)
    result: Row = hidden @ arrays["piece"] + arrays["piecebias"]
    return result


def _bend(value: float, places: list[float], heights: list[float]) -> float:
    """The height at `value` of the line through the knots."""
    at = bisect_right(places, value)
    if at == 0 or at == len(places):
        return heights[max(at - 1, 0)]
    part = (value - places[at - 1]) / (places[at] - places[at - 1])
    return heights[at - 1] + part * (heights[at] - heights[at - 1])


def energy(logits: Row) -> Row:
    """The log of the summed powers, over the last axis."""
    import numpy as np

    most = logits.max(axis=-1, keepdims=True)
    result: Row = np.log(np.exp(logits - most).sum(axis=-1)) + most[..., 0]
    return result


def join(reading: Reading) -> Row:
    """A head's inputs in one row: unit vectors scaled so that a softmax grows sure within the epochs of a fit."""
    import numpy as np

    parts = [reading.row * np.float32(GAIN)]
    if reading.static is not None:
        parts.append(reading.static * np.float32(STATIC_GAIN))
    if reading.surface is not None:
        parts.append(reading.surface)
    return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
