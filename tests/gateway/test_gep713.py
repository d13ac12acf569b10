"""Sentences of GEP-713 (Metaresources and Policy Attachment), each with what it says of RoutingPolicy.

Where a sentence is not kept the test is not here, and docs/design/0005-gateway-api.md says so.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from forebay_api.policy import RoutingPolicy, TargetRef
from forebay_api.schema.definition import definition
from forebay_api.schema.kinds import KINDS
from forebay_api.status import AncestorRef, AncestorStatus, Condition, PolicyStatus
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.objects import Listener
from forebay_operator.gateway.placing import place
from forebay_operator.gateway.told import GatewayTold, ancestor_statements
from forebay_operator.judgement.verdict import PolicyVerdict, Statement
from forebay_operator.telling.status import policy_status

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


def test_the_status_stanza_must_contain_a_conditions_stanza_using_the_standard_condition_format() -> None:
    schema = definition(KINDS["RoutingPolicy"])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    status = schema["properties"]["status"]["properties"]
    standard = {"type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"}

    assert set(status["conditions"]["items"]["properties"]) == standard
    assert set(status["ancestors"]["items"]["properties"]["conditions"]["items"]["properties"]) == standard


def test_conflicting_specs_must_be_treated_as_atomic_units_and_the_winning_spec_applies_in_its_entirety() -> None:
    world = facts(a_gateway(), a_route())
    wide = a_policy("wide", gateway_target(), pools=("small", "large"), models=["auto", "wide"])
    narrow = a_policy("narrow", route_target(), pools=("other",))
    policies = {"ai/wide": wide, "ai/narrow": narrow}

    spec = place(policies, attached(world, *policies.values()))["ai/narrow"].spec

    assert (spec.strategies, spec.models, spec.default) == (
        narrow.spec.strategies,
        narrow.spec.models,
        narrow.spec.default,
    )


def test_a_part_of_the_scope_that_other_specs_affect_makes_a_policy_partially_programmed() -> None:
    world = facts(a_gateway(), a_route("r1"), a_route("r2", a_rule("/b/v1")))
    told = _told(world, "ai/p1", a_policy("p1", gateway_target()), a_policy("p2", route_target("r1")))

    assert _said(told, "Programmed") == ("True", "PartiallyProgrammed")
    assert _said(
        _told(world, "ai/p2", a_policy("p1", gateway_target()), a_policy("p2", route_target("r1"))), "Programmed"
    ) == (
        "True",
        "Programmed",
    )


def test_the_status_message_should_include_which_parts_have_been_superseded_with_references_to_the_other_policies() -> (
    None
):
    llm = a_route("llm", a_rule("/a", name="a"), a_rule("/b", name="b"))
    world = facts(a_gateway(), llm, a_route("other", a_rule("/c")), a_route("third", a_rule("/d")))
    policies = (
        a_policy("all", gateway_target()),
        a_policy("part", route_target(section="b")),
        a_policy("whole", route_target("other")),
    )

    (programmed,) = [c for c in _told(world, "ai/all", *policies) if c.type == "Programmed"]

    assert "rule 1 of HTTPRoute ai/llm is policy ai/part's" in programmed.message
    assert "; HTTPRoute ai/other is policy ai/whole's" in programmed.message


def test_merge_strategies_referred_in_the_status_message_must_use_the_same_name_of_strategy() -> None:
    world = facts(a_gateway(), a_route())

    (programmed,) = [
        c
        for c in _told(world, "ai/wide", a_policy("wide", gateway_target()), a_policy("narrow", route_target()))
        if c.type == "Programmed"
    ]

    assert programmed.message.startswith("Atomic Defaults: ")


def test_a_policy_that_has_been_fully_overridden_is_not_programmed_there() -> None:
    world = facts(a_gateway("a"), a_gateway("b"), a_route("r1", parents=["a"]), a_route("r2", parents=["b"]))
    policies = (a_policy("both", gateway_target("a"), gateway_target("b")), a_policy("one", route_target("r1")))

    first, second = _entries(world, "ai/both", *policies)

    assert _said(first, "Programmed") == ("False", "Overridden")
    assert _said(second, "Programmed") == ("True", "Programmed")


def test_non_accepted_policy_objects_are_also_not_programmed_and_not_overridden() -> None:
    world = facts(a_gateway(), a_route())
    policies = (a_policy("old", route_target(), age=1), a_policy("new", route_target(), age=2))

    assert [c.type for c in _told(world, "ai/new", *policies)] == ["Accepted"]


def test_a_shadow_policy_supersedes_nothing_and_is_superseded_by_nothing() -> None:
    world = facts(a_gateway(), a_route())
    policies = (a_policy("real", gateway_target()), a_policy("shadow", route_target(), mode="Shadow"))

    assert _said(_told(world, "ai/real", *policies), "Programmed") == ("True", "Programmed")
    wide = (a_policy("real", route_target()), a_policy("shadow", gateway_target(), mode="Shadow"))
    assert _said(_told(world, "ai/shadow", *wide), "Programmed") == ("True", "Programmed")


def _entries(world: GatewayFacts, name: str, *policies: RoutingPolicy) -> list[list[Condition]]:
    """Conditions of each ancestor of a policy that every data plane has acknowledged."""
    own = attached(world, *policies)[name]
    programmed = Statement("Programmed", "True", "Programmed", "acknowledged")
    return [
        [
            Condition(type=said.type, status=said.status, reason=said.reason, message=said.message)
            for said in ancestor_statements(ancestor, programmed)
        ]
        for ancestor in own.ancestors
    ]


def _told(world: GatewayFacts, name: str, *policies: RoutingPolicy) -> list[Condition]:
    (found,) = _entries(world, name, *policies)
    return found


def _said(conditions: list[Condition], type_: str) -> tuple[str, str]:
    (found,) = [condition for condition in conditions if condition.type == type_]
    return found.status, found.reason


def _status(before: PolicyStatus, told: GatewayTold | None = None) -> PolicyStatus:
    policy = a_policy("p", route_target())
    got = attached(facts(a_gateway(), a_route()), policy)["ai/p"]
    verdict = PolicyVerdict("ai/p", 1, FINE, Statement("ResolvedRefs", "True", "ResolvedRefs"), policy.spec)
    return policy_status(verdict, None, before, NOW, told or GatewayTold(got.ancestors))
