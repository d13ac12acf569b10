"""Attachment: the most specific host and prefix choose the policy, and nothing of the body does."""

from __future__ import annotations

import pytest
from builders import a_policy, a_pool

from forebay_decision.compile import compile_config

POOLS = {"default/small": a_pool()}


def config(**attach: dict[str, object]) -> object:
    policies = {f"default/{name}": a_policy(**fields) for name, fields in attach.items()}
    compiled, errors = compile_config(policies, POOLS, revision="r", encoders=lambda _kind: None)
    assert errors == {}
    return compiled


def at(path: str = "/", *hosts: str, **fields: object) -> dict[str, object]:
    return {"attach": {"hostnames": list(hosts) or ["*"], "pathPrefix": path}, **fields}


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("x", "/v1/models", "root"),
        ("x", "/batch/v1/models", "batch"),
        ("x", "/batches/v1", "root"),
        ("x", "/batch", "batch"),
        ("a.example.com", "/v1", "wild"),
        ("example.com", "/v1", "root"),
        ("api.example.com", "/v1", "exact"),
        ("api.example.com", "/batch/v1", "exact"),
        ("deep.api.example.com", "/v1", "wild"),
    ],
)
def test_the_most_specific_attachment_wins(host: str, path: str, name: str) -> None:
    compiled = config(
        root=at(), batch=at("/batch"), wild=at("/", "*.example.com"), exact=at("/", "api.example.com", "other.com")
    )
    assert compiled.match(host, path).policy.name == f"default/{name}"


def test_a_host_falls_through_to_a_less_specific_one_where_its_own_prefix_does_not_hold() -> None:
    compiled = config(root=at(), admin=at("/admin", "api.example.com"))
    assert compiled.match("api.example.com", "/v1/models").policy.name == "default/root"


def test_shadows_come_with_the_same_attachment_and_never_answer() -> None:
    compiled = config(root=at(), beside=at(mode="Shadow"), elsewhere=at("/x", mode="Shadow"))
    match = compiled.match("h", "/v1/models")
    assert match.policy.name == "default/root"
    assert [shadow.name for shadow in match.shadows] == ["default/beside"]
    assert config(beside=at(mode="Shadow")).match("h", "/").policy is None


def test_a_policy_that_does_not_compile_fails_alone() -> None:
    policies = {
        "default/good": a_policy(),
        "default/bad": a_policy(rules=[{"name": "r", "when": "nope", "use": "all"}]),
    }
    compiled, errors = compile_config(policies, POOLS, revision="r", encoders=lambda _kind: None)
    assert list(compiled.policies) == ["default/good"]
    assert errors["default/bad"].path == "spec.rules[0].when"
