"""Peers that can be installed, on the same rows with the same vectors; a line says so where one is not installed."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from forebay_models.build.datasets import Dataset
from forebay_models.build.metrics import mean
from forebay_models.build.quality import number_labels, pick_few
from forebay_models.build.vectors import Vectors

TOP: int = 5


def similarity(dataset: Dataset, vectors: Vectors) -> list[str]:
    """semantic-router's rule (the mean cosine of the five nearest utterances by route) with our encoder."""
    installed = importlib.util.find_spec("semantic_router") is not None
    train, test = vectors.of(dataset.train.texts, dataset.name), vectors.of(dataset.test.texts, dataset.name)
    labels, right = number_labels(dataset)
    few = pick_few(labels)
    found = _library(train[few], labels[few], test) if installed else _rule(train[few], labels[few], test)
    how = "semantic-router" if installed else "semantic-router's rule, re-implemented (the package is not installed)"
    accuracy = mean((found == right).astype(np.float32))
    return [f"Peer, ten utterances a route, same vectors: {how}: {accuracy}."]


def _rule(rows: Any, labels: Any, test: Any) -> Any:
    """Of the five nearest utterances, the route with the highest mean score."""
    cosine = test @ rows.T
    nearest = np.argpartition(-cosine, TOP, axis=1)[:, :TOP]
    scores = np.zeros((len(test), int(labels.max()) + 1), np.float32)
    counts = np.zeros_like(scores)
    for column in range(TOP):
        chosen = nearest[:, column]
        at = np.arange(len(test))
        scores[at, labels[chosen]] += cosine[at, chosen]
        counts[at, labels[chosen]] += 1
    return np.where(counts > 0, scores / np.maximum(counts, 1), -1).argmax(axis=1)


def _library(rows: Any, labels: Any, test: Any) -> Any:
    from semantic_router.index.local import LocalIndex  # an installable peer, not a dependency

    index = LocalIndex()
    routes = [str(label) for label in labels]
    index.add(embeddings=[row.tolist() for row in rows], routes=routes, utterances=[str(at) for at in range(len(rows))])
    found = []
    for row in test:
        scores, names = index.query(vector=np.asarray(row), top_k=TOP)
        totals: dict[str, list[float]] = {}
        for score, name in zip(scores, names, strict=True):
            totals.setdefault(str(name), []).append(float(score))
        found.append(int(max(totals, key=lambda name: float(np.mean(totals[name])))))
    return np.array(found)
