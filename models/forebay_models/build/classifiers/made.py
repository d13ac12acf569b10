"""What a maker returns: a head and where its figures come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.vectors import Vectors
from forebay_models.encoder import Encoder
from forebay_models.heads.fit import Floats
from forebay_models.heads.head import Head, HeadManifest, Reading
from forebay_models.heads.surface import describe
from forebay_models.heads.wording import read_wording
from forebay_models.load import load_encoder


@dataclass(frozen=True, slots=True)
class Made:
    """`figures` stand on the card, in order: what was measured to a value as text."""

    manifest: HeadManifest
    arrays: Mapping[str, Floats]
    figures: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Head:
        return Head(self.manifest, self.arrays, "")


def read(vectors: Vectors, texts: Sequence[str], what: str, *, static: bool = True, surface: bool = True) -> Reading:
    """What heads see of texts that look at the table's vector of all of a text."""
    return Reading(
        vectors.of(texts, what),
        np.stack([_words(text) for text in texts]) if static else None,
        read_surface(texts) if surface else None,
    )


def read_parts(texts: Sequence[str]) -> Floats:
    """[texts, numbers]: what heads see of texts whose manifest asks for `wording`."""
    return np.stack([_parts(text) for text in texts]).astype(np.float32)


def read_surface(texts: Sequence[str]) -> Floats:
    """[texts, numbers]."""
    return np.stack([_surface(text) for text in texts])


# Folds and findings ask for the same texts again and again.
@cache
def _surface(text: str) -> Floats:
    return describe(text)


@cache
def _words(text: str) -> NDArray[np.float16]:
    row: NDArray[np.float16] = table().encode((text,))[0].astype(np.float16)
    return row


@cache
def _parts(text: str) -> NDArray[np.float16]:
    rows: NDArray[np.float16] = read_wording(text, table()).astype(np.float16)
    return rows


@cache
def table() -> Encoder:
    """The shipped static encoder."""
    return load_encoder("Static")


def one_hot(numbers: NDArray[np.int64], width: int) -> Floats:
    return np.eye(width, dtype=np.float32)[numbers]
