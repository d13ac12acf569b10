"""By what names of a gateway's routes a data plane knows whose a request is, and where those do not say it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from forebay_api.policy import RoutingPolicy
from forebay_api.wire import Origin
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import DataPlaneRef, Held, Plan, Wanted
from forebay_operator.gateway.objects import AncestorStatus, Listener, Said, Standing, Stored
from forebay_operator.gateway.placing import place
from forebay_operator.gateway.sharing import Shared, gateway_token, overlooked, shared
from forebay_operator.gateway.spots import Spot
from forebay_operator.judgement.claims import Bid, award_attachments

from .builders import (
    OURS,
    a_gateway,
    a_policy,
    a_route,
    a_rule,
    attached,
    facts,
    gateway_target,
    meta,
    route_target,
)


def named(*policies: RoutingPolicy) -> dict[str, RoutingPolicy]:
    return {f"{policy.metadata.namespace}/{policy.metadata.name}": policy for policy in policies}


def sharing(world: GatewayFacts, *policies: RoutingPolicy) -> Shared:
    return shared(named(*policies), attached(world, *policies), world)


def origins(world: GatewayFacts, *policies: RoutingPolicy) -> dict[str, set[Origin]]:
    """By policy, those of the user's routes."""
    found = EnvoyGateway().origins(attached(world, *policies), sharing(world, *policies), world)
    return {
        name: {origin for each in spots.values() for origin in each if "/forebay-" not in origin.route}
        for name, spots in found.items()
    }


def a_traffic_policy(gateway: str, world: GatewayFacts, **early: Any) -> Stored:
    """Somebody's, accepted."""
    spec = {
        "targetRefs": [{"kind": "Gateway", "name": gateway}],
        "headers": {
            "earlyRequestHeaders": early
            or {"set": [{"name": "forebay-gateway", "value": gateway_token(f"ai/{gateway}", world)}]}
        },
    }
    accepted = AncestorStatus(controller_name=OURS, conditions=(Said("Accepted", "True", observed_generation=1),))
    return Stored(metadata=meta(f"ctp-{gateway}"), spec=spec, status=Standing(ancestors=(accepted,)))


def told_by(*gateways: str, world: GatewayFacts, **early: Any) -> dict[str, dict[str, Stored]]:
    return {"clienttrafficpolicies": {f"ai/ctp-{g}": a_traffic_policy(g, world, **early) for g in gateways}}


def test_a_rule_is_named_as_envoy_gateway_names_its_routes() -> None:
    world = facts(a_gateway(), a_route("llm", a_rule("/a"), a_rule("/b", name="b")))

    assert origins(world, a_policy("p", route_target(section="b")), a_policy("q", route_target())) == {
        "ai/p": {Origin("httproute/ai/llm/rule/1")},
        "ai/q": {Origin("httproute/ai/llm/rule/0")},
    }


def test_our_own_routes_are_the_same_policys_so_that_a_forged_header_changes_nothing() -> None:
    world, policy = facts(a_gateway(), a_route()), a_policy("p", route_target())
    found = EnvoyGateway().origins(attached(world, policy), Shared(), world)

    (ours,) = [o for o in found["ai/p"][Spot("ai/llm", 0, "ai/web", "http")] if "/forebay-" in o.route]
    assert ours.route.startswith("httproute/ai/forebay-llm-")


def test_each_place_has_the_names_of_what_is_behind_it() -> None:
    world = facts(a_gateway(), a_route("chat", a_rule("/v1/chat")), a_route("team", a_rule("/team")))
    policy = a_policy("p", gateway_target())
    found = attached(world, policy)

    spec = place(named(policy), found, EnvoyGateway().origins(found, Shared(), world))["ai/p"].spec

    assert [
        (place.prefix, [o.route for o in place.origins if "/forebay-" not in o.route])
        for place in spec.places  # type: ignore[attr-defined]
    ] == [("/team", ["httproute/ai/team/rule/0"]), ("/v1/chat", ["httproute/ai/chat/rule/0"])]


def test_policies_with_the_same_host_and_path_do_not_conflict() -> None:
    world = facts(a_gateway("in"), a_gateway("out"), a_route("a", parents=["in"]), a_route("b", parents=["out"]))
    policies = (a_policy("p", gateway_target("in"), age=1), a_policy("q", route_target("b"), age=2))
    found = attached(world, *policies)
    placed = place(named(*policies), found, EnvoyGateway().origins(found, Shared(), world))

    awards = award_attachments([Bid(name, p.metadata, (p.spec,)) for name, p in placed.items()])

    assert [(award.spec is not None, award.rivals) for award in awards.values()] == [(True, ()), (True, ())]


TWO = (a_gateway("in"), a_gateway("out"), a_route("llm", parents=["in", "out"]))
BY_GATEWAY = (a_policy("p", gateway_target("in"), age=1), a_policy("q", gateway_target("out"), age=2))


def test_one_route_behind_two_gateways_is_told_apart_by_what_they_say_of_themselves() -> None:
    world = facts(*TWO)
    world = facts(*TWO, kinds=told_by("in", "out", world=world))
    rule = "httproute/ai/llm/rule/0"

    assert origins(world, *BY_GATEWAY) == {
        "ai/p": {Origin(rule), Origin(rule, gateway_token("ai/in", world))},
        "ai/q": {Origin(rule, gateway_token("ai/out", world))},
    }


@pytest.mark.parametrize("early", [{"set": [{"name": "forebay-gateway", "value": "guessed"}]}, {"remove": ["x"]}])
def test_a_gateway_that_does_not_say_which_one_it_is_has_the_older_policy(early: dict[str, Any]) -> None:
    world = facts(*TWO)
    world = facts(*TWO, kinds=told_by("in", "out", world=world, **early))

    assert origins(world, *BY_GATEWAY) == {"ai/p": {Origin("httproute/ai/llm/rule/0")}, "ai/q": set()}


def test_what_an_older_policy_answers_in_its_stead_a_policy_says() -> None:
    world = facts(*TWO)
    found = sharing(world, *BY_GATEWAY)

    said = dict(overlooked(attached(world, *BY_GATEWAY), found, frozenset()))

    assert list(said) == ["ai/q"]
    assert "behind Gateway ai/out requests of HTTPRoute ai/llm are policy ai/p's" in said["ai/q"]
    assert list(overlooked(attached(world, *BY_GATEWAY), found, frozenset({"ai/in", "ai/out"}))) == []


def test_only_gateways_that_share_a_route_and_no_policy_have_to_say_which_they_are() -> None:
    one_policy = (a_policy("p", gateway_target("in"), gateway_target("out")),)
    own_routes = facts(a_gateway("in"), a_gateway("out"), a_route("a", parents=["in"]), a_route("b", parents=["out"]))

    assert sharing(facts(*TWO), *BY_GATEWAY).gateways == {"ai/in", "ai/out"}
    assert sharing(facts(*TWO), *one_policy).gateways == frozenset()
    assert sharing(facts(*TWO), a_policy("p", route_target())).gateways == frozenset()
    assert sharing(own_routes, *BY_GATEWAY).gateways == frozenset()


def test_a_shadow_policy_of_one_gateway_does_not_decide_beside_the_other_ones() -> None:
    policies = (a_policy("p", route_target()), a_policy("s", gateway_target("in"), mode="Shadow"))
    world = facts(*TWO)
    world = facts(*TWO, kinds=told_by("in", "out", world=world))

    assert origins(world, *policies)["ai/s"] == {Origin("httproute/ai/llm/rule/0", gateway_token("ai/in", world))}


def test_listeners_are_told_apart_by_their_hostnames() -> None:
    web = a_gateway("web", Listener(name="a", hostname="a.example.com"), Listener(name="b", hostname="b.example.com"))
    world = facts(web, a_route())
    policies = (a_policy("p", gateway_target(section="a"), age=1), a_policy("q", gateway_target(section="b"), age=2))

    rule = {Origin("httproute/ai/llm/rule/0")}
    assert origins(world, *policies) == {"ai/p": rule, "ai/q": rule}
    assert list(overlooked(attached(world, *policies), sharing(world, *policies), frozenset())) == []


def test_of_listeners_with_the_same_hostname_the_older_policy_answers_and_the_other_one_says_so() -> None:
    web = a_gateway("web", Listener(name="http", port=80), Listener(name="https", port=443, protocol="HTTPS"))
    world = facts(web, a_route())
    policies = (
        a_policy("q", gateway_target(section="http"), age=1),
        a_policy("p", gateway_target(section="https"), age=2),
    )

    assert origins(world, *policies)["ai/p"] == set()
    ((name, said),) = overlooked(attached(world, *policies), sharing(world, *policies), frozenset())
    assert name == "ai/p"
    assert "at listener https of Gateway ai/web requests of HTTPRoute ai/llm are policy ai/q's" in said


def test_a_gateway_that_is_made_anew_says_another_token() -> None:
    before, after = (
        facts(msgspec.structs.replace(a_gateway("web"), metadata=meta("web", uid=uid))) for uid in ("one", "two")
    )

    assert gateway_token("ai/web", before) != gateway_token("ai/web", after)


def planned(world: GatewayFacts, *policies: RoutingPolicy) -> Plan:
    specs = {name: policy.spec for name, policy in named(*policies).items()}
    held = {name: Held(specs[name], own, "u") for name, own in attached(world, *policies).items()}
    return EnvoyGateway().plan(
        Wanted(
            installation="i", data_plane=DataPlaneRef("sys/data-plane", 18001), policies=held, pools={}, backends={},
            services={}, facts=world, shared=sharing(world, *policies),
        )
    )  # fmt: skip


def test_gateways_that_share_a_route_say_which_they_are_by_our_client_traffic_policies() -> None:
    world = facts(*TWO)

    made = [found for found in planned(world, *BY_GATEWAY).objects if found.plural == "clienttrafficpolicies"]

    assert [found.spec["headers"]["earlyRequestHeaders"]["set"] for found in made] == [
        [{"name": "forebay-gateway", "value": gateway_token(gateway, world)}] for gateway in ("ai/in", "ai/out")
    ]
    alone = planned(facts(a_gateway("in"), a_route(parents=["in"])), BY_GATEWAY[0])
    (own,) = [found for found in alone.objects if found.plural == "clienttrafficpolicies"]
    assert "set" not in own.spec["headers"]["earlyRequestHeaders"]


def test_where_a_client_traffic_policy_is_somebody_elses_what_to_add_is_said_word_for_word() -> None:
    world = facts(*TWO)
    world = facts(*TWO, kinds=told_by("in", "out", world=world, remove=["x"]))

    said = " ".join(planned(world, *BY_GATEWAY).losses["ai/q"])

    token = gateway_token("ai/out", world)
    assert "add to ClientTrafficPolicy ai/ctp-out headers.earlyRequestHeaders.set: " in said
    assert f"[{{name: forebay-gateway, value: {token}}}]" in said
    assert "behind Gateway ai/out requests of HTTPRoute ai/llm are policy ai/p's" in said
