"""Sentences of GEP-713 (Metaresources and Policy Attachment), each with what it says of RoutingPolicy.

Where a sentence is not kept the test is not here, and docs/design/0005-gateway-api.md says so.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from forebay_api.policy import TargetRef
from forebay_api.schema.definition import definition
from forebay_api.schema.kinds import KINDS
from forebay_api.status import AncestorRef, AncestorStatus, Condition, PolicyStatus
from forebay_operator.gateway.objects import Listener
from forebay_operator.gateway.told import GatewayTold
from forebay_operator.status import policy_status
from forebay_operator.verdict import PolicyVerdict, Statement

from .builders import (
    a_gateway,
    a_grant,
    a_policy,
    a_route,
    a_rule,
    attached,
    facts,
    gateway_target,
    reasons,
    route_target,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FINE = Statement("Accepted", "True", "Accepted")


def test_targets_must_be_declared_within_a_targetrefs_field_within_the_spec() -> None:
    schema = definition(KINDS["RoutingPolicy"])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    refs = schema["properties"]["spec"]["properties"]["targetRefs"]["items"]
    assert {"group", "kind", "name", "namespace", "sectionName"} == set(refs["properties"])


def test_the_crd_carries_the_policy_label() -> None:
    labels = definition(KINDS["RoutingPolicy"])["metadata"]["labels"]
    assert labels == {"gateway.networking.k8s.io/policy": "Direct"}
    assert "labels" not in definition(KINDS["ModelPool"])["metadata"]


def test_cross_namespace_references_should_be_supported_by_referencegrants() -> None:
    world = (a_gateway(namespace="infra"), a_route(parents=()))
    policy = a_policy("p", gateway_target(namespace="infra"))

    refused = attached(facts(*world), policy)["ai/p"]
    granted = attached(facts(*world, a_grant("infra", "ai", "Gateway")), policy)["ai/p"]

    assert reasons(refused) == ["RefNotPermitted"]
    assert "create a ReferenceGrant in namespace infra" in refused.findings[0].message
    assert granted.findings == ()


def test_a_listener_is_targeted_by_its_name_and_no_other_listener_with_it() -> None:
    gateway = a_gateway(
        "web", Listener(name="a", hostname="a.example.com"), Listener(name="b", hostname="b.example.com")
    )

    got = attached(facts(gateway, a_route()), a_policy("p", gateway_target(section="b")))["ai/p"]

    assert [place.hostnames for place in got.places] == [("b.example.com",)]


def test_a_rule_is_targeted_by_its_name_and_no_other_rule_with_it() -> None:
    route = a_route("llm", a_rule("/one/v1", name="one"), a_rule("/two/v1", name="two"))

    got = attached(facts(a_gateway(), route), a_policy("p", route_target(section="two")))["ai/p"]

    assert [(place.prefix, place.base) for place in got.places] == [("/two/v1", "/two")]


def test_a_section_that_does_not_exist_is_a_target_that_does_not_exist() -> None:
    world = facts(a_gateway(), a_route())
    listener = attached(world, a_policy("p", gateway_target(section="nope")))["ai/p"]
    rule = attached(world, a_policy("p", route_target(section="nope")))["ai/p"]

    assert reasons(listener) == reasons(rule) == ["TargetNotFound"]
    assert listener.findings[0].path == "spec.targetRefs[0].sectionName"


def test_between_two_at_the_same_level_the_older_based_on_creation_timestamp_wins() -> None:
    got = attached(
        facts(a_gateway(), a_route()), a_policy("a", route_target(), age=2), a_policy("b", route_target(), age=1)
    )

    assert (got["ai/a"].spots, reasons(got["ai/a"])) == ((), ["Conflicted"])
    assert "policy ai/b has HTTPRoute ai/llm" in got["ai/a"].findings[0].message
    assert got["ai/b"].places
    assert not got["ai/b"].findings


def test_at_identical_creation_timestamps_the_first_in_alphabetical_order_by_namespace_and_name_wins() -> None:
    got = attached(
        facts(a_gateway(), a_route()), a_policy("b", route_target(), age=1), a_policy("a", route_target(), age=1)
    )

    assert reasons(got["ai/b"]) == ["Conflicted"]
    assert not got["ai/a"].findings


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (gateway_target(), gateway_target(section="http")),
        (gateway_target(section="http"), route_target()),
        (route_target(), route_target(section="chat")),
    ],
    ids=["listener-over-gateway", "route-over-listener", "rule-over-route"],
)
def test_more_specific_specs_beat_less_specific_ones_whatever_their_age(wide: TargetRef, narrow: TargetRef) -> None:
    world = facts(a_gateway(), a_route("llm", a_rule("/v1", name="chat")))
    policies = (a_policy("old", wide, age=1), a_policy("new", narrow, age=2))

    got = attached(world, *policies)

    assert got["ai/new"].spots
    assert not got["ai/old"].spots
    assert not got["ai/old"].findings, "it keeps its target, for what nobody more specific has"


def test_a_higher_level_has_an_umbrella_effect_over_everything_under_that_level() -> None:
    world = facts(a_gateway(), a_route("llm"), a_route("other", a_rule("/other/v1")))

    got = attached(world, a_policy("all", gateway_target()), a_policy("one", route_target("llm")))

    assert {spot.route for spot in got["ai/all"].spots} == {"ai/other"}
    assert {spot.route for spot in got["ai/one"].spots} == {"ai/llm"}


def test_accepted_says_whether_the_target_objects_exist() -> None:
    policy = a_policy("p", gateway_target(), route_target())

    got = attached(facts(), policy)["ai/p"]

    assert reasons(got) == ["TargetNotFound", "TargetNotFound"]
    assert not attached(facts(a_gateway(), a_route()), policy)["ai/p"].findings


def test_shadow_policies_conflict_with_nobody_and_are_asked_at_the_same_places() -> None:
    world = facts(a_gateway(), a_route())

    got = attached(world, a_policy("real", route_target(), age=1), a_policy("shadow", route_target(), mode="Shadow"))

    assert not got["ai/shadow"].findings
    assert got["ai/shadow"].places == got["ai/real"].places


def test_a_gateway_of_a_controller_without_an_adapter_is_not_accepted() -> None:
    got = attached(facts(a_gateway(), controller="example.com/other"), a_policy("p", gateway_target()))["ai/p"]

    assert reasons(got) == ["Invalid"]
    assert "example.com/other" in got.findings[0].message


def test_any_added_status_must_be_namespaced_by_the_implementation() -> None:
    theirs = AncestorStatus(
        ancestor_ref=AncestorRef(namespace="ai", name="web"),
        controller_name="example.com/other",
        conditions=[Condition(type="Accepted", status="False", reason="Odd")],
    )

    status = _status(PolicyStatus(ancestors=[theirs]))

    assert status.ancestors[0] == theirs
    assert [entry.controller_name for entry in status.ancestors] == ["example.com/other", "forebay.dev/operator"]


def test_there_are_at_most_16_ancestors_and_others_entries_are_never_dropped_for_ours() -> None:
    theirs = [
        AncestorStatus(ancestor_ref=AncestorRef(namespace="ai", name=f"g{n}"), controller_name="example.com/other")
        for n in range(16)
    ]

    assert _status(PolicyStatus(ancestors=theirs)).ancestors == theirs
    assert len(_status(PolicyStatus(ancestors=theirs[:15])).ancestors) == 16


def test_entries_go_with_the_target() -> None:
    before = _status(PolicyStatus())
    assert before.ancestors

    assert _status(before, GatewayTold()).ancestors == []


def _status(before: PolicyStatus, told: GatewayTold | None = None) -> PolicyStatus:
    policy = a_policy("p", route_target())
    got = attached(facts(a_gateway(), a_route()), policy)["ai/p"]
    verdict = PolicyVerdict("ai/p", 1, FINE, Statement("ResolvedRefs", "True", "ResolvedRefs"), policy.spec)
    return policy_status(verdict, None, before, NOW, told or GatewayTold(got.ancestors))
