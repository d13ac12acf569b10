"""The static table's shortcuts change its speed, not its vectors."""

import numpy as np
import pytest

from forebay_models.cut import cut_middle
from forebay_models.load import ARTEFACTS
from forebay_models.static import SCALES, TABLE, UNKNOWN_CHARACTERS
from forebay_models.wordpiece import FILE_NAME, WordPiece


@pytest.mark.parametrize(
    "text",
    [
        "Why does `kubectl get pods -n kube-system` show CrashLoopBackOff?",
        "Crème brûlée, naïve façade: “quotes” — and dashes…",
        "请用中文总结这份合同 in English, bitte, größer!",
        "a\tb\nc\u00a0d e\u2003f x_y 12,345.67 don't",
        "[CLS] [UNK] ##ing [unused5]",
    ],
)
def test_the_fast_path_reads_the_tokens_that_the_tokenizer_reads(static, text):
    ids = WordPiece(ARTEFACTS / FILE_NAME).encode(text)
    sums = np.load(ARTEFACTS / SCALES)[ids] @ np.load(ARTEFACTS / TABLE)[ids].astype(np.float32)
    np.testing.assert_allclose(static.encode([text])[0], sums / np.linalg.norm(sums), atol=1e-5)


def test_of_a_long_text_the_head_and_the_tail_are_read_and_the_middle_is_not(static):
    head, tail = "invoice " * 1_100, "holiday " * 1_100
    rows = static.encode([head + "banana " * 5_000 + tail, head + "physics " * 9_000 + tail])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)


def test_a_lower_cap_reads_fewer_words_from_both_ends(static):
    rows = static.encode(["invoice banana banana holiday", "invoice physics physics holiday"], max_tokens=2)
    np.testing.assert_array_equal(rows[0], rows[1])


def test_emoji_alone_weigh_nothing(static):
    assert not static.encode(["🙂🚀"]).any()


@pytest.mark.parametrize(("cap", "expected"), [(10, "abcdef"), (6, "abcdef"), (5, "abcef"), (2, "af"), (1, "a")])
def test_cutting_keeps_both_ends_and_the_cap(cap, expected):
    assert cut_middle("abcdef", cap) == expected


def test_unknown_words_beyond_the_cap_do_not_move_the_row(static):
    noise = "zqxjkv" * 15 + " "
    count = UNKNOWN_CHARACTERS // len(noise) + 1
    rows = static.encode([noise * (2 * count), noise * (4 * count)])
    assert rows[0] @ rows[1] > 0.99
