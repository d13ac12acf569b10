"""What every contract struct has in common: strictness, camelCase names, and rules that the API server checks."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import msgspec


class CelRule(NamedTuple):
    """A cross-field rule that the CRD carries, so that ``kubectl apply`` refuses what breaks it.

    ``rule`` is Kubernetes CEL over ``self``; ``message`` is a sentence that says what to do.
    """

    rule: str
    message: str


class Strict(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A shape that people write: unknown fields are refused, so that a typo is never a silent default."""

    cel_rules: ClassVar[tuple[CelRule, ...]] = ()


class Tolerant(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A shape that planes exchange: unknown fields are ignored, so that neighbouring versions work together."""


class ObjectMeta(Tolerant):
    """The part of Kubernetes' ObjectMeta that Forebay reads; the API server owns the rest."""

    name: str
    namespace: str = "default"
    generation: int = 1
    creation_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    uid: str | None = None
    resource_version: str | None = None


GROUP = "forebay.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
