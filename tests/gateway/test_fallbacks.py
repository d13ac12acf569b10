"""Chains behind Envoy Gateway: which Envoys take them, what is patched for them, and what is said where they are not."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from envoy.config.cluster.v3 import cluster_pb2
from google.protobuf import json_format

from forebay_api.backend import Address, Backend, External, InferencePoolRef
from forebay_api.policy import Default, RoutingPolicy
from forebay_api.pool import Credential, PoolSpec, Resilience, SecretKey
from forebay_api.strategy import Direct, PoolRef, Strategy, WeightedPoolRef
from forebay_operator.backends.endpoint import Backend as Resolved
from forebay_operator.backends.endpoint import Endpoint, Picker
from forebay_operator.envoy.messages import type_url
from forebay_operator.envoy.proto import cluster, endpoint, listener, route
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.envoy_gateway.patches.inside import MOST_LISTENERS
from forebay_operator.gateway.envoy_gateway.patches.internal import EXTENSION, SNIPPET, missing_extension
from forebay_operator.gateway.implementation import Generated, Plan, Wanted
from forebay_operator.gateway.naming import INSTALLATION, generated_name
from forebay_operator.gateway.objects import (
    ClassSpec,
    Gateway,
    GatewayClass,
    Infrastructure,
    ParametersRef,
    Stored,
)

from .builders import OURS, a_gateway, a_policy, a_pool, a_route, a_rule, facts, meta, route_target
from .test_patches import WELL, answered, told
from .test_routes import SERVICE, of, wanted

CLUSTER, LISTENER, TABLE = map(type_url, (cluster.Cluster, listener.Listener, route.RouteConfiguration))
ASSIGNMENT = type_url(endpoint.ClusterLoadAssignment)
UNTRIED = "is not tried at the strategy's fallback pools"
TEXT = f"bootstrap_extensions:\n- name: x\n  typed_config: {{'@type': {EXTENSION}}}\n"
CONFIG = {"name": "x", "typed_config": {"@type": EXTENSION}}
MERGED = {"type": "Merge", "value": TEXT}


def with_proxy(gateway: Gateway | None = None, name: str = "own") -> Gateway:
    found = gateway or a_gateway()
    ref = ParametersRef(group="gateway.envoyproxy.io", kind="EnvoyProxy", name=name)
    return msgspec.structs.replace(
        found, spec=msgspec.structs.replace(found.spec, infrastructure=Infrastructure(parameters_ref=ref))
    )


def proxies(**specs: dict[str, Any]) -> dict[str, dict[str, Stored]]:
    return {"envoyproxies": {f"ai/{name}": Stored(metadata=meta(name), spec=spec) for name, spec in specs.items()}}


MIXED = Backend(addresses=[Address(host="192.0.2.1", port=1), Address(host="a.example", port=2)])
OPEN = proxies(own={"bootstrap": MERGED})


def a_chain(*fallback: str, name: str = "p", pools: tuple[str, ...] = ("small",)) -> RoutingPolicy:
    """A policy whose one strategy falls from `pools` to these."""
    made = a_policy(name, route_target())
    direct = Direct(
        pools=[WeightedPoolRef(name=pool) for pool in pools], fallback=[PoolRef(name=pool) for pool in fallback]
    )
    strategies = [Strategy(name="s", direct=direct)]
    return msgspec.structs.replace(
        made, spec=msgspec.structs.replace(made.spec, strategies=strategies, default=Default(use="s"))
    )


def planned(*objects: Any, kinds: Any = None, **more: Any) -> tuple[Plan, Wanted]:
    need = wanted(
        *(objects or (with_proxy(), a_route())),
        kinds=OPEN if kinds is None else kinds,
        **(more or {"p": a_chain("large")}),
    )
    return EnvoyGateway().plan(need), need


def chained(plan: Plan) -> list[Generated]:
    """The objects with chains."""
    return [made for made in of(plan, "envoypatchpolicies") if made.name == generated_name("web", "ai/web", "inside")]


def patches(plan: Plan, type_: str) -> list[dict[str, Any]]:
    (made,) = chained(plan)
    return [patch for patch in made.spec["jsonPatches"] if patch["type"] == type_]


def added(plan: Plan, type_: str) -> dict[str, dict[str, Any]]:
    return {p["name"]: p["operation"]["value"] for p in patches(plan, type_) if not p["operation"].get("jsonPath")}


def composite(plan: Plan) -> list[str]:
    (made,) = (
        found
        for found in added(plan, CLUSTER).values()
        if found.get("clusterType", {}).get("name") == "envoy.clusters.composite"
    )
    return [entry["name"] for entry in made["clusterType"]["typedConfig"]["clusters"]]


def untried(plan: Plan) -> str:
    return "; ".join(loss for loss in plan.losses["ai/p"] if UNTRIED in loss)


@pytest.mark.parametrize(
    "bootstrap",
    [
        {"type": "Merge", "value": TEXT},
        {"value": TEXT},
        {"type": "Replace", "value": json.dumps({"bootstrapExtensions": [{"typedConfig": {"@type": EXTENSION}}]})},
        {"type": "JSONPatch", "jsonPatches": [{"op": "add", "path": "/bootstrap_extensions", "value": [CONFIG]}]},
        {"type": "JSONPatch", "jsonPatches": [{"op": "add", "path": "/bootstrap_extensions/-", "value": CONFIG}]},
    ],
)
def test_a_bootstrap_that_brings_the_extension_lets_chains_be(bootstrap: dict[str, Any]) -> None:
    plan, _ = planned(kinds=proxies(own={"bootstrap": bootstrap}))

    assert chained(plan)
    assert "not written yet" in untried(plan)


@pytest.mark.parametrize(
    "bootstrap",
    [
        {"type": "Merge", "value": f"# {TEXT}"},
        {"type": "Merge", "value": "admin: {}\n"},
        {"type": "Merge", "value": "a: [\n"},
        {"type": "Merge", "value": "- a\n"},
        {"type": "Merge", "value": "bootstrap_extensions: 1\n"},
        {"type": "Merge"},
        {"type": "JSONPatch", "value": TEXT},
        {"type": "JSONPatch", "jsonPatches": [{"op": "test", "path": "/bootstrap_extensions", "value": [CONFIG]}]},
        {"type": "JSONPatch", "jsonPatches": [{"op": "add", "path": "/else", "value": [CONFIG]}, 1]},
    ],
)
def test_another_bootstrap_does_not_and_the_policy_says_what_to_add(bootstrap: dict[str, Any]) -> None:
    plan, _ = planned(kinds=proxies(own={"bootstrap": bootstrap}))

    assert not chained(plan)
    assert "EnvoyProxy ai/own" in untried(plan)
    assert EXTENSION in untried(plan)


def test_what_is_said_has_to_be_added_is_enough() -> None:
    spec = msgspec.yaml.decode(SNIPPET)

    assert not missing_extension(with_proxy(), facts(with_proxy(), kinds=proxies(own=spec)))


def test_an_envoy_proxy_that_is_not_there_is_named_and_so_is_the_lack_of_any() -> None:
    assert "EnvoyProxy ai/own is not there" in untried(planned(kinds={})[0])
    assert "neither Gateway ai/web" in untried(planned(a_gateway(), a_route(), p=a_chain("large"))[0])


@pytest.mark.parametrize(
    ("own", "counts"),
    [
        ({"mergeType": "StrategicMerge"}, True),
        ({"mergeType": "Replace"}, False),
        ({}, False),
        ({"mergeType": "JSONMerge", "bootstrap": {"type": "Merge", "value": "admin: {}"}}, False),
    ],
)
def test_the_envoy_proxy_of_the_class_counts_where_the_gateways_own_leaves_it_open(
    own: dict[str, Any], counts: bool
) -> None:
    ref = ParametersRef(group="gateway.envoyproxy.io", kind="EnvoyProxy", name="wide", namespace="ai")
    class_ = GatewayClass(metadata=meta("eg", ""), spec=ClassSpec(controller_name=OURS, parameters_ref=ref))
    kinds = proxies(own=own, wide={"bootstrap": MERGED})
    world = msgspec.structs.replace(facts(kinds=kinds), classes={"/eg": class_})

    assert not missing_extension(a_gateway(), world), "there is no other"
    assert (not missing_extension(with_proxy(), world)) is counts


def test_a_chain_goes_through_the_rooms_of_its_pools_in_order_and_then_where_it_led_before() -> None:
    plan, need = planned()

    (http,) = of(plan, "httproutes")
    led = f"httproute/{http.key}/rule"
    assert composite(plan) == [
        f"forebay/{need.installation}/room/ai/small/ai/p",
        f"forebay/{need.installation}/room/ai/large/ai/p",
        f"forebay/{need.installation}/chain/ai/p/s/ai/small/{http.key}/0/plain",
    ]
    plain = added(plan, CLUSTER)[composite(plan)[-1]]
    assert plain["clusterType"]["typedConfig"]["clusters"] == [f"{led}/0", f"{led}/0/backend/0"]
    assert http.spec["rules"][0]["matches"][0]["headers"][-1]["value"] == "chain/ai/p/s/ai/small"
    assert set(added(plan, LISTENER)) == set(composite(plan)[:2])
    assert set(added(plan, TABLE)) == set(composite(plan)[:2])


def test_a_room_leads_to_the_cluster_of_its_pools_own_rule_and_takes_off_what_is_for_nobody() -> None:
    plan, need = planned()

    (http,) = of(plan, "httproutes")
    numbers = [rule["matches"][0]["headers"][-1]["value"] for rule in http.spec["rules"]]
    name = f"forebay/{need.installation}/room/ai/large/ai/p"
    (only,) = added(plan, TABLE)[name]["virtualHosts"][0]["routes"]
    assert {"x-forebay-hops", "x-forebay-cluster", "authorization"} <= set(only["requestHeadersToRemove"])
    assert only["typedPerFilterConfig"]["envoy.filters.http.lua"]["filterContext"] == {"pool": "ai/large"}
    servers = added(plan, CLUSTER)[only["route"]["cluster"]]
    first = f"httproute/{http.key}/rule/{numbers.index('pool/ai/large')}"
    assert servers["clusterType"]["typedConfig"]["clusters"] == [first, f"{first}/backend/0"]


def test_a_pool_with_filters_on_its_backend_or_with_several_has_clusters_of_their_own() -> None:
    credential = [Credential(secret_ref=SecretKey(name="key", key="credential"))]
    pools = {"ai/small": a_pool(backend=MIXED), "ai/large": a_pool(backend=SERVICE, credentials=credential)}
    need = msgspec.structs.replace(
        wanted(with_proxy(), a_route(), kinds=OPEN, pools=pools, p=a_chain("large")),
        injectable=frozenset({"ai/large"}),
        backends={"ai/small": Resolved((Endpoint("192.0.2.1", 1), Endpoint("a.example", 2)))},
    )
    plan = EnvoyGateway().plan(need)

    def action(pool: str) -> dict[str, Any]:
        name = f"forebay/{need.installation}/room/{pool}/ai/p"
        (only,) = added(plan, TABLE)[name]["virtualHosts"][0]["routes"]
        return dict(only["route"])

    (http,) = of(plan, "httproutes")
    chain, large, small = (f"httproute/{http.key}/rule/{number}/backend" for number in range(3))
    assert action("ai/large")["cluster"] == f"{large}/0", "the credential is a filter of this very cluster"
    named = [entry["name"] for entry in action("ai/small")["weightedClusters"]["clusters"]]
    assert named == [f"{small}/0", f"{small}/1"]
    assert composite(plan)[2:] == [f"{chain}/0", f"{chain}/1"]


def test_only_routes_of_our_own_rule_are_found_and_none_by_its_place() -> None:
    plan, _ = planned()

    (http,) = of(plan, "httproutes")
    changes = [patch["operation"] for patch in patches(plan, TABLE) if patch["operation"].get("jsonPath")]
    assert len(changes) == 5
    for change in changes:
        (pattern,) = re.findall(r"routes\[\?\(@\.name =~ '([^']+)'\)\]", change["jsonPath"])
        assert re.match(pattern, f"httproute/{http.key}/rule/0/match/0/a_b")
        assert not re.match(pattern, f"httproute/{http.key}/rule/01/match/0/a_b")
        assert not re.match(pattern, f"httproute/{http.key.replace('-', 'x')}/rule/0/match/0/a_b")


def test_where_it_led_is_found_in_each_form_that_envoy_gateway_gives_it_and_a_mirror_is_not() -> None:
    plan, _ = planned()

    (http,) = of(plan, "httproutes")
    last = patches(plan, TABLE)[-1]["operation"]
    (pattern,) = re.findall(r"route\.\.\[\?\(@ =~ '([^']+)'\)\]", last["jsonPath"])
    led = f"httproute/{http.key}/rule/0"
    assert all(re.match(pattern, found) for found in (led, f"{led}/backend/1", "invalid-backend-cluster"))
    assert not any(re.match(pattern, found) for found in (f"{led}-mirror-0", f"{led}0", "other"))
    assert last["value"].endswith(f"chain/ai/p/s/ai/small/{http.key}/0")


def test_attempts_have_their_times_together_unless_the_users_rule_says_how_long() -> None:
    pools = {
        "ai/small": a_pool(backend=SERVICE, resilience=Resilience(request_timeout="90s")),
        "ai/large": a_pool(backend=SERVICE, resilience=Resilience(request_timeout="1m")),
    }

    def timeouts(*objects: Any) -> list[str]:
        plan, _ = planned(*objects, pools=pools, p=a_chain("large"))
        changes = [patch["operation"] for patch in patches(plan, TABLE)]
        return [change["value"] for change in changes if change.get("path") == "/timeout"]

    assert timeouts(with_proxy(), a_route()) == ["150s"]
    assert timeouts(with_proxy(), a_route("llm", a_rule("/v1", timeouts={"request": "5s"}))) == []


def test_retries_are_as_many_as_there_are_ways_left() -> None:
    plan, _ = planned()

    (retries,) = (
        patch["operation"]["value"]
        for patch in patches(plan, TABLE)
        if patch["operation"].get("path") == "/retry_policy"
    )
    assert retries["numRetries"] == len(composite(plan)) - 1


def test_a_policy_without_fallback_pools_has_no_chains_and_says_nothing() -> None:
    plan, _ = planned(with_proxy(), a_route(), p=a_policy("p", route_target()))

    assert not chained(plan)
    assert not untried(plan)


def test_what_envoy_gateway_says_of_chains_is_told_of_them_alone() -> None:
    plan, _ = planned()
    (made,) = chained(plan)

    def told_of(kinds: dict[str, dict[str, Stored]]) -> str:
        return untried(planned(kinds={**OPEN, **kinds})[0])

    assert not told_of(answered(made, *WELL))
    assert "Invalid: no such place" in told_of(answered(made, *told("Invalid", "no such place")))
    assert "enableEnvoyPatchPolicy" in told_of(answered(made, *told("Disabled", type_="Accepted")))


def test_more_pools_than_an_object_holds_are_told_and_the_other_policies_have_theirs() -> None:
    many = [f"m{number}" for number in range(MOST_LISTENERS)]
    pools = {f"ai/{name}": a_pool(backend=SERVICE) for name in ("small", "large", *many)}
    two = a_route("other", a_rule("/other"))
    other = msgspec.structs.replace(
        a_chain("large", name="q"),
        spec=msgspec.structs.replace(a_chain("large").spec, target_refs=[route_target("other")]),
    )

    plan, _ = planned(with_proxy(), a_route(), two, pools=pools, p=a_chain(*many), q=other)

    assert f"more than {MOST_LISTENERS}" in untried(plan)
    (made,) = chained(plan)
    assert made.policies == ("ai/q",)
    assert len(json.dumps(made.spec)) < MOST_LISTENERS * 40_000


def test_a_bought_pools_room_names_its_host() -> None:
    bought: PoolSpec = a_pool(backend=Backend(external=External(hostname="api.example")))
    plan, need = planned(pools={"ai/small": a_pool(backend=SERVICE), "ai/large": bought}, p=a_chain("large"))

    name = f"forebay/{need.installation}/room/ai/large/ai/p"
    (only,) = added(plan, TABLE)[name]["virtualHosts"][0]["routes"]
    assert only["route"]["hostRewriteLiteral"] == "api.example"


def test_where_the_first_pool_has_a_credential_nothing_stands_behind_the_rooms() -> None:
    """It would be called without."""
    credential = [Credential(secret_ref=SecretKey(name="key", key="credential"))]
    pools = {"ai/small": a_pool(backend=SERVICE, credentials=credential), "ai/large": a_pool(backend=SERVICE)}
    need = msgspec.structs.replace(
        wanted(with_proxy(), a_route(), kinds=OPEN, pools=pools, p=a_chain("large")), injectable=frozenset({"ai/small"})
    )

    assert all("/room/" in name for name in composite(EnvoyGateway().plan(need)))


def test_a_client_credential_that_the_first_pool_may_not_have_is_told_to_be_missing_at_the_next() -> None:
    taking, other = a_pool(backend=SERVICE, forward_client_credentials=True), a_pool(backend=SERVICE)

    def lost(**pools: PoolSpec) -> list[str]:
        plan, _ = planned(pools={f"ai/{name}": pool for name, pool in pools.items()}, p=a_chain("large"))
        return [loss for loss in plan.losses["ai/p"] if "clients' credentials" in loss]

    assert len(lost(small=other, large=taking)) == 1
    assert not lost(small=taking, large=other)
    assert not lost(small=other, large=other)


def picking(mode: Any = "FailClose", **more: Any) -> tuple[Plan, Wanted]:
    """A policy over an inference pool with a picker."""
    backend = Backend(inference_pool=InferencePoolRef(name="small"))
    picker = Picker((Endpoint("192.0.2.9", 9002),), "epp", failure_mode=mode)
    policy = more.pop("policy", None) or a_policy("p", route_target())
    pools = {"ai/small": a_pool(backend=backend, **more), "ai/large": a_pool(backend=SERVICE)}
    need = msgspec.structs.replace(
        wanted(with_proxy(), a_route(), kinds=OPEN, pools=pools, p=policy),
        backends={"ai/small": Resolved((Endpoint("192.0.2.1", 1), Endpoint("192.0.2.2", 1, ready=False)), picker)},
    )
    return EnvoyGateway().plan(need), need


@pytest.mark.parametrize(
    ("mode", "again"), [("FailOpen", "connect-failure,retriable-headers"), ("FailClose", "connect-failure")]
)
def test_an_inference_pools_rule_leads_to_where_its_picker_is_asked(mode: str, again: str) -> None:
    plan, need = picking(mode)

    assert composite(plan)[0] == "picked/ai/small"
    assert set(added(plan, LISTENER)) == {"picked/ai/small"}
    assert {"picked/ai/small", "picker/ai/small", "pool/ai/small"} <= set(added(plan, CLUSTER))
    (retries,) = (
        p["operation"]["value"] for p in patches(plan, TABLE) if p["operation"].get("path") == "/retry_policy"
    )
    assert retries["retryOn"] == again
    assert any("endpoint picker of pool ai/small is not asked" in loss for loss in plan.losses["ai/p"])
    (made,) = chained(plan)
    taken = EnvoyGateway().plan(
        msgspec.structs.replace(need, facts=facts(with_proxy(), a_route(), kinds={**OPEN, **answered(made, *WELL)}))
    )
    assert not any("picker" in loss for loss in taken.losses["ai/p"])


def test_a_pickers_servers_and_the_pools_own_come_and_go_without_a_change_of_clusters() -> None:
    plan, _ = picking()

    servers = added(plan, ASSIGNMENT)
    assert {name: len(found["endpoints"][0]["lbEndpoints"]) for name, found in servers.items()} == {
        "picker/ai/small": 1,
        "pool/ai/small": 2,
    }, "one that is not ready may be chosen all the same"


def test_fields_are_spelt_as_protobuf_spells_them() -> None:
    """Envoy Gateway refuses a resource with a field that it does not know."""
    plan, _ = picking()

    ejected = added(plan, CLUSTER)["pool/ai/small"]["outlierDetection"]
    message = cluster_pb2.Cluster()
    json_format.ParseDict({"name": "x", "outlierDetection": ejected}, message)
    assert message.outlier_detection.consecutive_5xx.value == 5
    assert "5Xx" not in json.dumps(patches(plan, CLUSTER))


def test_a_picker_of_a_pool_with_a_credential_is_not_asked_and_the_policy_says_so() -> None:
    plan, _ = picking(credentials=[Credential(secret_ref=SecretKey(name="key", key="credential"))])

    assert not chained(plan)
    assert any("is not asked, as the pool has a credential" in loss for loss in plan.losses["ai/p"])


def test_a_former_route_of_ours_is_patched_for_as_long_as_it_is_there() -> None:
    """It goes first at the gateway until the new one is served."""
    plan, need = planned()
    (http,) = of(plan, "httproutes")
    former = Stored(metadata=meta("former", labels=http.labels), spec=http.spec)
    others = Stored(metadata=meta("others", labels={**http.labels, INSTALLATION: "another"}), spec=http.spec)
    world = facts(with_proxy(), a_route(), former, others, kinds=OPEN)

    both = EnvoyGateway().plan(msgspec.structs.replace(need, facts=world))

    led = [patch["operation"]["jsonPath"] for patch in patches(both, TABLE) if ".route.." in str(patch)]
    assert len(led) == 2
    assert any("httproute/ai/former/rule/0" in path for path in led)
    assert not any("others" in path for path in led)
    room = f"forebay/{need.installation}/room/ai/large/ai/p"
    servers = added(both, CLUSTER)[f"{room}/servers"]["clusterType"]["typedConfig"]["clusters"]
    assert len(servers) == 4
    assert servers[0].startswith(f"httproute/{http.key}/")
    assert servers[2].startswith("httproute/ai/former/")


def test_a_chain_has_the_pools_of_each_version_that_data_planes_may_have() -> None:
    pools = {f"ai/{name}": a_pool(backend=SERVICE) for name in ("small", "large", "other")}
    need = wanted(with_proxy(), a_route(), kinds=OPEN, pools=pools, p=a_chain("other"))
    held = msgspec.structs.replace(need.policies["ai/p"], also=(a_chain("large").spec,))

    plan = EnvoyGateway().plan(msgspec.structs.replace(need, policies={"ai/p": held}))

    order = [name.split("/room/ai/")[1].partition("/")[0] for name in composite(plan) if "/room/" in name]
    assert order == ["small", "other", "large"]


def test_a_chains_room_asks_the_picker_of_its_pool() -> None:
    plan, _ = picking("FailOpen", policy=a_chain("small", pools=("large",)))

    assert {"picked/ai/small"} < set(added(plan, LISTENER))
    (name,) = (found for found in added(plan, TABLE) if "room/ai/small" in found)
    host = added(plan, TABLE)[name]["virtualHosts"][0]
    assert host["includeRequestAttemptCount"]
    assert host["routes"][0]["route"]["cluster"] == "picked/ai/small"


@pytest.mark.parametrize(
    ("gone", "left"),
    [("large", {"small": ["small", "other"]}), ("small", {"large": ["large", "other"]})],
)
def test_a_pool_that_has_gone_is_left_out_and_a_chain_whose_first_one_has_is_none(
    gone: str, left: dict[str, list[str]]
) -> None:
    """A former route of ours, and a version that data planes have, may still name it."""
    pools = {f"ai/{name}": a_pool(backend=SERVICE) for name in ("small", "large", "other")}
    before = wanted(with_proxy(), a_route(), kinds=OPEN, pools=pools, p=a_chain("large", "other"))
    (http,) = of(EnvoyGateway().plan(before), "httproutes")
    former = Stored(metadata=meta("former", labels=http.labels), spec=http.spec)
    del pools[f"ai/{gone}"]
    need = wanted(with_proxy(), a_route(), former, kinds=OPEN, pools=pools, p=a_chain("large", "other"))

    plan = EnvoyGateway().plan(need)

    walked = {}
    for name, made in added(plan, CLUSTER).items():
        if made.get("clusterType", {}).get("name") == "envoy.clusters.composite":
            first = name.split("/s/ai/")[1].partition("/")[0]
            ways = [entry["name"] for entry in made["clusterType"]["typedConfig"]["clusters"]]
            walked[first] = [way.split("/room/ai/")[1].partition("/")[0] for way in ways if "/room/" in way]
    assert walked == left
