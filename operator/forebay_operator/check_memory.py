"""Remembers what checking has found: compiling a policy's rules takes milliseconds, and most policies are unchanged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.check import Finding, check_policy

PolicyCheck = Callable[[str, PolicySpec, Mapping[str, PoolSpec]], tuple[Finding, ...]]
_Question = tuple[PolicySpec, Mapping[str, PoolSpec]]
_VERSIONS: Final = 2
"""The newest version of a policy and its last good one are asked about in turn."""


class CheckMemory:
    """Answers like the check that it wraps, and asks it only about what is new. For one thread."""

    def __init__(self, check: PolicyCheck = check_policy, *, policies: int = 4096) -> None:
        self._check = check
        self._policies = policies
        self._known: OrderedDict[str, list[tuple[_Question, tuple[Finding, ...]]]] = OrderedDict()

    def __call__(self, name: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> tuple[Finding, ...]:
        namespace = name.partition("/")[0] + "/"
        question = (spec, {pool: pools[pool] for pool in pools if pool.startswith(namespace)})
        known = self._known.pop(name, [])
        # Equality looks at identity first, and unchanged files keep their objects, so this is quick.
        findings = next((answer for asked, answer in known if asked == question), None)
        if findings is None:
            findings = self._check(name, spec, pools)
            known = [(question, findings), *known][:_VERSIONS]
        self._known[name] = known
        while len(self._known) > self._policies:
            self._known.popitem(last=False)
        return findings
