"""The report's pictures, as PNG: reliability diagrams, ROC curves, cost curves and confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from forebay_models.heads.calibrate import Reliability

mpl.use("Agg")

import matplotlib.pyplot as plt

Numbers = NDArray[np.float32]
SIDE = 4.2
MOST_POINTS = 400


def _finish(path: Path) -> None:
    plt.tight_layout()
    plt.savefig(path, dpi=110)
    plt.close()


def draw_reliability(curves: Mapping[str, Reliability], path: Path, title: str) -> None:
    """Share of hits over confidence, a marker a bin, its size by rows."""
    plt.figure(figsize=(SIDE, SIDE))
    plt.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    for name, curve in curves.items():
        sizes = 12 + 90 * np.array(curve.count) / max(sum(curve.count), 1)
        plt.plot(curve.confidence, curve.rate, linewidth=1, label=f"{name}, ECE {curve.error:.3f}")
        plt.scatter(curve.confidence, curve.rate, s=sizes)
    plt.xlabel("confidence")
    plt.ylabel("share that is right")
    plt.title(title, fontsize=10)
    plt.legend(fontsize=8)
    _finish(path)


def draw_roc(curves: Mapping[str, tuple[Numbers, NDArray[np.bool_]]], path: Path, title: str) -> None:
    """One curve for each name: scores, and which rows are positive."""
    plt.figure(figsize=(SIDE, SIDE))
    plt.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    for name, (scores, positive) in curves.items():
        order = np.argsort(-scores, kind="stable")
        hits = np.concatenate([[0], np.cumsum(positive[order])]) / max(int(positive.sum()), 1)
        alarms = np.concatenate([[0], np.cumsum(~positive[order])]) / max(int((~positive).sum()), 1)
        keep = np.unique(np.linspace(0, len(hits) - 1, MOST_POINTS).astype(int))
        plt.plot(alarms[keep], hits[keep], linewidth=1.2, label=name)
    plt.xlabel("false alarms")
    plt.ylabel("caught")
    plt.title(title, fontsize=10)
    plt.legend(fontsize=8)
    _finish(path)


def draw_cost_curve(orders: Mapping[str, Numbers], weak: Numbers, strong: Numbers, path: Path, title: str) -> None:
    """Quality over the share of requests sent to the large model, in the order of each score."""
    plt.figure(figsize=(SIDE, SIDE))
    share = np.linspace(0, 1, len(weak) + 1)
    keep = np.unique(np.linspace(0, len(weak), MOST_POINTS).astype(int))
    base = float(weak.mean())
    for name, scores in orders.items():
        order = np.argsort(-scores, kind="stable")
        quality = base + np.concatenate([[0.0], np.cumsum((strong - weak)[order])]) / len(weak)
        plt.plot(share[keep], quality[keep], linewidth=1.2, label=name)
    plt.plot((0, 1), (base, float(strong.mean())), color="0.7", linewidth=1, label="chance")
    plt.xlabel("share sent to the large model")
    plt.ylabel("answered correctly")
    plt.title(title, fontsize=10)
    plt.legend(fontsize=8)
    _finish(path)


def draw_confusions(
    right: NDArray[np.int64], found: NDArray[np.int64], labels: Sequence[str], path: Path, title: str
) -> None:
    """Rows are the right labels, columns the found ones; shares of each row."""
    counts = np.zeros((len(labels), len(labels)))
    np.add.at(counts, (right, found), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    plt.figure(figsize=(6.4, 6))
    plt.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        colour = "white" if shares[row, column] > 0.6 else "black"
        plt.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center", fontsize=7, color=colour)
    plt.xticks(range(len(labels)), labels, rotation=60, ha="right", fontsize=8)
    plt.yticks(range(len(labels)), labels, fontsize=8)
    plt.xlabel("found")
    plt.ylabel("right")
    plt.title(title, fontsize=10)
    _finish(path)
