"""How well vectors separate intents: the figures that stand on each card.

Three readings of one frozen encoder: the nearest of all training texts, the nearest of ten per label (what a
`similarity` signal's author writes), and a linear softmax head. Its constants were chosen on CLINC150's validation split.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.datasets import Dataset

SEED = 0
FEW = 10
EPOCHS = 15
BATCH = 256
RATE = 0.01
DECAY = 3e-4
# Rows have length 1, too short for a softmax to become sure within the epochs.
GAIN = 10.0

Vectors = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A dataset's vectors and label numbers."""

    train: Vectors
    train_labels: Labels
    test: Vectors
    test_labels: Labels
    outside: Vectors


@dataclass(frozen=True, slots=True)
class Quality:
    """Accuracies in percent; out-of-scope AUROC in [0, 1], None where the set has no such texts."""

    head: float
    nearest: float
    nearest_of_few: float
    head_auroc: float | None
    nearest_auroc: float | None

    def as_dict(self) -> dict[str, float | None]:
        return asdict(self)


def number_labels(dataset: Dataset) -> tuple[Labels, Labels]:
    order = {label: number for number, label in enumerate(sorted(set(dataset.train.labels)))}
    return (
        np.array([order[label] for label in dataset.train.labels]),
        np.array([order[label] for label in dataset.test.labels]),
    )


def softmax(logits: Vectors) -> Vectors:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Vectors = powers / powers.sum(axis=1, keepdims=True)
    return result


def amplify(rows: Vectors) -> Vectors:
    return np.multiply(rows, GAIN, dtype=np.float32)


def train_head(rows: Vectors, labels: Labels) -> tuple[Vectors, Vectors]:
    """Softmax regression by Adam with L2 decay and a rate falling to 0: weights [dimensions, labels] and biases."""
    rows = amplify(rows)
    order = np.random.default_rng(SEED)
    width = int(labels.max()) + 1
    parameters = [np.zeros((rows.shape[1], width), np.float32), np.zeros(width, np.float32)]
    means = [np.zeros_like(each) for each in parameters]
    squares = [np.zeros_like(each) for each in parameters]
    steps = EPOCHS * -(-len(rows) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        shuffled = order.permutation(len(rows))
        for start in range(0, len(rows), BATCH):
            chosen = shuffled[start : start + BATCH]
            inputs = rows[chosen]
            error = softmax(inputs @ parameters[0] + parameters[1])
            error[np.arange(len(chosen)), labels[chosen]] -= 1
            error /= len(chosen)
            gradients = (inputs.T @ error + np.float32(DECAY) * parameters[0], error.sum(axis=0))
            step += 1
            rate = RATE * (1 - step / steps)
            for parameter, mean, square, gradient in zip(parameters, means, squares, gradients, strict=True):
                mean += 0.1 * (gradient - mean)
                square += 0.001 * (gradient * gradient - square)
                unbiased = mean / (1 - 0.9**step)
                parameter -= rate * unbiased / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return parameters[0], parameters[1]


def measure_auroc(inside: Vectors, outside: Vectors) -> float:
    """The chance that a text of some label scores above one of none, ties counted half (Mann-Whitney)."""
    _, places, counts = np.unique(np.concatenate([inside, outside]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    pairs = len(inside) * len(outside)
    return float((ranks[: len(inside)].sum() - len(inside) * (len(inside) + 1) / 2) / pairs)


def pick_few(labels: Labels) -> Labels:
    """Row numbers of ten random examples per label."""
    random = np.random.default_rng(SEED)
    groups = [random.permutation(np.flatnonzero(labels == label))[:FEW] for label in range(int(labels.max()) + 1)]
    return np.concatenate(groups)


def measure_quality(data: Embedded) -> Quality:
    weights, biases = train_head(data.train, data.train_labels)

    def believe(rows: Vectors) -> Vectors:
        return softmax(amplify(rows) @ weights + biases)

    def percent(found: Labels) -> float:
        return round(float((found == data.test_labels).mean()) * 100, 2)

    few = pick_few(data.train_labels)
    belief = believe(data.test)
    cosine = data.test @ data.train.T
    known = len(data.outside) > 0
    return Quality(
        head=percent(belief.argmax(axis=1)),
        nearest=percent(data.train_labels[cosine.argmax(axis=1)]),
        nearest_of_few=percent(data.train_labels[few][cosine[:, few].argmax(axis=1)]),
        head_auroc=round(measure_auroc(belief.max(axis=1), believe(data.outside).max(axis=1)), 4) if known else None,
        nearest_auroc=(
            round(measure_auroc(cosine.max(axis=1), (data.outside @ data.train.T).max(axis=1)), 4) if known else None
        ),
    )
