"""Pools' credentials, read where forebay.yaml says they are: a file or an environment variable.

Sources are read at every call, because files rotate: whoever reconciles on a timer and finds the same result (values
compare equal) has nothing to do. Values never stand in a finding, a log line or a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.local import LocalConfig, SecretSource
from forebay_api.pool import PoolSpec, SecretKey
from forebay_decision.check import Finding
from forebay_operator.source.file import Unreadable, read_bounded

MAX_SECRET_BYTES: Final = 64 << 10
"""A header longer than this is refused on the way anyway."""
PATH: Final = "spec.credentials[0].secretRef"
"""The field to blame where a credential is missing."""


class SecretText:
    """A credential. Shows itself to nobody but whoever asks by `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the one place that sends it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "SecretText(hidden)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not copied out of its process")


class Credentials(msgspec.Struct, frozen=True):
    """Pool ``namespace/name`` -> its credential, or why it has none. A pool that asks for none is in neither."""

    values: Mapping[str, SecretText]
    findings: Mapping[str, tuple[Finding, ...]]

    def reveal(self) -> dict[str, str]:
        """The values as text, for assembling what goes out by SDS."""
        return {pool: value.reveal() for pool, value in self.values.items()}


class _Missing(Exception):
    """No usable value; the message says why and what to do, and holds nothing of the value."""


def resolve_credentials(
    pools: Mapping[str, PoolSpec], local: LocalConfig, *, base: Path, environ: Mapping[str, str]
) -> Credentials:
    """Read every pool's credential. Relative file names start at `base`, the directory of forebay.yaml."""
    values: dict[str, SecretText] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    for pool, spec in pools.items():
        for credential in spec.credentials[:1]:
            try:
                values[pool] = _resolve(credential.secret_ref, local, base, environ)
            except _Missing as missing:
                findings[pool] = (Finding(PATH, str(missing), reason="SecretNotFound"),)
    return Credentials(values, findings)


def _resolve(ref: SecretKey, local: LocalConfig, base: Path, environ: Mapping[str, str]) -> SecretText:
    place = f"secrets.{ref.name}.{ref.key}"
    source = local.secrets.get(ref.name, {}).get(ref.key)
    if source is None:
        raise _Missing(f"Secret {ref.name!r} has no key {ref.key!r} here: map it in forebay.yaml: {place}.{{file|env}}")
    found = usable(*_read(source, place, base, environ))
    if isinstance(found, str):
        raise _Missing(found)
    return found


def usable(text: str | None, told: str) -> SecretText | str:
    """The text as a credential, or a sentence that says why it is none; `told` names its source, None is no ASCII."""
    value = None if text is None else text.rstrip("\r\n")
    if value == "":
        return f"{told} is empty"
    if value is None or not value.isascii() or not value.isprintable():
        return f"{told} holds a line break or a character that no HTTP header takes: store the bare token"
    return SecretText(value)


def _read(source: SecretSource, place: str, base: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """The text, and how to name its source to a person."""
    if source.env is not None:
        if source.env not in environ:
            raise _Missing(f"{place}.env: the environment variable {source.env} is not set")
        return environ[source.env], f"{place}.env: the environment variable {source.env}"
    told = f"{place}.file: {source.file}"
    try:
        data = read_bounded((base / (source.file or "")).expanduser(), MAX_SECRET_BYTES)
    except FileNotFoundError:
        raise _Missing(f"{told}: there is no such file") from None
    except Unreadable as error:
        raise _Missing(f"{told} {error}") from None
    # Whatever is not ASCII is refused by the caller; the replacement keeps the value itself out of any error.
    return data.decode("ascii", errors="replace"), told
