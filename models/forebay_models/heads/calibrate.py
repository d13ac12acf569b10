"""From scores to probabilities and thresholds, on rows that trained nothing; and how well that worked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forebay_models.heads.fit import Floats, squash
from forebay_models.heads.head import Choice

BINS = 15
TEMPERATURES = np.exp(np.linspace(np.log(0.2), np.log(8.0), 121))
STEPS = 24
"""Most steps of an isotonic curve: more would follow the noise of a few thousand rows."""


def log_loss(logits: Floats, targets: Floats, choice: Choice) -> float:
    beliefs = np.clip(squash(logits, choice), 1e-7, 1 - 1e-7)
    if choice == "One":
        return float(-(targets * np.log(beliefs)).sum(axis=1).mean())
    return float(-(targets * np.log(beliefs) + (1 - targets) * np.log(1 - beliefs)).mean())


def fit_temperature(logits: Floats, targets: Floats, choice: Choice) -> float:
    """The divisor of the logits under which the rows are most likely, from a grid of 3 % steps."""
    losses = [log_loss((logits / value).astype(np.float32), targets, choice) for value in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 4)


def fit_isotonic(scores: NDArray[np.float32], hits: NDArray[np.float32]) -> Floats:
    """[2, n] knots of a rising curve from score to rate of hits (pool adjacent violators on equal bins)."""
    order = np.argsort(scores, kind="stable")
    parts = np.array_split(order, min(STEPS, max(len(scores) // 40, 2)))
    blocks = [[float(scores[part].mean()), float(hits[part].mean()), float(len(part))] for part in parts if len(part)]
    merged: list[list[float]] = []
    for block in blocks:
        merged.append(block)
        while len(merged) > 1 and merged[-2][1] >= merged[-1][1]:
            right, left = merged.pop(), merged.pop()
            weight = left[2] + right[2]
            merged.append([(left[i] * left[2] + right[i] * right[2]) / weight for i in (0, 1)] + [weight])
    return np.array([[block[0] for block in merged], [block[1] for block in merged]], np.float32)


@dataclass(frozen=True, slots=True)
class Reliability:
    """By bin of confidence: the mean confidence, the share of hits, and the rows; and the expected calibration error."""

    confidence: tuple[float, ...]
    rate: tuple[float, ...]
    count: tuple[int, ...]
    error: float


def reliability(confidence: NDArray[np.float32], hits: NDArray[np.float32], bins: int = BINS) -> Reliability:
    """Expected calibration error over `bins` bins of equal width (Naeini et al., AAAI 2015)."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    filled = [(confidence[place == at], hits[place == at]) for at in range(bins) if (place == at).any()]
    gaps = [abs(float(c.mean()) - float(h.mean())) * len(c) for c, h in filled]
    return Reliability(
        tuple(float(c.mean()) for c, _ in filled),
        tuple(float(h.mean()) for _, h in filled),
        tuple(len(c) for c, _ in filled),
        sum(gaps) / max(len(confidence), 1),
    )


def threshold_for_false_alarms(negatives: NDArray[np.float32], share: float) -> float:
    """The least threshold that at most `share` of the negatives reach."""
    return round(float(np.quantile(negatives, 1 - share)) + 1e-6, 6)


def best_threshold(scores: NDArray[np.float32], hits: NDArray[np.float32]) -> float:
    """The threshold with the highest F1 on these rows; 0.5 where one class is missing."""
    if not 0 < hits.sum() < len(hits):
        return 0.5
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    f1 = 2 * right / (np.arange(1, len(hits) + 1) + hits.sum())
    at = int(np.argmax(f1))
    lower = float(scores[order[at + 1]]) if at + 1 < len(order) else 0.0
    return round((float(scores[order[at]]) + lower) / 2, 6)
