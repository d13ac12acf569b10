"""Shelf: the encoders of one process, the release's own and, during a rollout, one former release's beside them.

A head belongs to the encoder that it was trained on. Where a new release has another encoder, a folder with the former
one's artefacts keeps such heads at work until they are trained again: each is fed by its own encoder, and a request that
asks heads of both costs two passes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from forebay_models.encoder import Encoder, EncoderKind
from forebay_models.errors import ArtefactError
from forebay_models.load import load_encoder
from forebay_models.manifest import FILE_NAME, read_manifest

FOLDER: Final = "encoders"
MOST_FOLDERS: Final = 8
"""Looked into, in the order of their names."""
MOST_FORMER: Final = 1
"""Former encoders of a kind in memory at once; some 40 MB each."""


class Shelf:
    """Loads each encoder once, when it is first asked for; a former one is given up when nothing uses it any more.

    `folder` is where users' artefacts lie: a former release's `artefacts` folder belongs at `encoders/NAME` inside it.
    Not for several threads at once: one compilation at a time uses it.
    """

    def __init__(self, load: Callable[[EncoderKind], Encoder] = load_encoder, folder: Path | None = None) -> None:
        self._load = load
        self._folder = folder
        self._own: dict[EncoderKind, Encoder] = {}
        self._former: WeakValueDictionary[str, Encoder] = WeakValueDictionary()

    def get(self, kind: EncoderKind, digest: str = "") -> Encoder:
        """The encoder of that digest, or the release's own where none is named or none of that digest is there.

        Raises ArtefactError or MissingExtraError.
        """
        if kind not in self._own:
            self._own[kind] = self._load(kind)
        own = self._own[kind]
        if digest in ("", own.digest):
            return own
        if (known := self._former.get(digest)) is not None:
            return known
        if (place := self._find(kind, digest)) is None:
            return own
        if sum(each.name == kind for each in self._former.values()) >= MOST_FORMER:
            raise ArtefactError(
                f"{place}: a third {kind} encoder, and two are in use: run `forebay train` again for models of the oldest"
            )
        former = load_encoder(kind, folder=place)
        self._former[digest] = former
        return former

    def _find(self, kind: EncoderKind, digest: str) -> Path | None:
        if self._folder is None or not (self._folder / FOLDER).is_dir():
            return None
        for place in sorted(path.parent for path in (self._folder / FOLDER).glob(f"*/{FILE_NAME}"))[:MOST_FOLDERS]:
            entry = read_manifest(place).encoders.get(kind)
            if entry is not None and entry.digest == digest:
                return place
        return None
