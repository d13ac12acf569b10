"""Fitting a head: regularised softmax or sigmoid regression by Adam, in numpy alone, seconds for thousands of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forebay_models.heads.head import GAIN, Choice

Floats = NDArray[np.float32]

SEED = 0
BATCH = 256
RATE = 0.01
DECAY = 3e-4
EPOCHS = 15
LEAST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Recipe:
    """`hidden` 0 is a linear head. `decay` is the weight of half the squared weights in the loss. `members` heads with a
    hidden layer, of different beginnings, are fitted on all rows; their mean logits are one head with as many layers side
    by side."""

    decay: float = DECAY
    epochs: int = EPOCHS
    rate: float = RATE
    hidden: int = 0
    smoothing: float = 0.0
    seed: int = SEED
    members: int = 1


def squash(logits: Floats, choice: Choice) -> Floats:
    """Probabilities by row."""
    if choice == "One":
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: Floats = powers / powers.sum(axis=1, keepdims=True)
        return result
    squashed: Floats = (1 / (1 + np.exp(-np.clip(logits, -30, 30)))).astype(np.float32)
    return squashed


def fit(
    values: Floats,
    targets: Floats,
    choice: Choice,
    recipe: Recipe = Recipe(),
    weights: Floats | None = None,
    known: Floats | None = None,
) -> dict[str, Floats]:
    """The arrays of a head from inputs [rows, n] (see `join`) and targets [rows, outputs] in [0, 1]; `weights` count rows.
    `known` [rows, outputs], under Several: 1 where the target says anything, 0 where nothing is to be learnt from it.

    The same rows, recipe and numpy give the same arrays.
    """
    count = recipe.members if recipe.hidden else 1
    members = [_fit(values, targets, choice, recipe, recipe.seed + at, weights, known) for at in range(count)]
    if count == 1:
        return members[0]
    return {
        "weight": np.concatenate([each["weight"] for each in members]) / np.float32(len(members)),
        "bias": np.mean([each["bias"] for each in members], axis=0),
        "weight0": np.concatenate([each["weight0"] for each in members], axis=1),
        "bias0": np.concatenate([each["bias0"] for each in members]),
    }


def _fit(
    values: Floats,
    targets: Floats,
    choice: Choice,
    recipe: Recipe,
    seed: int,
    weights: Floats | None,
    known: Floats | None,
) -> dict[str, Floats]:
    chance = np.random.default_rng(seed)
    width, outputs = values.shape[1], targets.shape[1]
    if recipe.smoothing:
        even = 1 / outputs if choice == "One" else 0.5
        targets = (targets * (1 - recipe.smoothing) + recipe.smoothing * even).astype(np.float32)
    names = ["weight", "bias"]
    if recipe.hidden:
        first = chance.normal(0, np.sqrt(2 / width), (width, recipe.hidden)).astype(np.float32) / np.float32(GAIN)
        second = chance.normal(0, np.sqrt(1 / recipe.hidden), (recipe.hidden, outputs)).astype(np.float32)
        names += ["weight0", "bias0"]
        parameters = [second, np.zeros(outputs, np.float32), first, np.zeros(recipe.hidden, np.float32)]
    else:
        parameters = [np.zeros((width, outputs), np.float32), np.zeros(outputs, np.float32)]
    means = [np.zeros_like(each) for each in parameters]
    squares = [np.zeros_like(each) for each in parameters]
    batches = -(-len(values) // BATCH)
    epochs = max(recipe.epochs, -(-LEAST_STEPS // batches))
    step, steps = 0, epochs * batches
    for _ in range(epochs):
        order = chance.permutation(len(values))
        for start in range(0, len(values), BATCH):
            chosen = order[start : start + BATCH]
            gradients = _gradients(
                parameters,
                values[chosen],
                targets[chosen],
                choice,
                None if weights is None else weights[chosen],
                None if known is None else known[chosen],
            )
            step += 1
            rate = recipe.rate * (1 - (step - 1) / steps)
            for at, gradient in enumerate(gradients):
                if at % 2 == 0:
                    gradient = gradient + np.float32(recipe.decay) * parameters[at]
                means[at] += 0.1 * (gradient - means[at])
                squares[at] += 0.001 * (gradient * gradient - squares[at])
                unbiased = means[at] / (1 - 0.9**step)
                parameters[at] -= (rate * unbiased / (np.sqrt(squares[at] / (1 - 0.999**step)) + 1e-8)).astype(
                    np.float32
                )
    return dict(zip(names, parameters, strict=True))


def _gradients(
    parameters: list[Floats],
    values: Floats,
    targets: Floats,
    choice: Choice,
    weights: Floats | None,
    known: Floats | None,
) -> list[Floats]:
    hidden = np.maximum(values @ parameters[2] + parameters[3], 0) if len(parameters) == 4 else values
    error = squash(hidden @ parameters[0] + parameters[1], choice) - targets
    if known is not None:
        error = error * known
    if weights is not None:
        error = error * (weights / max(float(weights.mean()), 1e-6))[:, None]
    error = (error / len(values)).astype(np.float32)
    gradients = [hidden.T @ error, error.sum(axis=0)]
    if len(parameters) == 4:
        back = (error @ parameters[0].T) * (hidden > 0)
        gradients += [values.T @ back, back.sum(axis=0)]
    return gradients


def narrow(arrays: dict[str, Floats], values: Floats, rank: int, weights: Floats | None = None) -> dict[str, Floats]:
    """A head with a hidden layer whose first product goes through `rank` columns: those in which what reaches the layer, over the
    rows `values`, differs most. Its weights are mostly what a head costs: after an encoder's pass they are in no cache."""
    reached = (values @ arrays["weight0"]).astype(np.float64)
    share = np.ones(len(values)) if weights is None else weights.astype(np.float64)
    centre = np.average(reached, axis=0, weights=share)
    apart = reached - centre
    axes = np.linalg.eigh((apart * share[:, None]).T @ apart)[1][:, ::-1][:, :rank]
    return arrays | {
        "narrow": (arrays["weight0"] @ axes).astype(np.float32),
        "weight0": np.ascontiguousarray(axes.T, np.float32),
        "bias0": (arrays["bias0"] + centre - centre @ axes @ axes.T).astype(np.float32),
    }


def logits_of(arrays: dict[str, Floats], values: Floats) -> Floats:
    """[rows, outputs], before any temperature."""
    if "narrow" in arrays:
        values = values @ arrays["narrow"]
    if "weight0" in arrays:
        values = np.maximum(values @ arrays["weight0"] + arrays["bias0"], 0)
    result: Floats = values @ arrays["weight"] + arrays["bias"]
    return result
