"""How what we write is named and told apart from what others write."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import msgspec

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
OPERATOR: Final = "forebay-operator"
INSTALLATION: Final = "forebay.dev/installation"
POLICY: Final = "forebay.dev/policy"
ROUTE: Final = "forebay.dev/route"
"""On our HTTPRoutes: for which policy beside which route they are."""
BESIDE: Final = "forebay.dev/beside"
"""On our HTTPRoutes: beside which route they are, whosever they are."""
SHOWN: Final = "forebay.dev/shown-for"
"""On our HTTPRoutes: for which policy requests that begin there are shown to data planes."""
CONTENT: Final = "forebay.dev/content"
PREFIX: Final = "forebay"
LONGEST: Final = 63
"""Some kinds' names end in labels."""


def installation(namespace: str, name: str) -> str:
    """Label value of one operator's objects: two in a cluster leave each other's alone."""
    return digest([f"{namespace}/{name}"], 12)


def digest(parts: Iterable[str], length: int = 8) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:length]


def generated_name(stem: str, *identity: str) -> str:
    """``forebay-STEM-HASH``: STEM for people, HASH of `identity` so that no two objects share a name."""
    room = LONGEST - len(PREFIX) - 10
    return f"{PREFIX}-{stem[:room].rstrip('-.')}-{digest(identity)}"


def family(stem: str, *identity: str) -> str:
    """``forebay-STEM-HASH``, with which the names of several objects of one identity begin."""
    room = LONGEST - len(PREFIX) - 19
    return f"{PREFIX}-{stem[:room].rstrip('-.')}-{digest(identity)}"


def member(family: str, *part: str) -> str:
    """The name of one of them."""
    return f"{family}-{digest(part)}"


def content_hash(value: Any) -> str:
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:16]
