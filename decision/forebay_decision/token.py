"""What verified tokens claim, as plain values, and how a policy names one of them.

Envoy verifies a token and puts its payload where no client can; the data plane hands on what is small and flat enough
to be looked at. Nothing here checks a signature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from forebay_api.policy import IdentitySource
from forebay_api.signal import TokenClaim

Verified: TypeAlias = Mapping[str, Mapping[str, object] | None]
"""Provider -> the claims of the token that it vouches for: JSON values, or None where they were too much to be read."""
NO_TOKEN: Final[Verified] = {}
LISTED: Final = frozenset({"scope", "scp"})
"""Claims whose text is a list split at spaces (RFC 8693, 4.2; RFC 9068, 2.2.3)."""
EXACT: Final = 2**53
"""Whole numbers beyond this are not told apart: Envoy hands every number on as a double."""
_MISSING: Final = object()


class Claimed(msgspec.Struct, frozen=True):
    """What a claim says, as texts; or why that cannot be told."""

    texts: tuple[str, ...] = ()
    unknown: str = ""


def claimed(verified: Verified, wanted: TokenClaim) -> Claimed:
    """The claim of whoever's token was verified, never raising. A token without it claims nothing."""
    held = [verified[name] for name in sorted(verified) if wanted.provider in (None, name)]
    if not held:
        return Claimed(unknown="no verified token")
    for claims in held:
        if claims is None:
            return Claimed(unknown="the token's claims are too large or too deep")
        value = _find(claims, wanted.claim)
        if value is not _MISSING:
            return _read(value, wanted.claim.rpartition(".")[2] in LISTED)
    return Claimed()


def identity(source: IdentitySource | None, headers: Mapping[str, str], verified: Verified) -> str:
    """Who is asking, by the source that a policy trusts; empty where it does not say, or says several."""
    if source is None:
        return ""
    if source.jwt is None:
        return headers.get(source.header or "", "")
    texts = claimed(verified, source.jwt).texts
    return texts[0] if len(texts) == 1 else ""


def _find(claims: Mapping[str, object], name: str) -> object:
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return _MISSING
        found = found[part]
    return found


def _read(value: object, listed: bool) -> Claimed:
    if isinstance(value, str) and listed:
        return Claimed(tuple(value.split()))
    members = tuple(_texts(value if isinstance(value, list | tuple) else [value]))
    if None in members:
        return Claimed(unknown="the claim is neither a text, a number, a boolean nor a list of them")
    return Claimed(tuple(text for text in members if text is not None))


def _texts(values: list[object] | tuple[object, ...]) -> Iterator[str | None]:
    """As JSON writes them; null says nothing, and None stands for what no text can stand for."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, int | float):
            yield _number(value)
        elif value is not None:
            yield None


def _number(value: float) -> str | None:
    if not -EXACT <= value <= EXACT:  # NaN, too
        return None
    return str(int(value)) if value == int(value) else repr(value)
