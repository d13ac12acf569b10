"""Which hostnames and paths a policy's targets come to."""

from __future__ import annotations

import pytest

from forebay_decision.attachment import spec_attachments
from forebay_operator.gateway.hostnames import shared_hostnames
from forebay_operator.gateway.paths import base_of, prefix_and_base
from forebay_operator.gateway.placing import place

from .builders import a_gateway, a_policy, a_route, a_rule, attached, facts, route_target


@pytest.mark.parametrize(
    ("listener", "route", "both"),
    [
        (None, [], ("*",)),
        (None, ["a.example.com"], ("a.example.com",)),
        ("*.example.com", [], ("*.example.com",)),
        ("*.example.com", ["a.example.com", "b.example.org"], ("a.example.com",)),
        ("a.example.com", ["*.example.com"], ("a.example.com",)),
        ("a.example.com", ["b.example.com"], ()),
        ("*.example.com", ["example.com"], ()),
        ("*.b.example.com", ["*.example.com"], ("*.b.example.com",)),
    ],
)
def test_hostnames_of_listener_and_route_meet_where_both_have_them(
    listener: str | None, route: list[str], both: tuple[str, ...]
) -> None:
    assert shared_hostnames(listener, route) == both


@pytest.mark.parametrize(
    ("prefix", "base"),
    [
        ("", ""),
        ("/v1", ""),
        ("/v1/chat", ""),
        ("/v1/chat/completions", ""),
        ("/v1/models/some/model", ""),
        ("/team", "/team"),
        ("/team/v1", "/team"),
        ("/a/b/v1/embeddings", "/a/b"),
        ("/v1/v1", "/v1"),
        ("/v2", "/v2"),
    ],
)
def test_what_stands_before_the_api_is_taken_off(prefix: str, base: str) -> None:
    assert base_of(prefix) == base


def test_a_regular_expression_counts_as_every_path() -> None:
    assert prefix_and_base({"path": {"type": "RegularExpression", "value": "/v[12]/.*"}}) == ("", "")


def test_two_routes_of_one_host_are_told_apart_by_their_paths() -> None:
    routes = (a_route("chat", a_rule("/v1/chat")), a_route("embed", a_rule("/v1/embeddings")))
    policies = {f"ai/{n}": a_policy(n, route_target(n)) for n in ("chat", "embed")}
    found = attached(facts(a_gateway(), *routes), *policies.values())

    ordered = spec_attachments({n: p.spec for n, p in place(policies, found).items()})

    assert {(a.prefix, a.base, a.policy) for a in ordered} == {
        ("/v1/chat", "", "ai/chat"),
        ("/v1/embeddings", "", "ai/embed"),
    }


def test_without_a_cluster_a_policy_with_targets_is_asked_nowhere() -> None:
    policies = {"ai/p": a_policy("p", route_target())}

    assert spec_attachments({n: p.spec for n, p in place(policies, None).items()}) == ()
