"""Figures with intervals: bootstrap over rows, paired wherever two systems judge the same rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.quality import measure_auroc

RESAMPLES = 1_000
SEED = 0
Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def resample(rows: int, figure: Callable[[NDArray[np.int64]], float]) -> Figure:
    """`figure` of all rows, and its 2.5 and 97.5 percentiles over resampled rows."""
    chance = np.random.default_rng(SEED)
    found = [figure(chance.integers(0, rows, rows)) for _ in range(RESAMPLES)]
    return Figure(figure(np.arange(rows)), float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975)))


def mean(values: Numbers) -> Figure:
    return resample(len(values), lambda rows: float(values[rows].mean()))


def gain(ours: Numbers, theirs: Numbers) -> Figure:
    """Mean of `ours` less that of `theirs`, row by row."""
    return mean(np.asarray(ours, np.float32) - np.asarray(theirs, np.float32))


def auroc(scores: Numbers, attacks: NDArray[np.bool_]) -> float:
    return measure_auroc(scores[attacks], scores[~attacks])


def auroc_figure(scores: Numbers, attacks: NDArray[np.bool_]) -> Figure:
    return resample(len(scores), lambda rows: auroc(scores[rows], attacks[rows]))


def auroc_gain(ours: Numbers, theirs: Numbers, attacks: NDArray[np.bool_]) -> Figure:
    return resample(len(ours), lambda rows: auroc(ours[rows], attacks[rows]) - auroc(theirs[rows], attacks[rows]))


def apgr(scores: Numbers, weak: Numbers, strong: Numbers) -> float:
    """Average performance gap recovered (Ong et al., RouteLLM, 2024): the mean, over every share of requests sent to the
    strong model in the order of `scores`, of (quality - weak) / (strong - weak). Chance is 0.5."""
    gap = float((strong - weak).sum())
    if gap <= 0:
        return 0.5
    # Equal scores in random order would be noise: each such group gains evenly.
    order = np.argsort(-scores, kind="stable")
    gained = np.concatenate([[0.0], np.cumsum((strong - weak)[order])]) / gap
    return float((gained[1:] + gained[:-1]).mean() / 2)


def apgr_figure(scores: Numbers, weak: Numbers, strong: Numbers) -> Figure:
    return resample(len(scores), lambda rows: apgr(scores[rows], weak[rows], strong[rows]))


def apgr_gain(ours: Numbers, theirs: Numbers, weak: Numbers, strong: Numbers) -> Figure:
    return resample(
        len(ours),
        lambda rows: apgr(ours[rows], weak[rows], strong[rows]) - apgr(theirs[rows], weak[rows], strong[rows]),
    )
