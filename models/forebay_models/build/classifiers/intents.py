"""How good heads of one's own are: the recipe of `forebay train` on CLINC150 and BANKING77, whole and with ten examples a
label. Nothing of it ships; the encoder has not seen these sets."""

import numpy as np

from forebay_models.build.classifiers.finding import Finding
from forebay_models.build.classifiers.made import read
from forebay_models.build.datasets import Dataset
from forebay_models.build.metrics import auroc_figure, auroc_gain, gain, mean
from forebay_models.build.quality import amplify, number_labels, pick_few, softmax, train_head
from forebay_models.build.vectors import Vectors
from forebay_models.heads.fit import Floats, fit, logits_of, squash
from forebay_models.heads.head import energy, join
from forebay_models.heads.train import RECIPE

TARGETS = {"CLINC150": (0.96, 0.97, 0.90), "BANKING77": (0.935, None, None)}


def _logits(values: Floats, labels: np.ndarray, *others: Floats) -> list[Floats]:
    arrays = fit(values, np.eye(int(labels.max()) + 1, dtype=np.float32)[labels], "One", RECIPE)
    return [logits_of(arrays, other) for other in others]


def measure(dataset: Dataset, vectors: Vectors) -> tuple[list[Finding], np.ndarray, Floats]:
    """Findings, the test labels and the test beliefs of the head fitted on all rows."""
    whole, scope, few_target = TARGETS[dataset.name]
    train, test = vectors.of(dataset.train.texts, dataset.name), vectors.of(dataset.test.texts, dataset.name)
    outside = vectors.of(dataset.outside, dataset.name)
    labels, right = number_labels(dataset)
    seen, asked, strange = (
        join(read(vectors, texts, dataset.name, surface=False)) if texts else np.zeros((0, 640), np.float32)
        for texts in (dataset.train.texts, dataset.test.texts, dataset.outside)
    )
    logits, foreign = _logits(seen, labels, asked, strange)
    inside = squash(logits, "One")
    weights, biases = train_head(train, labels)

    def reference(rows: Floats) -> Floats:
        return softmax(amplify(rows) @ weights + biases)

    cosine = test @ train.T
    hits = (inside.argmax(axis=1) == right).astype(np.float32)
    others = (reference(test).argmax(axis=1) == right).astype(np.float32)
    nearest = (labels[cosine.argmax(axis=1)] == right).astype(np.float32)
    findings = [
        Finding(
            f"trained head: accuracy on {dataset.name}", "in-distribution", "fold", len(right), mean(hits), whole,
            ("linear head", mean(others)), ("nearest example", mean(nearest)), (gain(hits, others), gain(hits, nearest)),
        )
    ]  # fmt: skip
    if len(outside):
        truth = np.concatenate([np.ones(len(test), bool), np.zeros(len(outside), bool)])
        ours = np.concatenate([energy(logits), energy(foreign)])
        theirs = np.concatenate([reference(test).max(axis=1), reference(outside).max(axis=1)])
        near = np.concatenate([cosine.max(axis=1), (outside @ train.T).max(axis=1)])
        findings.append(
            Finding(
                f"trained head: out-of-scope AUROC on {dataset.name}", "in-distribution", "fold", len(truth),
                auroc_figure(ours, truth), scope, ("linear head", auroc_figure(theirs, truth)),
                ("nearest example", auroc_figure(near, truth)),
                (auroc_gain(ours, theirs, truth), auroc_gain(ours, near, truth)),
            )
        )  # fmt: skip
    few = pick_few(labels)
    (some,) = _logits(seen[few], labels[few], asked)
    best = (some.argmax(axis=1) == right).astype(np.float32)
    close = (labels[few][cosine[:, few].argmax(axis=1)] == right).astype(np.float32)
    findings.append(
        Finding(
            f"trained head: accuracy on {dataset.name}, ten examples a label", "in-distribution", "fold", len(right),
            mean(best), few_target, None, ("nearest example", mean(close)), (None, gain(best, close)),
        )
    )  # fmt: skip
    return findings, right, inside


def learning_curve(dataset: Dataset, vectors: Vectors) -> list[str]:
    """Accuracy on test texts by examples a label."""
    labels, right = number_labels(dataset)
    seen, asked = (
        join(read(vectors, texts, dataset.name, surface=False)) for texts in (dataset.train.texts, dataset.test.texts)
    )
    order = np.random.default_rng(0).permutation(len(labels))
    place = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        own = order[labels[order] == label]
        place[own] = np.arange(len(own))
    lines = ["| examples a label | accuracy |", "|---|---|"]
    for count in (5, 10, 25, 50, 100):
        chosen = place < count
        (logits,) = _logits(seen[chosen], labels[chosen], asked)
        lines.append(f"| {count} | {(logits.argmax(axis=1) == right).mean():.3f} |")
    return lines
