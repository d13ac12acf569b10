"""What one file holds, remembered from one look to the next, and how files add up to one set of objects."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from forebay_api.local import LocalConfig
from forebay_api.manifest import Manifest, ManifestError, ManifestsRefused, load_local_config, load_manifests
from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_api.pool import ModelPool
from forebay_operator.source.view import key_of

_SHOWN = 5


class Contents(msgspec.Struct, frozen=True):
    """The objects that count for a manifest file, and what is wrong with its text. `fingerprint` is the text's; `kept`
    names the objects that stand here from an earlier text.

    While anything in the file is wrong, what it held before and no longer shows stays: what looks like a deletion may
    be an edit that is not finished.
    """

    objects: tuple[Manifest, ...] = ()
    errors: tuple[ManifestError, ...] = ()
    kept: frozenset[str] = frozenset()
    fingerprint: bytes = b""


class LocalContents(msgspec.Struct, frozen=True):
    """The forebay.yaml that counts, and what is wrong with its text."""

    config: LocalConfig = LocalConfig()
    errors: tuple[ManifestError, ...] = ()


EMPTY = Contents()
NO_LOCAL = LocalContents()


def parse_contents(path: str, data: bytes, before: Contents) -> Contents:
    """The contents of a file whose bytes are `data`; `before` is what it held at the last look."""
    fingerprint = blake2b(data, digest_size=16).digest()
    if fingerprint == before.fingerprint:
        return before
    if before.objects and not data.strip():
        # Most editors empty a file before they write it.
        return keep_contents(path, "is empty: delete the file to remove what it held", before, fingerprint)
    objects, errors = load_manifests(data, path)
    if any(error.severity == "Error" for error in errors):
        shown = {key_of(made) for made in objects}
        kept = [made for made in before.objects if key_of(made) not in shown]
        return _with_kept(path, objects, errors, kept, fingerprint)
    return Contents(tuple(objects), tuple(errors), frozenset(), fingerprint)


def keep_contents(path: str, message: str, before: Contents, fingerprint: bytes = b"") -> Contents:
    """The contents of a file that cannot be read now, for the reason given."""
    return _with_kept(path, [], [ManifestError(source=path, message=message)], list(before.objects), fingerprint)


def parse_local(path: str, data: bytes, before: LocalContents) -> LocalContents:
    """forebay.yaml from `data`; while it is refused, the one from `before` counts."""
    try:
        return LocalContents(load_local_config(data, path))
    except ManifestsRefused as refused:
        return LocalContents(before.config, refused.errors)


class Merged(msgspec.Struct, frozen=True):
    """All objects of all files, by ``namespace/name``; `kept` maps the key of an object that stands here from an
    earlier text to its file."""

    policies: dict[str, RoutingPolicy]
    pools: dict[str, ModelPool]
    config_maps: dict[str, ConfigMap]
    kept: dict[str, str]
    errors: tuple[ManifestError, ...]


def merge_contents(files: Mapping[str, Contents]) -> Merged:
    """Add up all files. An object that stands in two of them counts in the first by path."""
    policies: dict[str, RoutingPolicy] = {}
    pools: dict[str, ModelPool] = {}
    config_maps: dict[str, ConfigMap] = {}
    owners: dict[str, str] = {}
    errors: list[ManifestError] = []
    for path, contents in sorted(files.items()):
        errors.extend(contents.errors)
        for made in contents.objects:
            key = key_of(made)
            owner = owners.setdefault(key, path)
            name = f"{made.metadata.namespace}/{made.metadata.name}"
            if owner != path:
                message = f"stands in {owner}, too, and counts there: remove one of the two"
                errors.append(ManifestError(source=path, name=key, message=message))
            elif isinstance(made, RoutingPolicy):
                policies[name] = made
            elif isinstance(made, ModelPool):
                pools[name] = made
            else:
                config_maps[name] = made
    kept = {key: path for key, path in owners.items() if key in files[path].kept}
    return Merged(policies, pools, config_maps, kept, tuple(errors))


def _with_kept(
    path: str,
    objects: list[Manifest],
    errors: list[ManifestError],
    kept: list[Manifest],
    fingerprint: bytes,
) -> Contents:
    keys = [key_of(made) for made in kept]
    if keys:
        listed = ", ".join(keys[:_SHOWN]) + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
        message = f"what it held before stays until it is mended or deleted: {listed}"
        errors = [*errors, ManifestError(source=path, message=message, severity="Warning")]
    return Contents((*objects, *kept), tuple(errors), frozenset(keys), fingerprint)
