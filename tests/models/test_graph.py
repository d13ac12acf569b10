"""The recipe's own parts, on weights small enough for a test; the source model is needed by none."""

import numpy as np
import pytest

from forebay_models.build.distil import FIRST_PIECE, weigh_tokens
from forebay_models.build.graph import build_model, round_symmetric
from forebay_models.build.quality import measure_auroc
from forebay_models.transformer import open_session

IDS = np.array([[3, 7, 11, 2]], np.int64)


@pytest.fixture(scope="module")
def weights():
    """A checkpoint of MiniLM's shape, random, with 16 words."""
    random = np.random.default_rng(0)

    def draw(*shape):
        return random.normal(0, 0.05, shape).astype(np.float32)

    tensors = {
        f"embeddings.{name}_embeddings.weight": draw(rows, 384)
        for name, rows in (("word", 16), ("position", 8), ("token_type", 2))
    }
    shapes = {
        "attention.self.query": (384, 384),
        "attention.self.key": (384, 384),
        "attention.self.value": (384, 384),
        "attention.output.dense": (384, 384),
        "intermediate.dense": (1536, 384),
        "output.dense": (384, 1536),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{index}" for index in range(6)):
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        for name, shape in shapes.items():
            tensors[f"{layer}.{name}.weight"], tensors[f"{layer}.{name}.bias"] = draw(*shape), draw(shape[0])
    for name in norms:
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = 1 + draw(384), draw(384)
    return tensors


def test_the_int8_graph_agrees_with_the_fp32_graph(weights, tmp_path):
    rows = []
    for int8 in (False, True):
        path = tmp_path / f"{int8}.onnx"
        path.write_bytes(build_model(weights, int8=int8))
        rows.append(open_session(path).run(None, {"input_ids": IDS})[0][0])
    assert rows[0] @ rows[1] > 0.99


def test_the_same_weights_give_the_same_bytes(weights):
    assert build_model(weights, int8=True) == build_model(weights, int8=True)


def test_rounding_errs_by_at_most_half_a_step_and_keeps_zero():
    values = np.array([[0, 0, 0], [1, -2, 3]], np.float32)
    integers, scales = round_symmetric(values, 63, axis=1)
    assert np.abs(integers).max() == 63
    assert np.all(np.abs(integers * scales - values) <= scales / 2)


def test_common_pieces_weigh_less_than_rare_ones_and_reserved_ones_nothing():
    pieces = ["[unused]"] * FIRST_PIECE + ["!", "é"] * 498 + ["x", "the", "of"] + ["word"] * 20_000 + ["##s", "rare"]
    weights = dict(zip(pieces, weigh_tokens(pieces), strict=True))
    assert weights["[unused]"] == 0
    assert weights["!"] == weights["##s"] == weights["the"] < weights["of"] < 0.05
    assert weights["of"] < weights["é"] < weights["rare"] < 1


def test_auroc_is_the_share_of_ordered_pairs_with_ties_counted_half():
    assert measure_auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(0.875)
