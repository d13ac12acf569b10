"""Configuration that travels while nobody serves it: resources packed into files small enough for ConfigMaps.

The operator writes them (`forebay_operator.lastgood`); the data plane and Envoy's launcher read them where they are
mounted. Shards are replaced one by one and a kubelet copies them one by one, so the index names each by its hash, and
a set that does not fit together is refused: old and new configuration are never mixed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.base import Tolerant

FORMAT: Final = 1
INDEX: Final = "index"
"""File of the index; shards are `shard-1`, `shard-2`, and so on."""
SHARD_BYTES: Final = 512 << 10
MAX_SHARDS: Final = 15
MAX_INDEX_BYTES: Final = 64 << 10
MAX_CONTENT_BYTES: Final = 256 << 20
"""Of unpacked resources."""
_LEVEL: Final = 6


class TooLarge(ValueError):
    """The configuration does not fit into the shards that there may be."""


class UnusableShards(Exception):
    """Nothing to start from: shards of different sets, damaged, or of another version."""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """One resource: `value` is what goes inside the Any, `version` its content hash."""

    name: str
    version: str
    value: bytes


Content = Mapping[str, tuple[Kept, ...]]
"""Resources by type URL."""


class _Index(Tolerant, frozen=True):
    """`format` 1: msgpack of Content, deflated, cut into `shards`, whose SHA-256 stand here in their order."""

    format: int
    hash: str = ""
    shards: tuple[str, ...] = ()


def content_hash(packed: bytes) -> str:
    """Of the content before it is deflated: the same content has the same hash, whatever deflated it."""
    return sha256(packed).hexdigest()[:16]


def pack(content: Content) -> tuple[str, dict[str, bytes]]:
    """The content's hash, and its files by name, the index last: written in this order, it makes the set valid.

    The same content gives the same bytes. Raises TooLarge.
    """
    ordered = {url: sorted(content[url], key=lambda kept: kept.name) for url in sorted(content)}
    packed = msgspec.msgpack.encode(ordered)
    if len(packed) > MAX_CONTENT_BYTES:
        raise TooLarge(f"the configuration has {len(packed)} bytes, {MAX_CONTENT_BYTES} are the most that is kept")
    deflated = zlib.compress(packed, _LEVEL)
    shards = [deflated[start : start + SHARD_BYTES] for start in range(0, len(deflated), SHARD_BYTES)]
    if len(shards) > MAX_SHARDS:
        raise TooLarge(f"the configuration needs {len(shards)} shards, {MAX_SHARDS} are the most that is kept")
    index = _Index(format=FORMAT, hash=content_hash(packed), shards=tuple(sha256(s).hexdigest() for s in shards))
    files = {f"shard-{number}": shard for number, shard in enumerate(shards, 1)}
    return index.hash, {**files, INDEX: msgspec.json.encode(index)}


def unpack(files: Mapping[str, bytes]) -> Content:
    """The content of a whole set; files that the index does not name are left alone. Raises UnusableShards."""
    index = _index(files.get(INDEX))
    deflated = bytearray()
    for number, digest in enumerate(index.shards, 1):
        shard = files.get(f"shard-{number}", b"")
        if sha256(shard).hexdigest() != digest:
            raise UnusableShards(f"shard-{number} is not the one that the index names: the set is being replaced")
        deflated += shard
    packed = _inflated(bytes(deflated))
    if content_hash(packed) != index.hash:
        raise UnusableShards("the content is not the one that the index names")
    try:
        return msgspec.msgpack.decode(packed, type=dict[str, tuple[Kept, ...]])
    except msgspec.MsgspecError as error:
        raise UnusableShards(f"the content cannot be read: {error}") from error


def _index(data: bytes | None) -> _Index:
    if data is None:
        raise UnusableShards("there is no index")
    try:
        index = msgspec.json.decode(data, type=_Index)
    except msgspec.MsgspecError as error:
        raise UnusableShards(f"the index cannot be read: {error}") from error
    if index.format != FORMAT:
        raise UnusableShards(f"format {index.format} was written by another version, this one reads {FORMAT}")
    if len(index.shards) > MAX_SHARDS:
        raise UnusableShards(f"the index names {len(index.shards)} shards, {MAX_SHARDS} are the most")
    return index


def _inflated(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        packed = inflater.decompress(deflated, MAX_CONTENT_BYTES)
    except zlib.error as error:
        raise UnusableShards(f"the content cannot be inflated: {error}") from error
    if not inflater.eof:
        raise UnusableShards(f"the content is cut off, or has more than {MAX_CONTENT_BYTES} bytes")
    return packed


def read_directory(directory: Path) -> Content | None:
    """The content of the files in a directory, None where there is no index. Raises UnusableShards, OSError."""
    if not (directory / INDEX).exists():
        return None
    names: Iterable[str] = (INDEX, *(f"shard-{number}" for number in range(1, MAX_SHARDS + 1)))
    files = {}
    for name in names:
        path = directory / name
        if path.exists():
            with path.open("rb") as file:
                files[name] = file.read(SHARD_BYTES + 1)
    return unpack(files)
