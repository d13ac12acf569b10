"""Remembers what checking has found: compiling a policy's rules takes milliseconds, and most policies are unchanged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.check import Finding, check_policy
from forebay_decision.served import policy_pools, qualified
from forebay_operator.memory import recalled

PolicyCheck = Callable[[str, PolicySpec, Mapping[str, PoolSpec]], tuple[Finding, ...]]
_Question = tuple[PolicySpec, tuple[PoolSpec | None, ...], tuple[str, ...]]
_pools_of = recalled(policy_pools)
_VERSIONS: Final = 2
"""The newest version of a policy and its last good one are asked about in turn."""


class CheckMemory:
    """Answers like the check that it wraps, and asks it only about what is new. For one thread.

    What a policy is checked against are the pools that it names and, where one of them is not there, the names of all
    pools beside it, because the finding says which ones there are.
    """

    def __init__(self, check: PolicyCheck = check_policy, *, policies: int = 4096) -> None:
        self._check = check
        self._policies = policies
        self._known: OrderedDict[str, list[tuple[_Question, tuple[Finding, ...]]]] = OrderedDict()
        self._grouped: tuple[Mapping[str, PoolSpec], dict[str, tuple[str, ...]]] = ({}, {})

    def __call__(self, name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> tuple[Finding, ...]:
        question = self._question(name, spec, pools)
        known = self._known.pop(name, [])
        # Equality looks at identity first, and what is unchanged keeps its objects, so this is quick.
        findings = next((answer for asked, answer in known if asked == question), None)
        if findings is None:
            findings = self._check(name, spec, pools)
            known = [(question, findings), *known][:_VERSIONS]
        self._known[name] = known
        while len(self._known) > self._policies:
            self._known.popitem(last=False)
        return findings

    def _question(self, name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> _Question:
        asked = _pools_of(name, spec)
        if spec.fail_open is not None:
            asked = (*asked, qualified(name, spec.fail_open.pool))
        named = tuple(pools.get(pool) for pool in asked)
        return spec, named, self._beside(name, pools) if None in named else ()

    def _beside(self, name: str, pools: Mapping[str, PoolSpec]) -> tuple[str, ...]:
        """The names of all pools in the policy's namespace."""
        if self._grouped[0] is not pools:
            grouped: dict[str, list[str]] = {}
            for pool in pools:
                grouped.setdefault(pool.partition("/")[0], []).append(pool)
            self._grouped = pools, {namespace: tuple(sorted(members)) for namespace, members in grouped.items()}
        return self._grouped[1].get(name.partition("/")[0], ())
