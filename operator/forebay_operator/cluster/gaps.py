"""Fields of status that the API server's definitions do not know: the CRDs are older than this operator.

The API server refuses a status with such a field as a whole, so what it has named is left out and the rest is told. Now
and then everything is tried again, because the definitions may have been applied meanwhile.

Source: server-side apply (structured-merge-diff), which names one field an attempt.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from forebay_api.status import PolicyStatus, PoolStatus
from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.kinds import Resource

TRY_SECONDS: Final = 60.0
"""After how long what was left out is tried again."""
_NAMED: Final = re.compile(r"\.status\.([A-Za-z0-9]+)[^:]*: field not declared in schema")
_NEEDED: Final = frozenset({"observed_generation", "conditions"})
"""Without these a status says nothing."""
_LOG = logging.getLogger(__name__)
Status = PolicyStatus | PoolStatus


class Gaps:
    """By kind. Times are monotonic seconds, passed in."""

    def __init__(self) -> None:
        self._missing: dict[str, frozenset[str]] = {}
        self._since = 0.0
        self._told: set[tuple[str, str]] = set()

    @property
    def missing(self) -> Mapping[str, frozenset[str]]:
        """Kind -> fields that are left out now, by their names in Python."""
        return self._missing

    def learn(self, resource: Resource, status: Status, error: ApiError, now: float) -> bool:
        """Whether a write was refused for a field that can be left out from now on."""
        found = _NAMED.search(str(error))
        fields = {field.encode_name: field.name for field in msgspec.structs.fields(status)}
        name = fields.get(found[1]) if found else None
        known = self._missing.get(resource.kind, frozenset())
        if found is None or name is None or name in known | _NEEDED:
            return False
        if not self._missing:
            self._since = now
        self._missing[resource.kind] = known | {name}
        if (resource.kind, name) not in self._told:
            self._told.add((resource.kind, name))
            _LOG.warning(
                "the definition of %s at the API server is older than this operator and lacks status.%s, which is left "
                "out: apply the CRDs of this version (chart forebay-crds)",
                *(resource.kind, found[1]),
            )
        return True

    def within(self, resource: Resource, status: Status) -> Status:
        """The status without what is left out of its kind."""
        left_out = self._missing.get(resource.kind)
        if not left_out:
            return status
        bare = type(status)()
        return msgspec.structs.replace(status, **{name: getattr(bare, name) for name in left_out})

    def expire(self, now: float) -> None:
        """Try everything again once it is time."""
        if self._missing and now - self._since >= TRY_SECONDS:
            self._missing.clear()
