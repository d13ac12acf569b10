"""Remembered checks: the same answers, without asking twice."""

from __future__ import annotations

from typing import Any

import pytest

from forebay_decision.check import Finding
from forebay_operator.judgement.check_memory import CheckMemory
from forebay_operator.judgement.checks import judge

Build = Any


class Counting:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, name: str, *_: object) -> tuple[Finding, ...]:
        self.asked.append(name)
        return (Finding(f"{len(self.asked)}", "asked"),)


@pytest.fixture
def counting() -> Counting:
    return Counting()


def test_the_same_policy_over_the_same_pools_is_checked_once(build: Build, counting: Counting) -> None:
    memory = CheckMemory(counting)
    answers = {memory("ai/p", build.policy().spec, {"ai/small": build.pool().spec}) for _ in range(3)}
    assert len(answers) == len(counting.asked) == 1


def test_a_changed_policy_or_a_changed_pool_is_checked_again(build: Build, counting: Counting) -> None:
    memory, pools = CheckMemory(counting), {"ai/small": build.pool().spec}
    memory("ai/p", build.policy().spec, pools)
    memory("ai/p", build.policy(models=["x"]).spec, pools)
    memory("ai/p", build.policy(models=["x"]).spec, {"ai/small": build.pool(models=[{"name": "n"}]).spec})
    memory("ai/p", build.policy(models=["x"]).spec, {})
    assert len(counting.asked) == 4


def test_a_pool_of_another_namespace_is_none_of_its_business(build: Build, counting: Counting) -> None:
    memory = CheckMemory(counting)
    memory("ai/p", build.policy().spec, {})
    memory("ai/p", build.policy().spec, {"other/small": build.pool().spec})
    assert len(counting.asked) == 1


def test_a_pool_that_the_policy_does_not_name_is_none_of_its_business(build: Build, counting: Counting) -> None:
    memory, small = CheckMemory(counting), build.pool().spec
    memory("ai/p", build.policy().spec, {"ai/small": small})
    memory("ai/p", build.policy().spec, {"ai/small": small, "ai/other": small})
    assert len(counting.asked) == 1


def test_where_a_named_pool_is_missing_the_pools_beside_it_count_because_the_finding_names_them(
    build: Build, counting: Counting
) -> None:
    memory, other = CheckMemory(counting), build.pool().spec
    memory("ai/p", build.policy().spec, {})
    memory("ai/p", build.policy().spec, {"ai/smaller": other})
    memory("ai/p", build.policy().spec, {"ai/smaller": build.pool(models=[{"name": "n"}]).spec})
    assert len(counting.asked) == 2


def test_the_pool_of_fail_open_is_one_that_the_policy_names(build: Build, counting: Counting) -> None:
    memory, spec = CheckMemory(counting), build.policy(failOpen={"pool": "spare", "model": "m"}).spec
    pools = {"ai/small": build.pool().spec, "ai/spare": build.pool().spec}
    memory("ai/p", spec, pools)
    memory("ai/p", spec, {**pools, "ai/spare": build.pool(models=[{"name": "n"}]).spec})
    assert len(counting.asked) == 2


def test_a_version_and_its_last_good_one_are_both_remembered(build: Build, counting: Counting) -> None:
    memory = CheckMemory(counting)
    for _ in range(3):
        for model in ("new", "old"):
            memory("ai/p", build.policy(models=[model]).spec, {})
    assert len(counting.asked) == 2


def test_it_forgets_the_policies_it_has_not_heard_of_longest(build: Build, counting: Counting) -> None:
    memory = CheckMemory(counting, policies=2)
    for name in ("ai/a", "ai/b", "ai/c", "ai/c", "ai/a"):
        memory(name, build.policy().spec, {})
    assert counting.asked == ["ai/a", "ai/b", "ai/c", "ai/a"]


def test_judging_with_it_says_the_same(build: Build) -> None:
    inputs = build.inputs(build.pool(), build.policy("a"), build.policy("b", default={"use": "x"}))
    memory = CheckMemory()
    first = judge(inputs, check=memory)
    assert first == judge(inputs)
    assert judge(inputs, first, check=memory) == judge(inputs, first)
