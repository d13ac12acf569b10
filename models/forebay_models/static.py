"""A table of token vectors distilled from the transformer: a text is the weighted mean of its tokens.

For signals where some 0.1 ms matters more than word order (after Minish's model2vec and the SIF weighting of Arora et
al., ICLR 2017). The mean ignores order, which pays for the fast path here: words that are whole pieces of the vocabulary
are looked up directly, and only the rest goes through the WordPiece tokenizer, all at once.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forebay_models.cut import cut_middle
from forebay_models.wordpiece import FILE_NAME as TOKENIZER
from forebay_models.wordpiece import WordPiece

TABLE = "static.table.npy"
SCALES = "static.scales.npy"
DIMENSIONS = 256
CHARACTERS = 16_384
TOKENS = 4_096
CHUNK = 256
# Splitting an unknown word takes time in the square of its length: 16,384 characters of noise would take 80 ms.
UNKNOWN_CHARACTERS = 4_096

# Splits as BERT does on ASCII (white space between words, each punctuation mark alone). What is not ASCII stays inside
# its word and is split by the tokenizer, since no such word is found whole.
WORDS = re.compile(r"[^\s!-/:-@\[-`{-~]+|[!-/:-@\[-`{-~]")


class Static:
    """See `Encoder`. 256 dimensions; 4,096 tokens unless told (1 to 4,096).

    Of a text over 16,384 characters the first and last 8,192 are read, and of more than `max_tokens` tokens the first
    and last half; of words that are not whole in the vocabulary, and of scripts without spaces, at most 4,096 characters.
    So 1 MB costs what 16 kB does: 1 ms of English, 20 ms of hostile noise. 0.02 ms at 88 characters, 0.05 ms at 528.
    Tokens that the vocabulary lacks (most emoji) weigh nothing; a text of those alone gives a row of zeros. Memory: 8 MB
    mapped from the file and shared by processes, and the vocabulary.
    """

    name: Literal["Static"] = "Static"
    dimensions = DIMENSIONS
    max_tokens = TOKENS

    def __init__(self, folder: Path, *, digest: str) -> None:
        self.digest = digest
        self._wordpiece = WordPiece(folder / TOKENIZER)
        self._whole = {
            piece: token for piece, token in self._wordpiece.vocabulary().items() if not piece.startswith("##")
        }
        # A plain view of the map: numpy's memmap subclass makes each small lookup slower.
        self._table = np.asarray(np.load(folder / TABLE, mmap_mode="r"))
        self._scales: NDArray[np.float32] = np.load(folder / SCALES)

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> NDArray[np.float32]:
        cap = self.max_tokens if max_tokens is None else max_tokens
        if not 0 < cap <= TOKENS:
            raise ValueError(f"max_tokens: {cap} is outside 1..{TOKENS}; shorten the cap or leave it out")
        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        listed = [self._tokenise(text, cap) for text in texts]
        for row, sums in enumerate(self._add_each(listed)):
            length = math.sqrt(sums @ sums)
            if length > 0:
                rows[row] = sums / length
        return rows

    def _add_each(self, listed: list[list[int]]) -> list[NDArray[np.float32]]:
        """Of each text; short ones are looked up together."""
        if len(listed) == 1 or sum(map(len, listed)) > CHUNK:
            return [self._add(tokens) for tokens in listed]
        ids = np.array([token for tokens in listed for token in tokens], np.int64)
        scales, rows = self._scales.take(ids), self._table.take(ids, axis=0).astype(np.float32)
        sums, start = [], 0
        for tokens in listed:
            end = start + len(tokens)
            sums.append(scales[start:end] @ rows[start:end])
            start = end
        return sums

    def _add(self, tokens: list[int]) -> NDArray[np.float32]:
        ids = np.array(tokens, np.int64)
        sums = np.zeros(DIMENSIONS, np.float32)
        # In pieces: megabytes of scratch per call would be mapped and unmapped each time, at several times the cost.
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            sums += self._scales.take(chunk) @ self._table.take(chunk, axis=0).astype(np.float32)
        return sums

    def _tokenise(self, text: str, cap: int) -> list[int]:
        words = cut_middle(WORDS.findall(cut_middle(text, CHARACTERS).lower()), cap)
        whole = self._whole
        tokens = [whole[word] for word in words if word in whole]
        if len(tokens) < len(words):
            unknown = " ".join([word for word in words if word not in whole])
            tokens += self._wordpiece.encode(cut_middle(unknown, UNKNOWN_CHARACTERS))
            tokens = cut_middle(tokens, cap)
        return tokens
