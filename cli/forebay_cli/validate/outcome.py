"""What `forebay validate` has found, as every format prints it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding. `severity` is Error, Warning or, where nothing is to be done, Note. `object` is ``Kind
    namespace/name``; `path` is the manifest path inside it; `source` is the file as the caller named it; `reason` is
    that of the condition, empty for what never gets as far as one."""

    severity: str
    message: str
    object: str = ""
    path: str = ""
    source: str = ""
    line: int | None = None
    reason: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What was found; `ok` where nothing is an Error. `native` says per policy and model what Envoy decides alone."""

    ok: bool
    findings: tuple[Line, ...]
    policies: tuple[str, ...]
    pools: tuple[str, ...]
    native: dict[str, dict[str, str]]


class Loaded(msgspec.Struct, frozen=True):
    """Manifests as the operator accepts them."""

    outcome: Outcome
    policies: Mapping[str, PolicySpec]
    pools: Mapping[str, PoolSpec]
