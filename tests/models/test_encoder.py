"""What the `Encoder` protocol promises, of each encoder that ships."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

TEXTS = [
    "Fix this traceback in my Python code: KeyError in parse_config",
    "What is the derivative of x squared times sine x?",
    "请用中文总结这份合同",
    "¿Cuál es la capital de Perú?",
    "word " * 700,
]
SILENT = ["", " \t\n", "\0", "\0\0\0", "\u202e\u200f\u200e", "\ud800"]


def test_rows_are_float32_of_length_one_in_the_order_of_the_texts(encoder):
    rows = encoder.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), encoder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, encoder.dimensions)


@pytest.mark.parametrize("text", SILENT, ids=ascii)
def test_a_text_that_says_nothing_gives_a_row_of_zeros(encoder, text):
    assert not encoder.encode([text]).any()


def test_a_row_does_not_depend_on_the_other_texts_of_the_call(encoder):
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, alone)


def test_threads_that_share_an_encoder_get_identical_rows(encoder):
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(lambda _: encoder.encode(TEXTS), range(8)):
            np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize(
    "text",
    ["🙂", "a" * 1_000_000, "a " * 500_000, "é" * 1_000_000, "请" * 300_000, "!" * 1_000_000, "a\0b\ud800c", "x" * 99],
    ids=["emoji", "letter", "letters", "accents", "chinese", "punctuation", "control", "word"],
)
def test_an_odd_or_huge_text_gives_a_finite_row_within_bounds(encoder, text):
    start = time.thread_time()
    row = encoder.encode([text])
    assert time.thread_time() - start < 2
    assert np.isfinite(row).all()
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5) or not row.any()


def test_control_and_direction_marks_do_not_change_a_row(encoder):
    plain, marked = encoder.encode(["transfer money abroad", "trans\0fer \u200fmoney\u200f abroad"])
    np.testing.assert_allclose(plain, marked, atol=1e-6)


@pytest.mark.parametrize("cap", [0, -1, 100_000])
def test_a_cap_outside_the_range_is_refused_by_name(encoder, cap):
    with pytest.raises(ValueError, match="max_tokens"):
        encoder.encode(["text"], max_tokens=cap)


@pytest.mark.parametrize(
    ("left", "right", "other"),
    [
        (
            "Fix this traceback in my Python code",
            "My Python program crashes with an error",
            "What should I cook tonight?",
        ),
        ("How do I reset my password?", "I forgot my password", "Tell me about the Roman empire"),
        ("Solve this integral", "Compute the integral of this function", "Book a flight to Paris"),
        ("Translate this to French", "How do you say hello in French?", "My card was declined"),
    ],
)
def test_similar_sentences_score_above_dissimilar_ones(encoder, left, right, other):
    rows = encoder.encode([left, right, other])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


def test_the_names_are_those_a_policy_uses(static, transformer):
    assert (static.name, transformer.name) == ("Static", "Transformer")
    assert static.digest != transformer.digest
    assert static.digest.startswith("sha256:")
