"""The static table: each token's own sentence vector, reduced by principal components, weighted by rarity, in int8.

After Minish's model2vec and the SIF weights of Arora et al. (A Simple but Tough-to-Beat Baseline for Sentence
Embeddings, ICLR 2017), with their published constant. Token frequency is Zipf's guess from the place in the vocabulary,
which is sorted by frequency; how single characters rank was chosen on validation texts (see the card).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.graph import ROW_LIMIT, round_symmetric
from forebay_models.static import DIMENSIONS
from forebay_models.transformer import Session
from forebay_models.wordpiece import FRAME_END, FRAME_START

# Ids below are padding, unused slots and special tokens: they say nothing about a text.
FIRST_PIECE = 999
# Single characters stand before the ranked words, in code point order. Letters, digits and punctuation count as common
# as the first word, other scripts' characters as a middling one.
FIRST_RANKED = 1996
CHARACTER_RANK = 1_000
SIF = 1e-3


def embed_tokens(session: Session, count: int, report: Callable[[int, int], None]) -> NDArray[np.float32]:
    """The transformer's vector of every one-token text: [count, 384]."""
    rows = []
    for token in range(count):
        ids = np.array([[FRAME_START, token, FRAME_END]], np.int64)
        rows.append(session.run(None, {"input_ids": ids})[0][0])
        report(token + 1, count)
    return np.stack(rows)


def reduce_width(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """The vectors on their first principal components, and the share of variance kept."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = axes[:, ::-1][:, :DIMENSIONS]
    # An eigenvector's sign is arbitrary; fixing it makes two builds comparable.
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(DIMENSIONS)])
    return centred @ kept, float(values[::-1][:DIMENSIONS].sum() / values.sum())


def weigh_tokens(pieces: Sequence[str]) -> NDArray[np.float64]:
    """SIF weights a / (a + p(piece)) in (0, 1), by piece in vocabulary order; 0 for pieces that say nothing."""
    ranked = np.arange(len(pieces)) - FIRST_RANKED + 1
    plain = np.array([len(bare) == 1 and bare.isascii() for bare in (piece.removeprefix("##") for piece in pieces)])
    rank = np.where(plain, 1, np.where(ranked > 0, ranked, CHARACTER_RANK))
    frequency = 1 / rank / (1 / ranked[ranked > 0]).sum()
    weights: NDArray[np.float64] = SIF / (SIF + frequency)
    weights[:FIRST_PIECE] = 0
    return weights


def distil_table(
    vectors: NDArray[np.float32], pieces: Sequence[str]
) -> tuple[NDArray[np.int8], NDArray[np.float32], float]:
    """The int8 table [count, 256], its scales [count] with the weights folded in, and the share of variance kept."""
    reduced, share = reduce_width(vectors)
    table, scales = round_symmetric(reduced.astype(np.float32), ROW_LIMIT, axis=1)
    return table, (scales[:, 0] * weigh_tokens(pieces)).astype(np.float32), share
