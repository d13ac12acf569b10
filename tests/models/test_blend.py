"""The injection head's two parts in one network: nothing is lost where they are put side by side."""

import numpy as np
import pytest

from forebay_models.build.classifiers.injection import SECOND_OPINION, blend
from forebay_models.heads.fit import Recipe, fit, logits_of


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(0, 1, (200, 6)).astype(np.float32)


def test_a_blend_is_the_network_plus_the_linear_head_at_half_its_spread(rows):
    targets = (rows[:, :1] > 0).astype(np.float32)
    first = fit(rows, targets, "Binary", Recipe(hidden=8))
    second = fit(rows[:, :4], targets, "Binary", Recipe())
    alone, linear = logits_of(first, rows), logits_of(second, rows[:, :4])
    share = SECOND_OPINION * alone.std() / (linear - second["bias"]).std()
    np.testing.assert_allclose(logits_of(blend(first, second, rows), rows), alone + share * linear, atol=1e-3)


def test_a_blend_of_a_head_that_says_nothing_is_the_network(rows):
    first = fit(rows, (rows[:, :1] > 0).astype(np.float32), "Binary", Recipe(hidden=8))
    silent = {"weight": np.zeros((4, 1), np.float32), "bias": np.zeros(1, np.float32)}
    np.testing.assert_allclose(logits_of(blend(first, silent, rows), rows), logits_of(first, rows), atol=1e-5)
