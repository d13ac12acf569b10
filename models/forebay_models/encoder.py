"""The one interface of every encoder: what the decision core may assume of a vector, its cost and its threads.

numpy is named in annotations only, so that code which merely passes encoders around does not import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EncoderKind = Literal["Static", "Transformer"]


class Encoder(Protocol):
    """Texts to vectors on the unit sphere; the dot product of two rows is their cosine, in [-1, 1].

    Threads: one instance serves any number of threads at once, without a lock; nothing changes after construction.
    A row depends on its own text alone, never on what else is in the call, so a vector may be cached by
    (`digest`, `max_tokens`, text).

    Cost: linear in the number of texts and bounded per text, whatever its length; each encoder's docstring names its cap
    and its time on one core. No I/O besides page faults on a mapped table.
    """

    @property
    def name(self) -> EncoderKind:
        """The name a policy uses."""

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits over all files the vectors depend on; equal digests, comparable vectors."""

    @property
    def dimensions(self) -> int:
        """Columns of `encode`'s result."""

    @property
    def max_tokens(self) -> int:
        """Most tokens of one text that are read unless `encode` is told otherwise."""

    def encode(self, texts: Sequence[str], *, max_tokens: int | None = None) -> NDArray[np.float32]:
        """Returns float32 [len(texts), dimensions], rows of length 1 in the order of `texts`.

        A text without anything the encoder knows (empty, white space, control characters) gives a row of zeros: its
        cosine with everything is 0, so no threshold above 0 matches it. Text beyond the cap is left out, never an error.

        Raises ValueError where `max_tokens` is outside the encoder's range.
        """
