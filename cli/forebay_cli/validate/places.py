"""Where findings stand: the files as the caller named them, and the lines of places inside objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from forebay_api.document.builder import Malformed
from forebay_api.document.stream import Document, read_document, split_documents
from forebay_operator.source.file import Unreadable, read_bounded
from forebay_operator.source.listing import TooManyFiles, legible_path, manifest_paths

_STEP: Final = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[]+)')


class Places:
    """The files of a directory. `names` maps what stands at its top to what the caller calls it; without them the
    directory itself is what the caller has named."""

    def __init__(self, directory: Path, names: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._names = names

    @property
    def whole(self) -> bool:
        """The directory is the caller's own, and what lies beside the manifests is there, too."""
        return self._names is None

    def shown(self, source: str) -> str:
        """A file of the directory as the caller would name it."""
        if self._names is None:
            return legible_path(source if Path(source) == self._directory else str(self._directory / source))
        top, slash, rest = source.partition("/")
        return f"{self._names.get(top, top)}{slash}{rest}"

    def retold(self, message: str) -> str:
        """A message in which the files are called what the caller calls them."""
        for name, shown in (self._names or {}).items():
            message = message.replace(name, shown)
        return message

    def find(self, key: str, path: str) -> tuple[str, int | None]:
        """File, as shown, and line of a place in an object (``Kind namespace/name``); empty and None where there is no
        such object."""
        if key not in self._objects:
            return "", None
        source, document = self._objects[key]
        return self.shown(source), document.line_of(parse_path(path))

    def value(self, key: str, path: str) -> object:
        """What stands at a place in an object; None where nothing does."""
        found: Any = self._objects[key][1].value if key in self._objects else None
        for step in parse_path(path):
            try:
                found = found[step]
            except (LookupError, TypeError):
                return None
        return found

    @cached_property
    def _objects(self) -> dict[str, tuple[str, Document]]:
        found: dict[str, tuple[str, Document]] = {}
        try:
            for source in manifest_paths(self._directory):
                for key, document in _documents(self._directory / source):
                    found.setdefault(key, (source, document))
        except (OSError, TooManyFiles):
            pass  # the loader has said so
        return found


def parse_path(text: str) -> tuple[str | int, ...]:
    """The steps of a path, as `render_path` writes it."""
    return tuple(int(number) if number else quoted or key for number, quoted, key in _STEP.findall(text))


def _documents(file: Path) -> Iterator[tuple[str, Document]]:
    """What cannot be read is left out: the loader has said so."""
    try:
        chunks = list(split_documents(read_bounded(file).decode("utf-8-sig")))
    except (OSError, Unreadable, UnicodeDecodeError, Malformed):
        return
    for chunk, line in chunks:
        try:
            document = read_document(chunk, line)
        except Malformed:
            continue
        metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
        if isinstance(metadata, dict):
            name = f"{metadata.get('namespace') or 'default'}/{metadata.get('name')}"
            yield f"{document.value.get('kind')} {name}", document
