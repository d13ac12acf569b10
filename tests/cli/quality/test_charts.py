"""Charts are written whatever the figures are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the quality extra is not installed")

from forebay_cli.quality import charts
from forebay_models.heads.calibrate import reliability

PNG = b"\x89PNG"
SCORES = np.array([0.1, 0.4, 0.6, 0.9], np.float32)
TRUTH = np.array([False, True, False, True])


def test_every_chart_is_a_png(tmp_path: Path) -> None:
    curve = reliability(SCORES, TRUTH.astype(np.float32))
    charts.draw_reliability({"x": curve}, tmp_path / "reliability.png", "x")
    charts.draw_roc({"x": (SCORES, TRUTH)}, tmp_path / "roc.png", "x")
    charts.draw_cost_curve({"x": SCORES}, np.zeros(4, np.float32), np.ones(4, np.float32), tmp_path / "cost.png", "x")
    labels = np.array([0, 1, 1, 0])
    charts.draw_confusions(labels, labels, ("a", "b"), tmp_path / "confusions.png", "x")
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(PNG)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_class_that_never_occurs_breaks_no_chart(tmp_path: Path) -> None:
    charts.draw_roc({"x": (SCORES, np.zeros(4, bool))}, tmp_path / "roc.png", "x")
    assert (tmp_path / "roc.png").read_bytes().startswith(PNG)
