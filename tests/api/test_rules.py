"""CEL rules as an API server has them, and the closer look at lists, say the same."""

from __future__ import annotations

from typing import Any

import pytest

from forebay_api.admission.fault import Fault
from forebay_api.admission.rules import RuleError, check_rules, holds
from forebay_api.base import CelRule, for_each, unique
from forebay_api.schema.shape import Shape

LISTS = [[], [1], [1, 2], [2, 1, 2], [3, 3, 3], [0]]
UNIQUE = unique("items", "n", "no two alike")
POSITIVE = for_each("items", "i", "i.n > 0", "above 0", at="n")


def faults(rule: CelRule, value: dict[str, Any]) -> list[Fault]:
    return list(check_rules(value, Shape(type="object", rules=(rule,)), frozenset()))


@pytest.mark.parametrize("numbers", LISTS, ids=str)
@pytest.mark.parametrize("rule", [UNIQUE, POSITIVE], ids=["unique", "each"])
def test_the_parts_of_a_rule_break_exactly_when_the_whole_does(rule: CelRule, numbers: list[int]) -> None:
    value = {"items": [{"n": number} for number in numbers]}

    assert (faults(rule, value) == []) == holds(rule.rule, {"self": value})


def test_the_parts_say_which_items_are_to_blame() -> None:
    value = {"items": [{"n": number} for number in [0, 5, 0, -1]]}

    assert [fault.path for fault in faults(POSITIVE, value)] == [
        ("items", 0, "n"),
        ("items", 2, "n"),
        ("items", 3, "n"),
    ]
    assert [fault.path for fault in faults(UNIQUE, value)] == [("items", 2, "n")]


def test_a_rule_blames_the_field_that_it_names() -> None:
    rule = CelRule("self.a.b", "set b", ".a.b")

    assert faults(rule, {"a": {"b": False}}) == [Fault(("a", "b"), "set b")]


def test_an_object_that_a_rule_cannot_be_checked_on_is_refused() -> None:
    (fault,) = faults(CelRule("self.missing > 1", "say more"), {})

    assert fault.path == ()
    assert "could not be checked" in fault.message
    assert "say more" in fault.message


@pytest.mark.parametrize("rule", ["self.missing", "1 + 1", "self ++", "unknown_name"])
def test_what_is_no_truth_value_is_an_error_and_not_false(rule: str) -> None:
    with pytest.raises(RuleError):
        holds(rule, {"self": {}})


def test_objects_with_faults_of_their_own_are_left_alone() -> None:
    shape = Shape(type="object", rules=(CelRule("false", "never"),))
    both = Shape(type="object", properties={"good": shape, "bad": shape})

    found = check_rules({"good": {}, "bad": {}}, both, frozenset({(), ("bad",)}))

    assert [fault.path for fault in found] == [("good",)]
