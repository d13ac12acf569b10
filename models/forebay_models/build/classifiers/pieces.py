"""What a piece of a text says by itself: a small network on the static table's row of a sentence or a line.

Which piece of an attack is the attack is not known. So at first whole texts of one piece teach, then of each attack the piece
that is likeliest so far, against all pieces of harmless texts.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.classifiers.made import table
from forebay_models.heads.fit import Floats, Recipe, fit
from forebay_models.heads.head import STATIC_GAIN, add_pieces
from forebay_models.heads.pieces import split

ROUNDS: Final = 3
HIDDEN: Final = 24
CALM: Final = 120_000
"""Harmless pieces that a round looks at, at most."""
WEIGHT: Final = 0.5
"""Of all attacks together, by that of all harmless pieces."""


def fit_pieces(texts: Sequence[str], attacks: NDArray[np.bool_]) -> dict[str, Floats]:
    """`piece0`, `piecebias0`, `piece` and `piecebias` of a head."""
    rows = [_rows(text) for text in texts]
    counts = np.array([len(each) for each in rows])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    values = np.concatenate(rows)
    hostile = np.repeat(attacks, counts)
    chance = np.random.default_rng(0)
    calm = np.flatnonzero(~hostile)
    lone = np.flatnonzero(np.repeat(attacks & (counts == 1), counts))
    arrays: dict[str, Floats] = {}
    for turn in range(ROUNDS):
        others = calm if len(calm) <= CALM else chance.choice(calm, CALM, replace=False)
        chosen = np.concatenate([lone, others])
        targets = np.zeros((len(chosen), 1), np.float32)
        targets[: len(lone)] = 1
        weights = np.ones(len(chosen), np.float32)
        weights[: len(lone)] = WEIGHT * len(others) / max(len(lone), 1)
        recipe = Recipe(hidden=HIDDEN, decay=1e-3, epochs=4 if turn == ROUNDS - 1 else 3)
        arrays = _named(
            fit(values[chosen].astype(np.float32) * np.float32(STATIC_GAIN), targets, "Binary", recipe, weights)
        )
        scores = _score(arrays, values)
        most = np.maximum.reduceat(scores, starts)
        lone = np.flatnonzero((scores == np.repeat(most, counts)) & hostile)
    return arrays


def best_pieces(arrays: dict[str, Floats], texts: Sequence[str]) -> Floats:
    """[texts, 1]: what the likeliest piece of each adds."""
    return np.stack([add_pieces(arrays, _rows(text).astype(np.float32)).max(axis=0) for text in texts])


def scale_pieces(arrays: dict[str, Floats], by: float) -> dict[str, Floats]:
    return arrays | {name: (arrays[name] * np.float32(by)).astype(np.float32) for name in ("piece", "piecebias")}


def _named(arrays: dict[str, Floats]) -> dict[str, Floats]:
    """The table's rows come as they are, so the gain that the fit saw goes into the weights."""
    return {
        "piece0": arrays["weight0"] * np.float32(STATIC_GAIN),
        "piecebias0": arrays["bias0"],
        "piece": arrays["weight"],
        "piecebias": arrays["bias"],
    }


def _score(arrays: dict[str, Floats], values: NDArray[np.float16]) -> Floats:
    step = 50_000
    parts = [add_pieces(arrays, values[at : at + step].astype(np.float32)) for at in range(0, len(values), step)]
    result: Floats = np.concatenate(parts)[:, 0]
    return result


# Folds and findings ask for the same texts again and again.
@cache
def _rows(text: str) -> NDArray[np.float16]:
    rows: NDArray[np.float16] = table().encode(split(text)).astype(np.float16)
    return rows
