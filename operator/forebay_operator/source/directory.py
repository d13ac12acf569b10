"""The directory source: manifests and an optional forebay.yaml in, a View out, again after each change.

Nothing that is half-written, unreadable or mistaken takes away what was there before: a file that is refused keeps what
it last held, and a directory that vanishes keeps everything, each with an error that says so. Only a file that is gone,
or that is sound and no longer holds an object, removes it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final

from forebay_api.manifest import ManifestError
from forebay_operator.source.changes import RESCAN_SECONDS, changes
from forebay_operator.source.contents import (
    EMPTY,
    NO_LOCAL,
    Contents,
    LocalContents,
    keep_contents,
    merge_contents,
    parse_contents,
    parse_local,
)
from forebay_operator.source.file import Unreadable, read_bounded
from forebay_operator.source.jwks import with_keys
from forebay_operator.source.listing import LOCAL_NAME, TooManyFiles, legible_path, manifest_paths
from forebay_operator.source.view import View

VOLUME_LINK: Final = "..data"
MOST_LOOKS: Final = 3
"""A volume that is replaced again during each of them is looked at again when that is told."""


class Directory:
    """A directory of manifests. `read` remembers what each file last held, so there is one reader at a time."""

    def __init__(self, root: Path, *, rescan: float = RESCAN_SECONDS) -> None:
        self.root = root
        self._rescan = rescan
        self._files: dict[str, Contents] = {}
        self._local: LocalContents = NO_LOCAL

    async def views(self) -> AsyncGenerator[View, None]:
        """The present View at once, and a new one after each change of content. Ends by cancellation only."""
        digest = ""
        async with aclosing(changes(self.root, rescan=self._rescan)) as looks:
            async for _ in looks:
                view = await asyncio.to_thread(self.read)
                if view.digest != digest:
                    digest = view.digest
                    yield view

    def read(self) -> View:
        """Look at every file now. A file whose bytes are as before is not parsed again."""
        for _ in range(MOST_LOOKS):
            volume = self._volume()
            view = self._look()
            if self._volume() == volume:
                break
        return view

    def _volume(self) -> str:
        """What a mounted ConfigMap or Secret shows at present: all of its files change by this one link, so that files read
        before and after it has moved are no set."""
        try:
            return os.readlink(self.root / VOLUME_LINK)
        except OSError:
            return ""

    def _look(self) -> View:
        errors: tuple[ManifestError, ...] = ()
        try:
            read = {legible_path(path): self._read_manifests(path) for path in manifest_paths(self.root)}
            self._files = {path: contents for path, contents in read.items() if contents is not None}
            self._local = self._read_local()
        except (OSError, TooManyFiles) as error:
            errors = (self._unlisted(error),)
        found = merge_contents(self._files)
        told = (*errors, *self._local.errors, *found.errors)
        return View.of(found.policies, found.pools, self._local.config, told, found.kept, found.config_maps)

    def _read_manifests(self, path: str) -> Contents | None:
        """None where the file is gone since it was listed."""
        told = legible_path(path)
        before = self._files.get(told, EMPTY)
        try:
            return parse_contents(told, read_bounded(self.root / path), before)
        except FileNotFoundError:
            return None
        except Unreadable as error:
            return keep_contents(told, str(error), before)

    def _read_local(self) -> LocalContents:
        try:
            return self._with_keys(parse_local(LOCAL_NAME, read_bounded(self.root / LOCAL_NAME), self._local))
        except FileNotFoundError:
            return NO_LOCAL
        except Unreadable as error:
            return LocalContents(self._local.config, (ManifestError(source=LOCAL_NAME, message=str(error)),))

    def _with_keys(self, found: LocalContents) -> LocalContents:
        """Also where forebay.yaml is as it was: files of keys rotate."""
        config, faults = with_keys(found.config, LOCAL_NAME, base=self.root, before=self._local.config)
        return LocalContents(config, (*found.errors, *faults))

    def _unlisted(self, error: Exception) -> ManifestError:
        if isinstance(error, FileNotFoundError):
            message = "there is no such directory: create it, or name another"
        elif isinstance(error, NotADirectoryError):
            message = "is not a directory: name the directory that holds the manifests"
        elif isinstance(error, OSError):
            message = f"{error.filename or self.root} cannot be listed: {error.strerror or error}"
        else:
            message = str(error)
        if self._files:
            message += "; what it held before stays"
        return ManifestError(source=legible_path(str(self.root)), message=legible_path(message))
