"""HTTPRoutes beside a user's own: what they repeat, what they add, and how they are spread over objects."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_api.backend import Address, Backend, External, ServiceRef
from forebay_api.pool import PoolSpec, Resilience
from forebay_operator.backends.endpoint import Backend as Resolved
from forebay_operator.backends.endpoint import Endpoint
from forebay_operator.cluster.gateway.applier import body
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.envoy_gateway.routes import MOST_MATCHES, MOST_RULES, Destination, spread
from forebay_operator.gateway.implementation import DataPlaneRef, Generated, Held, Plan, Wanted
from forebay_operator.gateway.naming import INSTALLATION
from forebay_operator.gateway.objects import AncestorStatus, ParentRef, ParentStatus, Said, Standing, Stored

from .builders import (
    OURS,
    a_gateway,
    a_policy,
    a_pool,
    a_route,
    a_rule,
    attached,
    facts,
    gateway_target,
    meta,
    route_target,
)

SERVICE = Backend(service=ServiceRef(name="svc", port=8000))


def plan(*objects: Any, pools: dict[str, PoolSpec] | None = None, kinds: Any = None, **policies: Any) -> Plan:
    return EnvoyGateway().plan(wanted(*objects, pools=pools, kinds=kinds, **policies))


def wanted(*objects: Any, pools: dict[str, PoolSpec] | None = None, kinds: Any = None, **policies: Any) -> Wanted:
    world = facts(*objects, kinds=kinds)
    found = attached(world, *policies.values())
    served = pools if pools is not None else {"ai/small": a_pool(backend=SERVICE), "ai/large": a_pool(backend=SERVICE)}
    endpoints = (Endpoint("192.0.2.1", 8000),)
    return Wanted(
        installation="i",
        data_plane=DataPlaneRef("sys/data-plane", 18001),
        policies={name: Held(policies[name.partition("/")[2]].spec, own, "u") for name, own in found.items()},
        pools=served,
        backends={name: Resolved(endpoints) for name in served},
        services={},
        facts=world,
    )


def of(found: Plan, plural: str) -> list[Generated]:
    return [made for made in found.objects if made.plural == plural]


def test_a_generated_rule_differs_by_a_header_match_and_its_backend() -> None:
    theirs = a_rule("/v1", filters=[{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["x"]}}])

    (made,) = of(
        plan(a_gateway(), a_route("llm", theirs, hostnames=["a.b"]), p=a_policy("p", route_target())), "httproutes"
    )

    assert made.spec["hostnames"] == ["a.b"]
    assert made.spec["parentRefs"] == [{"name": "web"}]
    rule, _ = made.spec["rules"]
    (match,) = rule["matches"]
    assert match["path"] == {"type": "PathPrefix", "value": "/v1"}
    assert match["headers"] == [{"type": "Exact", "name": "x-forebay-cluster", "value": "pool/ai/small"}]
    shown, hidden = rule["filters"]
    assert shown["responseHeaderModifier"]["remove"] == ["x"]
    assert {"name": "x-forebay-rule", "value": "%DYNAMIC_METADATA(forebay:rule)%"} in shown["responseHeaderModifier"][
        "set"
    ]
    assert "authorization" in hidden["requestHeaderModifier"]["remove"]
    assert rule["backendRefs"] == [{"group": "", "kind": "Service", "name": "svc", "port": 8000}]
    assert rule["timeouts"] == {"request": "600s"}


def test_a_decision_without_a_route_is_answered_and_never_meets_the_routes_own_backends() -> None:
    theirs = a_rule("/v1", "/v2", backendRefs=[{"name": "theirs", "port": 1}])
    theirs["matches"][0]["headers"] = [{"type": "Exact", "name": "x-team", "value": "a"}]

    found = plan(a_gateway(), a_route("llm", theirs), p=a_policy("p", route_target()))

    (made,) = of(found, "httproutes")
    (answer,) = of(found, "httproutefilters")
    pool, closed = made.spec["rules"]
    assert "backendRefs" not in closed
    assert closed["filters"][-1]["extensionRef"]["name"] == answer.name
    assert (answer.namespace, answer.stage < made.stage) == (made.namespace, True), "it is there before it is named"
    response = answer.spec["directResponse"]
    assert (response["statusCode"], response["contentType"]) == (503, "application/json")
    assert json.loads(response["body"]["inline"])["error"]["code"] == "route_missing"
    for to_pool, to_none in zip(pool["matches"], closed["matches"], strict=True):
        assert to_pool["path"] == to_none["path"]
        assert to_none["headers"][-1] == {"type": "RegularExpression", "name": "x-forebay-cluster", "value": ".+"}
        assert to_pool["headers"][:-1] == to_none["headers"][:-1]
        assert to_pool["headers"][-1]["type"] == "Exact", "of as many headers, more exact ones go first"


def test_rules_that_need_no_backend_need_no_other_answer() -> None:
    redirect = a_rule("/old", filters=[{"type": "RequestRedirect", "requestRedirect": {"path": {}}}])

    assert of(plan(a_gateway(), a_route("llm", redirect), p=a_policy("p", route_target())), "httproutes") == []


def test_a_match_without_room_for_our_header_is_told() -> None:
    full = a_rule("/v1")
    full["matches"][0]["headers"] = [{"name": f"x-{n}", "value": "1"} for n in range(16)]

    found = plan(a_gateway(), a_route("llm", full), p=a_policy("p", route_target()))

    assert any("HTTPRoute ai/llm has a match with 16 headers" in loss for loss in found.losses["ai/p"])


def test_only_what_leads_to_a_pool_counts_as_routed() -> None:
    world = facts(a_gateway(), a_route())
    found = plan(a_gateway(), a_route(), p=a_policy("p", route_target()))
    (made,) = of(found, "httproutes")
    status = Standing(parents=(accepted(generation=3),))
    stored = Stored(metadata=meta(made.name, labels=made.labels, generation=3), spec=made.spec, status=status)
    seen = msgspec.structs.replace(world, routes={**world.routes, made.key: stored})
    own = attached(seen, a_policy("p", route_target()))

    assert EnvoyGateway().routed(own, seen)["ai/p"] == {"pool/ai/small"}


def accepted(*, generation: int) -> ParentStatus:
    said = Said(type="Accepted", status="True", observed_generation=generation)
    return ParentStatus(parent_ref=ParentRef(name="web"), controller_name=OURS, conditions=(said,))


def test_the_extension_policy_is_on_our_routes_too_so_that_a_forged_header_meets_the_processor() -> None:
    found = plan(a_gateway(), a_route(), p=a_policy("p", route_target()))

    (extension,) = of(found, "envoyextensionpolicies")
    (route,) = of(found, "httproutes")
    assert [ref["name"] for ref in extension.spec["targetRefs"]] == ["llm"]
    (chosen,) = extension.spec["targetSelectors"]
    assert chosen["kind"] == "HTTPRoute"
    assert chosen["matchLabels"].items() <= route.labels.items(), "by label, so that none is there without it"


def test_the_extension_policy_of_another_policy_chooses_other_routes() -> None:
    found = plan(
        a_gateway(),
        a_route("llm", hostnames=["a.example.com"]),
        a_route("other", hostnames=["o.example.com"]),
        p=a_policy("p", route_target()),
        q=a_policy("q", route_target("other")),
    )

    chosen = [made.spec["targetSelectors"][0]["matchLabels"] for made in of(found, "envoyextensionpolicies")]
    assert [
        [route.spec["hostnames"] for route in of(found, "httproutes") if labels.items() <= route.labels.items()]
        for labels in chosen
    ] == [[["a.example.com"]], [["o.example.com"]]]


POOLS = {f"ai/{name}": a_pool(backend=SERVICE) for name in ("fast", "large", "small")}


@settings(deadline=None)
@given(st.sets(st.sampled_from(["fast", "large", "small"]), min_size=1), st.integers(1, 3))
def test_no_number_of_a_rule_ever_leads_to_another_pool_under_the_same_name(pools: set[str], rules: int) -> None:
    """Envoy Gateway's cluster is called by the HTTPRoute's name and the rule's number, and is known before the routes."""
    seen: dict[tuple[str, int], str] = {}
    for names, count in ((pools, rules), ({"large"}, 1), ({"fast", "large", "small"}, rules), (pools, 2)):
        own = [a_rule(f"/v{number}") for number in range(count)]
        policy = a_policy("p", route_target(), pools=sorted(names))
        for made in of(plan(a_gateway(), a_route("llm", *own), pools=POOLS, p=policy), "httproutes"):
            for number, rule in enumerate(made.spec["rules"]):
                if "backendRefs" in rule:
                    leads = rule["matches"][0]["headers"][-1]["value"]
                    assert seen.setdefault((made.name, number), leads) == leads


def test_what_moves_no_rule_to_another_number_keeps_the_name() -> None:
    before, after = (
        of(plan(a_gateway(), a_route("llm", a_rule(path)), p=a_policy("p", route_target())), "httproutes")[0]
        for path in ("/v1", "/v2")
    )

    assert before.name == after.name
    assert before.spec != after.spec


def test_a_target_gateway_covers_our_routes_by_itself() -> None:
    (extension,) = of(plan(a_gateway(), a_route(), p=a_policy("p", gateway_target())), "envoyextensionpolicies")

    assert [(ref["kind"], ref["name"]) for ref in extension.spec["targetRefs"]] == [("Gateway", "web")]


def test_an_external_pool_is_a_backend_with_tls_and_the_host_is_rewritten() -> None:
    pools = {"ai/small": a_pool(backend=Backend(external=External(hostname="api.example.com")))}
    found = plan(a_gateway(), a_route(), pools=pools, p=a_policy("p", route_target()))

    (backend,) = of(found, "backends")
    assert backend.spec["tls"] == {"wellKnownCACertificates": "System", "sni": "api.example.com"}
    (route,) = of(found, "httproutes")
    assert {"type": "URLRewrite", "urlRewrite": {"hostname": "api.example.com"}} in route.spec["rules"][0]["filters"]


def test_clients_headers_are_removed_early_where_nobody_elses_policy_holds_the_gateway() -> None:
    (made,) = of(plan(a_gateway(), a_route(), p=a_policy("p", route_target())), "clienttrafficpolicies")

    assert made.spec["headers"]["earlyRequestHeaders"]["removeOnMatch"] == [{"type": "Prefix", "value": "x-forebay-"}]
    assert made.spec["connection"] == {"bufferLimit": "8256Ki"}


def test_where_somebody_elses_policy_holds_the_gateway_what_to_add_is_said() -> None:
    theirs = Stored(metadata=meta("theirs"), spec={"targetRefs": [{"kind": "Gateway", "name": "web"}]})
    kinds = {"clienttrafficpolicies": {"ai/theirs": theirs}}

    found = plan(a_gateway(), a_route(), kinds=kinds, p=a_policy("p", route_target()))

    assert not of(found, "clienttrafficpolicies")
    told = "; ".join(found.losses["ai/p"])
    assert "add to ClientTrafficPolicy ai/theirs headers.earlyRequestHeaders.removeOnMatch" in told
    assert "set connection.bufferLimit of ClientTrafficPolicy ai/theirs to 8256Ki" in told


def test_without_policies_there_is_nothing() -> None:
    assert plan(a_gateway(), a_route()).objects == ()


def from_elsewhere() -> Stored:
    route = a_route(parents=("web",), namespace="other")
    route.spec["parentRefs"][0]["namespace"] = "ai"
    return route


def test_what_crosses_a_namespace_has_a_grant_and_no_owner() -> None:
    found = plan(a_gateway(), from_elsewhere(), p=a_policy("p", gateway_target()))

    (made,) = (one for one in of(found, "httproutes") if not one.optional)
    assert (made.namespace, made.owner) == ("other", None)
    assert made.spec["rules"][0]["backendRefs"][0]["namespace"] == "ai"
    grants = {grant.namespace: grant.spec for grant in of(found, "referencegrants")}
    assert grants["ai"]["from"] == [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "other"}]
    assert grants["sys"]["to"] == [{"group": "", "kind": "Service"}]


def test_routes_outlive_their_policy_until_they_are_swept_since_the_users_route_owns_them_too() -> None:
    route = a_route()
    route = msgspec.structs.replace(route, metadata=meta("llm", uid="route-uid"))

    (made,) = of(plan(a_gateway(), route, p=a_policy("p", route_target())), "httproutes")

    owners = [(owner["kind"], owner["uid"]) for owner in body(made)["metadata"]["ownerReferences"]]
    assert owners == [("RoutingPolicy", "u"), ("HTTPRoute", "route-uid")]


def test_what_shows_requests_outlives_its_policy_until_it_is_swept_since_its_target_owns_it_too() -> None:
    route = msgspec.structs.replace(a_route(), metadata=meta("llm", uid="route-uid"))
    web = msgspec.structs.replace(a_gateway(), metadata=meta("web", uid="gateway-uid"))

    for target, keeper in (
        (route_target(), ("HTTPRoute", "route-uid")),
        (gateway_target(), ("Gateway", "gateway-uid")),
    ):
        (made,) = of(plan(web, route, p=a_policy("p", target)), "envoyextensionpolicies")
        owners = [(owner["kind"], owner["uid"]) for owner in body(made)["metadata"]["ownerReferences"]]
        assert owners == [("RoutingPolicy", "u"), keeper]


def test_where_a_gateways_routes_are_all_elsewhere_one_of_ours_in_its_namespace_keeps_the_way_to_data_planes() -> None:
    found = plan(a_gateway(), from_elsewhere(), p=a_policy("p", gateway_target()))

    (extension,) = of(found, "envoyextensionpolicies")
    (anchor,) = (made for made in of(found, "httproutes") if made.optional)
    ((ref,), (rule,)) = (anchor.spec["parentRefs"], anchor.spec["rules"])
    assert (anchor.namespace, ref["kind"], ref["name"]) == ("ai", "Gateway", "web")
    assert extension.spec["targetSelectors"][0]["matchLabels"].items() <= anchor.labels.items()
    ((header,),) = (match["headers"] for match in rule["matches"])
    assert not re.search(header["value"], "pool/ai/small")
    assert "backendRefs" not in rule

    here = plan(a_gateway(), from_elsewhere(), a_route("here"), p=a_policy("p", gateway_target()))
    assert not any(made.optional for made in of(here, "httproutes")), "the one beside that route is as good"


def in_the_way(installation: str, *, key: str = "ai/former") -> dict[str, dict[str, Stored]]:
    """Another object that still has the target."""
    ref = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "llm"}
    labels = {INSTALLATION: installation}
    return {"envoyextensionpolicies": {key: Stored(metadata=meta("former", labels=labels), spec={"targetRefs": [ref]})}}


@pytest.mark.parametrize(("installation", "waits"), [("i", True), ("another", False)])
def test_what_waits_for_another_object_of_ours_to_let_go_of_a_target_is_not_refused(
    installation: str, waits: bool
) -> None:
    adapter = EnvoyGateway()
    need = wanted(a_gateway(), a_route(), p=a_policy("p", route_target()))
    made = next(one for one in adapter.plan(need).objects if one.plural == "envoyextensionpolicies")
    refused = AncestorStatus(
        controller_name=OURS,
        conditions=(
            Said(type="Accepted", status="False", reason="Conflicted", message="taken", observed_generation=9),
        ),
    )
    metadata = body(made)["metadata"]
    stored = Stored(
        metadata=meta(made.name, labels=made.labels, annotations=metadata["annotations"]),
        spec=made.spec,
        status=Standing(ancestors=(refused,)),
    )
    kinds = in_the_way(installation)
    kinds["envoyextensionpolicies"][made.key] = stored
    now = msgspec.structs.replace(need, facts=facts(a_gateway(), a_route(), kinds=kinds))

    told = adapter.judge("ai/p", Plan((made,)), now)

    said = f"EnvoyExtensionPolicy {made.key}: Accepted: Conflicted: taken"
    assert (said in told.waiting, said in told.refused) == (waits, not waits)


def test_what_an_adapter_remembers_changes_no_plan() -> None:
    adapter = EnvoyGateway()
    one, two = a_route("llm"), a_route("other", hostnames=["o.example.com"])
    small, both = a_policy("p", route_target()), a_policy("p", route_target(), pools=["large", "small"])
    quick = a_pool(backend=SERVICE, resilience=Resilience(request_timeout="9s"))
    moved = {"ai/small": a_pool(backend=Backend(addresses=[Address(host="192.0.2.9", port=1)]))}
    for need in (
        wanted(a_gateway(), one, p=small),
        wanted(a_gateway(), one, p=small),
        wanted(a_gateway(), one, two, p=both, q=a_policy("q", route_target("other"))),
        wanted(a_gateway(), a_route("llm", a_rule("/v2")), two, p=both),
        wanted(a_gateway(), one, p=both, pools={**POOLS, "ai/small": quick}),
        wanted(a_gateway(), one, p=both, pools={**POOLS, **moved}),
        wanted(a_gateway(), one, p=a_policy("p", gateway_target())),
        wanted(a_gateway(), one),
    ):
        assert adapter.plan(need) == EnvoyGateway().plan(need)


NAMES = st.text("abcdefghij", min_size=1, max_size=4)


def parts(pools: list[str], rules: int, matches: int) -> list[tuple[Destination, tuple[dict[str, Any], ...]]]:
    made = ({"matches": [{"n": n} for n in range(matches)], "rule": number} for number in range(rules))
    each = tuple(made)
    return [
        (Destination(f"pool/ai/{pool}", f"ai/{pool}"), tuple({**rule, "to": pool} for rule in each))
        for pool in sorted(pools)
    ]


@given(st.lists(NAMES, unique=True, max_size=40), st.integers(1, 16), st.integers(1, 8))
def test_every_rule_is_in_one_route_and_every_route_is_within_its_limits(
    pools: list[str], rules: int, matches: int
) -> None:
    given_parts = parts(pools, rules, matches)

    found = list(spread(given_parts))

    assert [rule for _, held in found for rule in held] == [rule for _, held in given_parts for rule in held]
    for _, held in found:
        assert len(held) <= MOST_RULES
        assert sum(len(rule["matches"]) for rule in held) <= MOST_MATCHES


@given(st.lists(NAMES, unique=True, min_size=20, max_size=40), NAMES)
def test_a_pool_more_leaves_every_other_pools_routes_as_they_are(pools: list[str], more: str) -> None:
    before = dict(spread(parts(pools, 2, 1)))
    after = dict(spread(parts(sorted({*pools, more}), 2, 1)))

    assert {key: after[key] for key in before} == before


@given(st.permutations(["small", "large"]))
def test_the_order_in_which_strategies_name_pools_changes_no_route(pools: list[str]) -> None:
    made = plan(a_gateway(), a_route(), p=a_policy("p", route_target(), pools=pools))

    assert (
        made.objects == plan(a_gateway(), a_route(), p=a_policy("p", route_target(), pools=["large", "small"])).objects
    )


def test_with_mutual_tls_the_data_planes_certificate_comes_by_a_rule_that_nothing_matches() -> None:
    asked = wanted(a_gateway(), a_route(), p=a_policy("p", route_target()))
    sealed = msgspec.structs.replace(asked, data_plane=DataPlaneRef("sys/data-plane", 18001, tls_secret="tls"))

    found = EnvoyGateway().plan(sealed)

    (made,) = of(found, "httproutes")
    *_, carrier = made.spec["rules"]
    (header,) = carrier["matches"][0]["headers"]
    assert header["type"] == "RegularExpression"
    assert not any(re.fullmatch(header["value"], text) for text in ("", "ab", "a^b", "pool/ai/small", "a\nb"))
    assert carrier["backendRefs"][0]["kind"] == "Backend"
    granted = {ref["kind"] for grant in of(found, "referencegrants") for ref in grant.spec["to"]}
    assert "Backend" in granted, "the Backend is in the operator's namespace"
    assert len(of(EnvoyGateway().plan(asked), "httproutes")[0].spec["rules"]) == len(made.spec["rules"]) - 1


def test_our_routes_hang_on_no_gateway_behind_which_another_policy_has_the_route() -> None:
    found = plan(
        a_gateway("in"),
        a_gateway("out"),
        a_route("llm", parents=["in", "out"]),
        p=a_policy("p", gateway_target("in")),
        q=a_policy("q", gateway_target("out")),
    )

    assert sorted(ref["name"] for made in of(found, "httproutes") for ref in made.spec["parentRefs"]) == ["in", "out"]


def test_names_of_our_routes_begin_as_data_planes_know_them() -> None:
    asked = wanted(a_gateway(), a_route(), p=a_policy("p", route_target()))
    attached_ = {name: held.attached for name, held in asked.policies.items()}
    origins = EnvoyGateway().origins(attached_, asked.shared, asked.facts)["ai/p"]
    known = {origin.route for each in origins.values() for origin in each}

    for made in of(EnvoyGateway().plan(asked), "httproutes"):
        name = f"httproute/{made.namespace}/{made.name}"
        assert any(name.startswith(f"{route}-") for route in known), name
