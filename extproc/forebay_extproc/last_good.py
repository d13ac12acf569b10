"""The last good configuration on disk, so that a data plane starts while the operator is away. Holds no credentials.

There are two: the copy that this data plane keeps of what it had in force, and the operator's shards, mounted, for a
data plane that is new where it runs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.wire import POLICY_TYPE, POOL_TYPE, REVISION_TYPE, Revision
from forebay_extproc.discovery import Item, Update
from forebay_extproc.inventory import Candidate
from forebay_transport.shards import UnusableShards, read_directory

FORMAT: Final = 1


class UnusableCopy(Exception):
    """The file is damaged, or another version's: there is nothing to start from."""


class _Copy(msgspec.Struct, frozen=True):
    format: int
    revision: str
    items: Mapping[str, list[Item]]


def write(path: Path, applied: Candidate) -> None:
    """Replace the copy at once or not at all. Raises OSError."""
    items = {url: list(by_name.values()) for url, by_name in applied.items.items()}
    data = msgspec.msgpack.encode(_Copy(FORMAT, applied.config.revision, items))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> tuple[Update, ...]:
    """The copy as updates to take in, empty where there is none. Raises UnusableCopy, OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    try:
        copy = msgspec.msgpack.decode(data, type=_Copy)
    except msgspec.MsgspecError as error:
        raise UnusableCopy(f"{path}: {error}") from error
    if copy.format != FORMAT:
        raise UnusableCopy(f"{path}: format {copy.format}, this data plane reads {FORMAT}")
    versions = {url: {item.name: item.version for item in copy.items.get(url, ())} for url in (POLICY_TYPE, POOL_TYPE)}
    revision = Revision(id=copy.revision, policies=versions[POLICY_TYPE], pools=versions[POOL_TYPE])
    # Its version is nobody's, so the operator sends its own revision again and both agree on what is in force.
    named = Item(revision.name, f"copy of {copy.revision}", msgspec.msgpack.encode(revision))
    updates = [Update(url, "", tuple(copy.items.get(url, ()))) for url in versions]
    return (*updates, Update(REVISION_TYPE, "", (named,)))


def read_shards(directory: Path) -> tuple[Update, ...]:
    """The operator's shards as updates to take in, empty where there are none. Raises UnusableCopy, OSError.

    Versions are the operator's own: what is the same when it is back is not sent again.
    """
    try:
        content = read_directory(directory) or {}
    except UnusableShards as error:
        raise UnusableCopy(f"{directory}: {error}") from error
    return tuple(
        Update(url, "", tuple(Item(kept.name, kept.version, kept.value) for kept in content[url]))
        for url in (POLICY_TYPE, POOL_TYPE, REVISION_TYPE)
        if url in content
    )
