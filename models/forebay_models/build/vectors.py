"""Vectors of many texts, each computed once for an encoder and kept: an interrupted build goes on where it was."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forebay_models.build.stages import report_progress
from forebay_models.encoder import Encoder

SAVE_EVERY = 4_000


class Vectors:
    """One file an encoder, named by its digest; half precision, which moves a cosine by less than 0.001."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self.encoder = encoder
        self._path = folder / f"vectors-{encoder.digest.removeprefix('sha256:')[:16]}.npz"
        self._rows: dict[str, NDArray[np.float16]] = {}
        if self._path.exists():
            with np.load(self._path) as saved:
                self._rows = dict(zip(saved["keys"].tolist(), saved["rows"], strict=True))

    def of(self, texts: Sequence[str], what: str) -> NDArray[np.float32]:
        """[texts, dimensions]."""
        if not texts:
            return np.zeros((0, self.encoder.dimensions), np.float32)
        keys = [hashlib.sha256(text.encode(errors="replace")).hexdigest()[:24] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        report = report_progress(f"vectors of {what}")
        for done, (key, text) in enumerate(missing.items(), start=1):
            self._rows[key] = self.encoder.encode((text,))[0].astype(np.float16)
            report(done, len(missing))
            if done % SAVE_EVERY == 0 or done == len(missing):
                self._save()
        return np.stack([self._rows[key] for key in keys]).astype(np.float32)

    def _save(self) -> None:
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, keys=np.array(list(self._rows)), rows=np.stack(list(self._rows.values())))
        part.replace(self._path)
