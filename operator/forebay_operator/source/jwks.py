"""Key sets of JWT providers: read where forebay.yaml says they are, and looked at before Envoy is.

While a set cannot be had the one of before counts, and without one no key at all: tokens are then refused, never
believed. Envoy would say so in its log alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from forebay_api.local import MAX_JWKS, Jwks, JwtProvider, Listener, LocalConfig
from forebay_api.manifest import ManifestError
from forebay_operator.envoy.token import NO_KEYS
from forebay_operator.source.file import Unreadable, read_bounded

ASYMMETRIC: Final = ("RSA", "EC", "OKP")
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members that only whoever signs may know (RFC 7518, 6)."""


class _Unusable(Exception):
    """The message follows the field's name, says what to do, and holds nothing of a key."""

    severity: Literal["Error", "Warning"] = "Error"


class _Absent(_Unusable):
    """Another machine may have it: who checks manifests need not be where they run."""

    severity: Literal["Error", "Warning"] = "Warning"


def with_keys(
    local: LocalConfig, source: str, *, base: Path, before: LocalConfig
) -> tuple[LocalConfig, tuple[ManifestError, ...]]:
    """The configuration with every key set in its text, and what is wrong with those that cannot be had.

    `source` is the file that `local` was read from. Relative file names start at `base`; `before` is what this returned the last time. Never raises.
    """
    if all(listener.jwt is None for listener in local.listeners):
        return local, ()
    former = {(provider.name, provider.jwks.file): provider.jwks for provider in _providers(before)}
    faults: list[ManifestError] = []

    def resolved(provider: JwtProvider, place: str) -> JwtProvider:
        try:
            jwks = Jwks(inline=_checked(_text(provider.jwks, base)), file=provider.jwks.file)
        except _Unusable as fault:
            path = f"{place}.jwks.{'inline' if provider.jwks.file is None else 'file'}"
            faults.append(ManifestError(source=source, path=path, message=str(fault), severity=fault.severity))
            known = former.get((provider.name, provider.jwks.file)) if provider.jwks.file else None
            jwks = Jwks(inline=NO_KEYS, file=provider.jwks.file) if known is None else known
        return msgspec.structs.replace(provider, jwks=jwks)

    listeners = [_listener(listener, f"listeners[{at}].jwt", resolved) for at, listener in enumerate(local.listeners)]
    return msgspec.structs.replace(local, listeners=listeners), tuple(faults)


def _listener(listener: Listener, place: str, resolved: Any) -> Listener:
    if listener.jwt is None:
        return listener
    providers = [
        resolved(provider, f"{place}.providers[{index}]") for index, provider in enumerate(listener.jwt.providers)
    ]
    return msgspec.structs.replace(listener, jwt=msgspec.structs.replace(listener.jwt, providers=providers))


def _providers(local: LocalConfig) -> Iterator[JwtProvider]:
    for listener in local.listeners:
        if listener.jwt is not None:
            yield from listener.jwt.providers


def _text(jwks: Jwks, base: Path) -> bytes:
    if jwks.file is None:
        return (jwks.inline or "").encode()
    try:
        return read_bounded((base / jwks.file).expanduser(), MAX_JWKS)
    except FileNotFoundError:
        raise _Absent(f"{jwks.file}: there is no such file") from None
    except Unreadable as error:
        raise _Unusable(f"{jwks.file} {error}") from None


def _checked(text: bytes) -> str:
    """The key set as it came. Raises _Unusable for what Envoy would not take, and for keys that are not to be shared."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _Unusable('is no JSON: expected a key set such as {"keys": [...]}') from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise _Unusable('is no key set: expected an object with one key at least, such as {"keys": [{"kty": ...}]}')
    for index, key in enumerate(keys):
        if key.get("kty") not in ASYMMETRIC:
            raise _Unusable(f"keys[{index}].kty must be RSA, EC or OKP: whoever knows a symmetric key can make tokens")
        if PRIVATE & key.keys():
            raise _Unusable(f"keys[{index}] is a private key: publish its public half")
    return text.decode()
