"""The shipped graph computes BERT: checked against a forward pass in numpy that shares no code with it."""

import math

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from forebay_models.load import ARTEFACTS
from forebay_models.transformer import MODEL
from forebay_models.wordpiece import FILE_NAME, WordPiece

TEXTS = ["hello", "Why does my pod stay Pending?", "Summarise the meeting notes below in three bullet points. " * 6]
erf = np.vectorize(math.erf)


@pytest.fixture(scope="module")
def weights():
    """The shipped initialisers as float64, integers brought back by their scales."""
    raw = {each.name: numpy_helper.to_array(each) for each in onnx.load(ARTEFACTS / MODEL).graph.initializer}
    return {
        name: value.astype(np.float64) * raw.get(f"{name}.scale", 1) for name, value in raw.items() if value.ndim > 0
    }


def normalise(rows, weights, name):
    centred = rows - rows.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return scaled * weights[f"{name}.gain"] + weights[f"{name}.bias"]


def project(rows, weights, name):
    return rows @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attend(rows, weights, name):
    query, key, value = (
        part.reshape(len(rows), 12, 32).transpose(1, 0, 2)
        for part in np.split(project(rows, weights, f"{name}.qkv"), 3, axis=-1)
    )
    scores = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(32))
    return (scores / scores.sum(axis=-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(rows), 384)


def run_bert(ids, weights):
    rows = weights["words.weight"][ids] + weights["positions.weight"][: len(ids)]
    rows = normalise(rows, weights, "embeddings")
    for layer in (f"layer{index}" for index in range(6)):
        context = attend(rows, weights, layer)
        rows = normalise(project(context, weights, f"{layer}.attended") + rows, weights, f"{layer}.attention")
        wide = project(rows, weights, f"{layer}.wide")
        wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
        rows = normalise(project(wide, weights, f"{layer}.narrow") + rows, weights, layer)
    pooled = rows.mean(axis=0)
    return pooled / np.linalg.norm(pooled)


@pytest.mark.parametrize("text", TEXTS, ids=["word", "sentence", "paragraph"])
def test_the_int8_graph_agrees_with_a_forward_pass_in_float64(transformer, weights, text):
    ids = [101, *WordPiece(ARTEFACTS / FILE_NAME).encode(text), 102]
    assert transformer.encode([text])[0] @ run_bert(ids, weights) > 0.97


def test_the_graph_uses_only_the_pinned_operator_sets():
    model = onnx.load(ARTEFACTS / MODEL)
    assert {each.domain: each.version for each in model.opset_import} == {"": 20, "com.microsoft": 1}


def test_of_a_text_beyond_the_cap_the_head_and_the_tail_are_read(transformer):
    rows = transformer.encode(["one two three four five six", "one two three x y z four five six"], max_tokens=8)
    np.testing.assert_array_equal(rows[0], rows[1])


def test_the_cap_can_be_raised_to_512_tokens(transformer):
    text = "word " * 300 + "password " * 100
    short, long = transformer.encode([text])[0], transformer.encode([text], max_tokens=512)[0]
    assert not np.array_equal(short, long)


def test_special_tokens_spelt_in_a_text_are_read_as_letters():
    wordpiece = WordPiece(ARTEFACTS / FILE_NAME)
    assert not {0, 101, 102, 103} & set(wordpiece.encode("[PAD] [CLS] [SEP] [MASK]"))
