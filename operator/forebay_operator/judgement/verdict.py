"""What the checks say of each object: the conditions that hold of it, and what of it goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.reasons import ConditionType, Reason
from forebay_decision.check import Finding

ConditionStatus = Literal["True", "False", "Unknown"]


class Statement(msgspec.Struct, frozen=True):
    """A condition before it has a time."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str = ""


class PolicyVerdict(msgspec.Struct, frozen=True):
    """`spec` is what goes out: the newest version, the last good one (`is_last_good`), or None.

    `findings` are those of the newest version, warnings included.
    """

    name: str
    generation: int
    accepted: Statement
    resolved: Statement
    spec: PolicySpec | None
    is_last_good: bool = False
    findings: tuple[Finding, ...] = ()


class PoolVerdict(msgspec.Struct, frozen=True):
    """`spec` goes out as it stands, unless `withheld`; `is_last_good` where the newest text could not be read."""

    name: str
    generation: int
    accepted: Statement
    resolved: Statement
    spec: PoolSpec
    is_last_good: bool = False
    findings: tuple[Finding, ...] = ()
    withheld: bool = False


class Verdicts(msgspec.Struct, frozen=True):
    """All objects, judged together. `detained` are pools that are deleted and still in use: they go out, too."""

    policies: Mapping[str, PolicyVerdict] = {}
    pools: Mapping[str, PoolVerdict] = {}
    detained: Mapping[str, PoolSpec] = {}

    def accepted_policies(self) -> dict[str, PolicySpec]:
        """What to publish, by ``namespace/name``: Enforce and Shadow policies."""
        return {name: verdict.spec for name, verdict in self.policies.items() if verdict.spec is not None}

    def accepted_pools(self) -> dict[str, PoolSpec]:
        """What to publish, by ``namespace/name``."""
        there = {name: verdict.spec for name, verdict in self.pools.items() if not verdict.withheld}
        return there | dict(self.detained)


NOTHING_JUDGED = Verdicts()
