"""Where heads come from: those that ship, by name, and a user's own, by path and digest."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Final

from forebay_models.errors import ArtefactError, MissingExtraError
from forebay_models.heads.artefact import SUFFIX, read_head, unpack_head
from forebay_models.heads.head import Head
from forebay_models.load import ARTEFACTS
from forebay_models.manifest import FIX, read_manifest

FOLDER: Final = "heads"
MOST: Final = 128
"""Heads in memory for their own sake; those in use are there anyway."""


class Library:
    """Reads each head once, and remembers the MOST that were asked for last.

    `folder` is where users' artefacts lie; None where there is no such place. Not for several threads at once: one compilation at a time uses it.
    """

    def __init__(self, folder: Path | None = None, shipped: Path = ARTEFACTS) -> None:
        self._folder = folder
        self._shipped = shipped
        self._read: dict[str, Head] = {}

    def ship(self, name: str) -> Head:
        """The head of this name that ships. Raises ArtefactError or MissingExtraError."""
        digest = read_manifest(self._shipped).heads.get(name)
        if digest is None:
            raise ArtefactError(f"{self._shipped}: the manifest has no head {name!r}; {FIX}")
        return self._get(self._shipped / FOLDER / f"{name}{SUFFIX}", digest)

    def own(self, path: str, digest: str) -> Head:
        """A user's head: `path` is relative to the folder and does not leave it."""
        if self._folder is None:
            raise ArtefactError(f"{path}: this process has no folder for artefacts; start it with --artifacts DIR")
        place = (self._folder / path).resolve()
        if not place.is_relative_to(self._folder.resolve()):
            raise ArtefactError(f"{path}: leaves the folder for artefacts; put the file inside it")
        return self._get(place, digest)

    def brought(self, content: bytes, digest: str) -> Head:
        """A user's head that has come along with what names it. Raises ArtefactError or MissingExtraError."""
        return self._keep(digest, lambda: unpack_head(content, "the policy's model", digest))

    def __call__(self, name: str | None, path: str = "", digest: str = "", content: bytes | None = None) -> Head:
        if name is not None:
            return self.ship(name)
        if content is not None:
            return self.brought(content, digest)
        if not path:
            raise ArtefactError(f"{digest}: the policy has come without this model; publish both again")
        return self.own(path, digest)

    def _get(self, path: Path, digest: str) -> Head:
        return self._keep(digest, lambda: read_head(path, digest))

    def _keep(self, digest: str, read: Callable[[], Head]) -> Head:
        if importlib.util.find_spec("numpy") is None:
            raise MissingExtraError("a trained model needs numpy; install forebay[encoders]")
        head = self._read.pop(digest, None) or read()
        self._read[digest] = head
        if len(self._read) > MOST:
            del self._read[next(iter(self._read))]
        return head


def load_head(name: str | None, path: str = "", digest: str = "", content: bytes | None = None) -> Head:
    """A head that ships, or one that has come along; a user's own file needs a Library with a folder."""
    return Library()(name, path, digest, content)
