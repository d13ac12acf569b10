"""Checks: each finding has a path into the manifest and a sentence that says what to mend."""

from __future__ import annotations

from typing import Any

import pytest
from builders import a_model, a_policy, a_pool, direct

from forebay_decision.check import check_policy

POOLS = {
    "default/small": a_pool(a_model("qwen", quality={"default": 0.5})),
    "default/big": a_pool(a_model("gpt", quality={"default": 0.9}), placement={"boundary": "Public"}),
}


def findings(**fields: Any) -> list[tuple[str, str]]:
    return [(f.path, f.message) for f in check_policy("default/p", a_policy(**fields), POOLS)]


def test_a_sound_policy_has_no_findings() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"strategies": [direct("smal")]}, "spec.strategies[0].direct.pools[0].name", "did you mean 'small'?"),
        ({"default": {"use": "al"}}, "spec.default.use", "there is no strategy 'al'; did you mean 'all'?"),
        ({"rules": [{"name": "r", "when": "true", "use": "every"}]}, "spec.rules[0].use", "there is no strategy 'every'"),
        ({"rules": [{"name": "r", "when": "request.modl == ''", "use": "all"}]}, "spec.rules[0].when", "1:8: undeclared"),
        ({"signals": [{"name": "r", "regex": {"pattern": "(a"}}]}, "spec.signals[0].regex.pattern", "missing )"),
        *(
            (
                {"signals": [{"name": "r", "regex": {"pattern": pattern}}]},
                "spec.signals[0].regex.pattern",
                "RE2 knows no looking around and no back references",
            )
            for pattern in ("(?=a)b", "(?<!a)b", r"(a)\1")
        ),
        (
            {"rules": [{"name": "r", "when": "request.stream || request.text.matches('([')", "use": "all"}]},
            "spec.rules[0].when",
            "1:40: matches wants a pattern of RE2: missing ]: [",
        ),
        (
            {"signals": [{"name": "k", "keyword": {"any": ["asap", " \t"]}}]},
            "spec.signals[0].keyword.any[1]",
            "white space alone stands in nearly every text",
        ),
        (
            {"rules": [{"name": "r", "when": "request.headers['X-Plan'] == 'a'", "use": "all"}]},
            "spec.rules[0].when",
            "1:17: header names are lower-case in request.headers: write 'x-plan'",
        ),
        (
            {
                "signals": [{"name": "s", "structure": {}}],
                "rules": [{"name": "r", "when": "signals.s.matched", "use": "all"}],
            },
            "spec.rules[0].when",
            "; signals.s has unknown, tokens, messages",
        ),
        (
            {"rules": [{"name": "r", "when": "request.stream && request.turns", "use": "all"}]},
            "spec.rules[0].when",
            "it takes booleans: compare a number, as in `x > 0`",
        ),
        (
            {"rules": [{"name": "r", "when": "(" * 40 + "true" + ")" * 40, "use": "all"}]},
            "spec.rules[0].when",
            "nested too deeply: take parentheses away",
        ),
        (
            {"signals": [{"name": "a", "regex": {"pattern": "a"}}, {"name": "a", "regex": {"pattern": "b"}}]},
            "spec.signals[1].name",
            "also the name of spec.signals[0]",
        ),
        ({"failOpen": {"pool": "small", "model": "qwn"}}, "spec.failOpen.model", "did you mean 'qwen'?"),
        (
            {
                "failOpen": {"pool": "small", "model": "qwen"},
                "rules": [{"name": "r", "when": "false", "reject": {"message": "no"}}],
            },
            "spec.failOpen",
            "past the reject rules",
        ),
        (
            {
                "failOpen": {"pool": "big", "model": "gpt"},
                "rules": [{"name": "r", "when": "false", "constrain": {"boundary": "Private"}}],
            },
            "spec.failOpen.pool",
            "does not satisfy all constrain rules",
        ),
        (
            {
                "strategies": [
                    {
                        "name": "all",
                        "direct": {
                            "pools": [{"name": "small", "weight": 1}, {"name": "big"}],
                            "select": {"algorithm": "Weighted"},
                        },
                    }
                ]
            },
            "spec.strategies[0].direct.pools[1].weight",
            "needs a weight on every pool",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_path(fields: dict[str, Any], path: str, message: str) -> None:
    assert [found for found in findings(**fields) if found[0] == path and message in found[1]], findings(**fields)


def test_round_robin_over_quality_tiers_is_a_warning_only() -> None:
    spec = a_policy(strategies=[direct("small", "big", select={"algorithm": "RoundRobin"})])
    (finding,) = check_policy("default/p", spec, POOLS)
    assert (finding.severity, finding.path) == ("Warning", "spec.strategies[0].direct.select.algorithm")
    assert "0.5, 0.9" in finding.message


@pytest.mark.parametrize(
    ("constrain", "why"),
    [({"boundary": "Edge"}, "is beyond Edge"), ({"regions": ["mars"]}, "region unknown is not among mars")],
)
def test_a_constraint_that_no_pool_meets_is_a_warning_with_the_reason(constrain: dict[str, Any], why: str) -> None:
    rules = [{"name": "r", "when": "request.stream", "constrain": constrain}]
    (found,) = check_policy("default/p", a_policy(rules=rules), POOLS)
    assert (found.path, found.severity) == ("spec.rules[0].constrain", "Warning")
    assert why in found.message
    assert "403 no_pool_allowed" in found.message


def test_a_constraint_that_one_pool_meets_is_none() -> None:
    rules = [{"name": "r", "when": "request.stream", "constrain": {"boundary": "Public"}}]
    assert findings(rules=rules) == []
