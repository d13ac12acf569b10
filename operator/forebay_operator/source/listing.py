"""Which files of a directory are manifests.

Counted: ``*.yaml``, ``*.yml`` and ``*.json`` down to DEPTH directories below the root, through symbolic links. Left out:
names that start with a dot (hidden files, and the ``..data`` and ``..2024_...`` directories of a mounted ConfigMap,
whose files are reached through the links beside them), editors' leavings, kustomize's own files (they name manifests
and are none) and the root's forebay.yaml.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DEPTH: Final = 4
MAX_FILES: Final = 2000
LOCAL_NAME: Final = "forebay.yaml"
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_KUSTOMIZE: Final = frozenset({"kustomization.yaml", "kustomization.yml"})
_TEMPORARY_PREFIXES: Final = (".", "#", "~")


class TooManyFiles(Exception):
    """More manifests than a directory may hold: most likely the wrong directory."""


def manifest_paths(root: Path) -> tuple[str, ...]:
    """Paths relative to the root, with ``/``, sorted.

    Raises OSError where the root or a directory below it cannot be listed, because files that are merely out of sight
    must not count as deleted, and TooManyFiles above MAX_FILES.
    """
    found: list[str] = []
    for path in _walk(root, "", (_identity(root),)):
        found.append(path)
        if len(found) > MAX_FILES:
            raise TooManyFiles(f"more than {MAX_FILES} manifests in {root}: name a narrower directory")
    return tuple(sorted(found))


def legible_path(path: str) -> str:
    """A path as it is told: a name is bytes, and those that are no UTF-8 are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_manifest_name(name: str) -> bool:
    """Whether a file of this name counts; ``x.yaml~``, ``.x.yaml.swp`` and ``#x.yaml#`` do not."""
    return name.endswith(_SUFFIXES) and not name.startswith(_TEMPORARY_PREFIXES) and name not in _KUSTOMIZE


def _walk(directory: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    with os.scandir(directory) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.name.startswith(_TEMPORARY_PREFIXES):
            continue
        try:
            if entry.is_dir():
                identity = _identity(Path(entry.path))
                # `above` holds the directories on the way here: a link back to one of them would never end.
                if len(above) <= DEPTH and identity not in above:
                    yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", (*above, identity))
            elif is_manifest_name(entry.name) and not (not prefix and entry.name == LOCAL_NAME) and entry.is_file():
                yield prefix + entry.name
        except FileNotFoundError:
            continue  # deleted since it was listed


def _identity(directory: Path) -> tuple[int, int]:
    status = directory.stat()
    return status.st_dev, status.st_ino
