"""What every contract struct has in common: strictness, camelCase names, and rules that the API server checks."""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

import msgspec


class Each(NamedTuple):
    """A rule's condition taken apart, so that a reader of manifests can say *which* item breaks it.

    ``holds`` is CEL over ``self`` and ``variable``, an item of ``self.<items>``; ``at`` is the item's field to blame.
    """

    items: str
    variable: str
    holds: str
    at: str


class Unique(NamedTuple):
    """That no two items of ``self.<items>`` have the same ``key``; in CEL that takes time quadratic in the items."""

    items: str
    key: str


class CelRule(NamedTuple):
    """A cross-field rule that the CRD carries, so that ``kubectl apply`` refuses what breaks it.

    ``rule`` is Kubernetes CEL over ``self`` with its defaults filled in; ``message`` is a sentence that says what to
    do; ``field_path`` names the field to blame where that is not the whole object (``.default.use``). ``parts`` says
    the same as ``rule`` where a reader of manifests can check it closer than the whole. ``among`` is the list whose
    names the field to blame has to be one of: a reader says which is near.
    """

    rule: str
    message: str
    field_path: str = ""
    parts: Each | Unique | None = None
    among: str = ""


def for_each(items: str, variable: str, holds: str, message: str, *, at: str = "", among: str = "") -> CelRule:
    """The rule that ``holds`` is true of every item of the list ``self.<items>``, which must have a default."""
    parts = Each(items, variable, holds, at)
    return CelRule(f"self.{items}.all({variable}, {holds})", message, f".{items}", parts, among)


def unique(items: str, key: str, message: str) -> CelRule:
    """The rule that no two items of the list ``self.<items>``, which must have a default, have the same ``key``."""
    rule = f"self.{items}.all(a, self.{items}.exists_one(b, b.{key} == a.{key}))"
    return CelRule(rule, message, f".{items}", Unique(items, key))


def positive(field: str) -> CelRule:
    """The rule that a Duration is longer than nothing, without which Envoy refuses it or never waits."""
    return CelRule(f"duration(self.{field}) > duration('0s')", f"{field} must be longer than 0s", f".{field}")


class Strict(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A shape that people write: unknown fields are refused, so that a typo is never a silent default."""

    cel_rules: ClassVar[tuple[CelRule, ...]] = ()
    implied: ClassVar[frozenset[str]] = frozenset()
    """Fields whose default an API server does not write into objects, so that rules see what was written."""


class Tolerant(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A shape that planes exchange: unknown fields are ignored, so that neighbouring versions work together."""


class ObjectMeta(Tolerant, frozen=True):
    """The part of Kubernetes' ObjectMeta that Forebay reads; the API server owns the rest."""

    name: str
    namespace: str = "default"
    generation: int = 1
    creation_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    uid: str | None = None
    resource_version: str | None = None


GROUP: Final = "forebay.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
