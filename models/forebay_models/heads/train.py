"""A head from labelled texts: what `forebay train` and `forebay calibrate` do, without files or output.

Calibration and thresholds come from cross-fitting: each text is scored by a head that was fitted without it, so no row
has to be set aside and the shipped head learns from all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from forebay_models.encoder import Encoder
from forebay_models.heads.calibrate import best_threshold, fit_temperature, reliability
from forebay_models.heads.fit import Floats, Recipe, fit, logits_of, squash
from forebay_models.heads.head import Choice, Head, HeadManifest, Reading, energy, join
from forebay_models.heads.reach import latin_share

FOLDS = 5
FOLDS_OF_MANY = 3
MANY_ROWS = 5_000
"""From here on two thirds of the rows are as good as four fifths, and a minute is short."""
LEAST_ROWS = 2
"""Per label; with fewer nothing is left to learn from once a fold is taken away."""
MOST_ROWS = 100_000
MOST_LABELS = 512
RESAMPLES = 1_000
RECIPE = Recipe(decay=1e-3, hidden=256, epochs=20, smoothing=0.1, rate=5e-3, members=2)
IN_SCOPE = 0.95
"""Share of the cross-fitted texts that a head calls its own."""


class TrainingError(ValueError):
    """The labelled texts are no ground to learn from; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts and the labels of each; one label a text unless `several`."""

    texts: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    several: bool

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({label for each in self.labels for label in each}))

    def targets(self, names: Sequence[str]) -> Floats:
        """[texts, names] of 0 and 1."""
        place = {name: at for at, name in enumerate(names)}
        result = np.zeros((len(self.texts), len(names)), np.float32)
        for row, each in enumerate(self.labels):
            for label in each:
                result[row, place[label]] = 1
        return result


@dataclass(frozen=True, slots=True)
class Report:
    """From cross-fitting; `accuracy` (One) or `f1` (Several, micro) with a 95 % bootstrap interval over texts."""

    rows: int
    counts: dict[str, int]
    score: float
    low: float
    high: float
    calibration_error: float
    bins: int
    confusions: tuple[tuple[str, str, int], ...]


def check(examples: Examples) -> None:
    """Raises TrainingError with the first thing that is wrong."""
    if len(examples.texts) > MOST_ROWS:
        raise TrainingError(f"{len(examples.texts)} rows; at most {MOST_ROWS} are read: sample them")
    if (blank := next((row for row, text in enumerate(examples.texts, 1) if not text.strip()), None)) is not None:
        raise TrainingError(f"row {blank}: the text is empty")
    names = examples.names
    if len(names) < 2:
        raise TrainingError(
            f"{len(names)} label; at least 2 are needed: add texts that mean something else, labelled so"
        )
    if len(names) > MOST_LABELS:
        raise TrainingError(f"{len(names)} labels; at most {MOST_LABELS}")
    counts = Counter(label for each in examples.labels for label in each)
    rare = [name for name in names if counts[name] < LEAST_ROWS]
    if rare:
        raise TrainingError(
            f"label {rare[0]!r} has {counts[rare[0]]} text; at least {LEAST_ROWS}, better 10, are needed"
        )


@dataclass(frozen=True, slots=True)
class Encoders:
    """Both encoders: the transformer for meaning, the table for words, which costs next to nothing beside it."""

    transformer: Encoder
    static: Encoder

    def read(
        self, texts: Sequence[str], surfaces: Floats | None = None, report: Callable[[int], None] = lambda _done: None
    ) -> Reading:
        """Of each text; `report` is told how many are done."""
        rows = np.zeros((len(texts), self.transformer.dimensions), np.float32)
        for at, text in enumerate(texts):
            rows[at] = self.transformer.encode((text,))[0]
            report(at + 1)
        return Reading(rows, self.static.encode(texts), surfaces)


def train(
    name: str, examples: Examples, reading: Reading, encoders: Encoders
) -> tuple[HeadManifest, dict[str, Floats], Report]:
    """The head of `examples`, which `encoders` have read."""
    check(examples)
    choice: Choice = "Several" if examples.several else "One"
    names = examples.names
    targets = examples.targets(names)
    values = join(reading)
    outside = cross_fit(values, targets, choice, folds=FOLDS if len(values) < MANY_ROWS else FOLDS_OF_MANY)
    temperature = fit_temperature(outside, _hedged(targets, choice), choice)
    beliefs = squash((outside / temperature).astype(np.float32), choice)
    arrays = fit(values, targets, choice, RECIPE)
    scope = None
    if choice == "One":
        scope = round(float(np.quantile(energy((outside / temperature).astype(np.float32)), 1 - IN_SCOPE)), 4)
    thresholds = _thresholds(beliefs, targets, choice)
    report = _report(examples, names, beliefs, targets, choice, thresholds)
    latin = [share for text in examples.texts if (share := latin_share(text)) is not None]
    manifest = HeadManifest(
        name=name,
        choice=choice,
        encoder=encoders.transformer.digest,
        static=encoders.static.digest,
        labels=names,
        threshold=thresholds[""],
        thresholds={label: value for label, value in thresholds.items() if label},
        temperature=temperature,
        calibrated=True,
        scope=scope,
        latin_only=sum(share >= 0.5 for share in latin) > 0.98 * max(len(latin), 1),
        max_tokens=encoders.transformer.max_tokens,
        quality={"score": report.score, "low": report.low, "high": report.high, "ece": report.calibration_error},
    )
    return manifest, arrays, report


def recalibrate(
    head: Head, examples: Examples, reading: Reading, *, rescale: bool
) -> tuple[HeadManifest, dict[str, Floats], Report]:
    """The head with thresholds from labelled texts that it was not trained on.

    `rescale` fits a temperature, too, in place of whatever calibrated the head before; without it scores stay what they
    are, so that the thresholds are good for the head as it is.
    """
    manifest = head.manifest
    if unknown := set(examples.names) - set(manifest.labels):
        raise TrainingError(f"label {min(unknown)!r} is none of the model's: {', '.join(manifest.labels[:20])}")
    names, choice = manifest.labels, manifest.choice
    targets = examples.targets(names)[:, 1:] if choice == "Binary" else examples.targets(names)
    arrays = dict(head.arrays)
    beliefs = head.probabilities(reading)
    temperature = manifest.temperature
    if rescale:
        arrays.pop("knots", None)
        raw = head.logits(reading) * np.float32(manifest.temperature)
        temperature = fit_temperature(raw, _hedged(targets, choice), choice)
        beliefs = squash((raw / temperature).astype(np.float32), choice)
    thresholds = _thresholds(beliefs, targets, choice)
    updated = msgspec.structs.replace(
        manifest,
        temperature=temperature,
        threshold=thresholds[""],
        thresholds={label: value for label, value in thresholds.items() if label},
        results_threshold=None,
        calibrated=True,
    )
    return updated, arrays, _report(examples, names, beliefs, targets, choice, thresholds)


def cross_fit(values: Floats, targets: Floats, choice: Choice, recipe: Recipe = RECIPE, folds: int = FOLDS) -> Floats:
    """Logits of each row by a head that was fitted without it; folds are even within labels."""
    fold = np.zeros(len(values), np.int64)
    chance = np.random.default_rng(recipe.seed)
    first = targets.argmax(axis=1)
    for label in range(targets.shape[1]):
        own = chance.permutation(np.flatnonzero(first == label))
        fold[own] = (np.arange(len(own)) + label) % folds
    result = np.zeros(targets.shape, np.float32)
    for at in range(folds):
        inside, outside = fold != at, fold == at
        if outside.any():
            result[outside] = logits_of(fit(values[inside], targets[inside], choice, recipe), values[outside])
    return result


def _hedged(targets: Floats, choice: Choice) -> Floats:
    """The targets, as sure as so many rows can make one (Platt, 1999). Where all rows are right the likeliest temperature
    is otherwise the least there is, under which every score is 1 and none tells anything."""
    doubt = 1 / (len(targets) + 2)
    others = max(targets.shape[1] - 1, 1) if choice == "One" else 1
    return (targets * (1 - doubt) + (1 - targets) * (doubt / others)).astype(np.float32)


def _thresholds(beliefs: Floats, targets: Floats, choice: Choice) -> dict[str, float]:
    """`""`: for whatever label is best. One: accept what is at least as sure as the surest 95 % of right answers."""
    if choice == "One":
        right = beliefs.argmax(axis=1) == targets.argmax(axis=1)
        sure = beliefs.max(axis=1)[right]
        # Rounded down: a threshold of 1 would refuse what is as sure as the texts that it comes from.
        return {"": math.floor(float(np.quantile(sure, 0.05)) * 1e4) / 1e4 if len(sure) else 0.5}
    found = [best_threshold(beliefs[:, at], targets[:, at]) for at in range(targets.shape[1])]
    if choice == "Binary":
        return {"": found[0]}
    return {"": 0.5}


def _report(
    examples: Examples,
    names: Sequence[str],
    beliefs: Floats,
    targets: Floats,
    choice: Choice,
    thresholds: dict[str, float],
) -> Report:
    counts = Counter(label for each in examples.labels for label in each)
    confusions: Counter[tuple[str, str]] = Counter()
    if choice == "One":
        found, right = beliefs.argmax(axis=1), targets.argmax(axis=1)
        hits = (found == right).astype(np.float32)
        confusions.update((names[r], names[f]) for r, f in zip(right, found, strict=True) if r != f)
        low, high = interval(hits)
        score = float(hits.mean())
        error = reliability(beliefs.max(axis=1), hits)
    else:
        accepted = beliefs >= thresholds[""]
        both, either = (accepted * targets).sum(axis=1), accepted.sum(axis=1) + targets.sum(axis=1)
        score = float(2 * both.sum() / max(either.sum(), 1))
        low, high = _f1_interval(both, either)
        error = reliability(beliefs.ravel(), targets.ravel())
    return Report(
        rows=len(examples.texts),
        counts=dict(counts),
        score=round(score, 4),
        low=round(low, 4),
        high=round(high, 4),
        calibration_error=round(error.error, 4),
        bins=15,
        confusions=tuple((a, b, n) for (a, b), n in confusions.most_common(10)),
    )


def interval(values: NDArray[np.float32]) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean."""
    chance = np.random.default_rng(0)
    means = [float(values[chance.integers(0, len(values), len(values))].mean()) for _ in range(RESAMPLES)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _f1_interval(both: Floats, either: Floats) -> tuple[float, float]:
    chance = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        rows = chance.integers(0, len(both), len(both))
        found.append(2 * both[rows].sum() / max(float(either[rows].sum()), 1.0))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))
