"""What a maker returns: a head and where its figures come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from forebay_models.heads.fit import Floats
from forebay_models.heads.head import Head, HeadManifest
from forebay_models.heads.surface import describe


@dataclass(frozen=True, slots=True)
class Made:
    """`figures` stand on the card, in order: what was measured to a value as text."""

    manifest: HeadManifest
    arrays: Mapping[str, Floats]
    figures: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Head:
        return Head(self.manifest, self.arrays, "")


@cache
def _surface(text: str) -> Floats:
    return describe(text)


def surfaces(texts: list[str]) -> Floats:
    """Each text's once: folds and findings ask for the same texts again and again."""
    return np.stack([_surface(text) for text in texts]) if texts else np.zeros((0, 0), np.float32)


def one_hot(numbers: NDArray[np.int64], width: int) -> Floats:
    return np.eye(width, dtype=np.float32)[numbers]
