"""EnvoyPatchPolicies: which patches a Gateway gets, under which names, and what is said where they are not taken."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_api.model import Model
from forebay_api.policy import FailOpen
from forebay_operator.cluster.connection import ApiError
from forebay_operator.envoy.access_log import LOG_NAME, SERVED_HEADERS
from forebay_operator.gateway.comparison import sealed
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.envoy_gateway.patches.policy import MOST_BYPASSES
from forebay_operator.gateway.implementation import Generated, Plan, Wanted
from forebay_operator.gateway.objects import (
    AncestorStatus,
    Gateway,
    GatewayStatus,
    Listener,
    ListenerStatus,
    Said,
    Standing,
    Stored,
)
from forebay_operator.gateway.told import told as tell

from .builders import OURS, a_gateway, a_grant, a_policy, a_pool, a_route, a_rule, gateway_target, meta, route_target
from .test_applier import SHOWS, World, an_object
from .test_routes import SERVICE, of, wanted

PLURAL = "envoypatchpolicies"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
TABLE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
BYPASS = FailOpen(pool="small", model="m")


def planned(*objects: Any, kinds: Any = None, pools: Any = None, **policies: Any) -> tuple[Plan, Wanted]:
    need = wanted(*objects, kinds=kinds, pools=pools, **policies)
    return EnvoyGateway().plan(need), need


def patch_policy(*objects: Any, **settings: Any) -> Generated:
    (made,) = of(planned(*objects, **settings)[0], PLURAL)
    return made


def names(made: Generated, type_: str) -> list[str]:
    return [patch["name"] for patch in made.spec["jsonPatches"] if patch["type"] == type_]


def answered(made: Generated, *conditions: Said, generation: int = 1) -> dict[str, dict[str, Stored]]:
    """What is stored once Envoy Gateway has said this of it."""
    entry = AncestorStatus(controller_name=OURS, conditions=conditions)
    stored = Stored(
        metadata=meta(made.name, made.namespace, labels=made.labels, generation=generation),
        spec=made.spec,
        status=Standing(ancestors=(entry,)),
    )
    return {PLURAL: {made.key: stored}}


def told(reason: str, message: str = "", status: str = "False", type_: str = "Programmed") -> tuple[Said, ...]:
    accepted = Said(type="Accepted", status="True", reason="Accepted", observed_generation=1)
    found = Said(type=type_, status=status, reason=reason, message=message, observed_generation=1)
    return (found,) if type_ == "Accepted" else (accepted, found)


WELL = told("Programmed", status="True")


def outcome_losses(kinds: Any = None, **more: Any) -> str:
    found, _ = planned(a_gateway(), a_route(), kinds=kinds, p=a_policy("p", route_target()), **more)
    return "; ".join(loss for loss in found.losses["ai/p"] if "outcomes" in loss)


def test_outcomes_are_logged_as_forebays_own_envoy_logs_them_and_by_a_cluster_that_no_policy_renames() -> None:
    made = patch_policy(a_gateway(), a_route(), p=a_policy("p", route_target()))

    cluster, log = made.spec["jsonPatches"]
    assert made.spec["targetRef"] == {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "web"}
    assert log["type"] == LISTENER
    assert log["name"] == "ai/web/http"
    config = log["operation"]["value"]["typedConfig"]
    assert config["commonConfig"]["logName"] == LOG_NAME
    assert config["additionalResponseHeadersToLog"] == list(SERVED_HEADERS)
    assert config["commonConfig"]["grpcService"]["envoyGrpc"]["clusterName"] == cluster["name"]
    members = cluster["operation"]["value"]["clusterType"]["typedConfig"]["clusters"]
    (extension,) = of(planned(a_gateway(), a_route(), p=a_policy("p", route_target()))[0], "envoyextensionpolicies")
    assert members == [f"envoyextensionpolicy/{extension.key}/extproc/0"]


def test_listeners_of_one_port_are_patched_once_under_the_name_of_the_first_in_order() -> None:
    listeners = [Listener(name=name, port=port) for name, port in (("a", 80), ("b", 80), ("c", 81), ("d", 82))]
    refused = ListenerStatus(name="a", conditions=(Said(type="Programmed", status="False"),))
    gateway = msgspec.structs.replace(a_gateway("web", *listeners), status=GatewayStatus(listeners=(refused,)))
    own = a_policy("p", gateway_target("web", "b"), gateway_target("web", "c"))

    made = patch_policy(gateway, a_route(), p=own)

    assert names(made, LISTENER) == ["ai/web/b", "ai/web/c"]


def test_no_place_is_named_by_a_number() -> None:
    made = patch_policy(a_gateway(), a_route(), p=a_policy("p", route_target(), fail_open=BYPASS))

    for patch in made.spec["jsonPatches"]:
        if patch["type"] != CLUSTER:
            parts = [*patch["operation"]["jsonPath"].split("."), *patch["operation"].get("path", "").split("/")]
            assert not any(part.isdigit() or "[0]" in part for part in parts)


def test_one_gateway_has_one_for_all_its_policies_and_it_goes_with_the_last_one() -> None:
    objects = (a_gateway(), a_route("a"), a_route("b"))
    both = patch_policy(*objects, p=a_policy("p", route_target("a")), q=a_policy("q", route_target("b")))
    one = patch_policy(*objects, p=a_policy("p", route_target("a")))

    assert both.key == one.key
    assert both.policies == ("ai/p", "ai/q")
    assert names(both, LISTENER) == names(one, LISTENER)
    assert not of(planned(*objects)[0], PLURAL)


def test_where_the_policy_may_not_speak_for_the_gateway_none_is_written_and_the_grant_is_named() -> None:
    gateway, route = a_gateway(namespace="infra"), a_route()
    route = msgspec.structs.replace(route, spec={**route.spec, "parentRefs": [{"name": "web", "namespace": "infra"}]})
    found, _ = planned(gateway, route, p=a_policy("p", route_target()))
    assert not of(found, PLURAL)
    assert any("outcomes" in loss and "ReferenceGrant" in loss for loss in found.losses["ai/p"])

    allowed, _ = planned(gateway, route, a_grant("infra", "ai", "Gateway"), p=a_policy("p", route_target()))

    assert [made.namespace for made in of(allowed, PLURAL)] == ["infra"]


def test_what_is_lost_is_said_in_envoy_gateways_words_until_it_has_taken_the_patches() -> None:
    made = patch_policy(a_gateway(), a_route(), p=a_policy("p", route_target()))

    assert "not written yet" in outcome_losses()
    assert "not taken yet" in outcome_losses(answered(made, *WELL, generation=2))
    off = told("Disabled", "EnvoyPatchPolicy is disabled", type_="Accepted")
    assert "extensionApis.enableEnvoyPatchPolicy: true" in outcome_losses(answered(made, *off))
    assert "Invalid: unable to apply" in outcome_losses(answered(made, *told("Invalid", "unable to apply")))
    assert not outcome_losses(answered(made, *WELL))


def test_patches_that_are_not_taken_keep_no_policy_from_being_programmed() -> None:
    first = patch_policy(a_gateway(), a_route(), p=a_policy("p", route_target()))
    found, need = planned(
        a_gateway(), a_route(), kinds=answered(first, *told("Invalid", "no")), p=a_policy("p", route_target())
    )

    judged = EnvoyGateway().judge("ai/p", found, need)

    assert not any("EnvoyPatchPolicy" in why for why in (*judged.waiting, *judged.refused))


def test_listeners_that_are_not_known_by_their_usual_names_are_tried_by_their_ports_too() -> None:
    objects = {"p": a_policy("p", route_target())}
    usual = patch_policy(a_gateway(), a_route(), **objects)
    missing = told("ResourceNotFound", f"Unable to find xds resources: {LISTENER}/ai/web/http")

    both = patch_policy(a_gateway(), a_route(), kinds=answered(usual, *missing), **objects)

    assert names(both, LISTENER) == ["ai/web/http", "tcp-80"]
    assert "ResourceNotFound" in outcome_losses(answered(usual, *missing))
    assert not outcome_losses(answered(both, *missing)), "one of the two names is enough"
    assert patch_policy(a_gateway(), a_route(), kinds=answered(both, *missing), **objects) == both, "and stays so"
    neither = told("ResourceNotFound", f"Unable to find xds resources: {LISTENER}/ai/web/http,{LISTENER}/tcp-80")
    assert "ResourceNotFound" in outcome_losses(answered(both, *neither))
    other = told("ResourceNotFound", f"Unable to find xds resources: {LISTENER}/tcp-80")
    assert patch_policy(a_gateway(), a_route(), kinds=answered(both, *other), **objects) == usual, "and back again"


def test_the_bypass_is_on_the_routes_that_the_policys_processor_is_on_and_off_everywhere_else() -> None:
    made = patch_policy(a_gateway(), a_route(), p=a_policy("p", route_target(), fail_open=BYPASS))

    script = made.spec["jsonPatches"][2]["operation"]
    assert script["value"]["disabled"] is True
    assert "envoy.filters.http.router" in script["jsonPath"]
    (own,) = (patch["operation"] for patch in made.spec["jsonPatches"] if patch["type"] == TABLE)
    (extension,) = of(
        planned(a_gateway(), a_route(), p=a_policy("p", route_target(), fail_open=BYPASS))[0],
        "envoyextensionpolicies",
    )
    key = f"envoy.filters.http.ext_proc/envoyextensionpolicy/{extension.key}/extproc/0"
    assert own["jsonPath"] == f"$.virtual_hosts[*].routes[?(@.typed_per_filter_config['{key}'])]"
    assert own["path"] == f"/typed_per_filter_config/{script['value']['name']}"
    context = own["value"]["config"]["filterContext"]
    assert context["cluster"] == "pool/ai/small"
    assert context["model"] == "m"
    assert "/v1/chat/completions" in context["paths"]


def test_the_bypass_names_paths_as_clients_send_them_and_the_model_as_its_server_knows_it() -> None:
    theirs = a_route("llm", {"matches": [{"path": {"type": "PathPrefix", "value": "/team"}}]})
    pool = msgspec.structs.replace(
        a_pool(), models=[Model(name="m", upstream_name="served", endpoints=["ChatCompletions"])]
    )
    own = a_policy("p", route_target(), fail_open=BYPASS)

    made = patch_policy(a_gateway(), theirs, pools={"ai/small": pool}, p=own)

    context = made.spec["jsonPatches"][-1]["operation"]["value"]["config"]["filterContext"]
    assert context["paths"] == {"/team/v1/chat/completions": True}
    assert context["model"] == "served"


def test_the_bypass_has_a_route_although_no_strategy_leads_to_its_pool() -> None:
    own = a_policy("p", route_target(), fail_open=FailOpen(pool="large", model="m"))
    found, _ = planned(a_gateway(), a_route(), p=own)

    values = {
        header["value"]
        for made in of(found, "httproutes")
        for rule in made.spec["rules"]
        for match in rule["matches"]
        for header in match["headers"]
    }
    assert "pool/ai/large" in values


def test_only_so_many_bypasses_fit_a_gateway_and_the_others_say_so() -> None:
    policies = {f"p{n:02}": a_policy(f"p{n:02}", route_target(f"r{n:02}"), fail_open=BYPASS) for n in range(18)}
    routes = [a_route(f"r{n:02}", a_rule(f"/{n:02}")) for n in range(18)]

    found, _ = planned(a_gateway(), *routes, **policies)

    (made,) = of(found, PLURAL)
    assert len(names(made, TABLE)) == MOST_BYPASSES
    crowded = [name for name, losses in found.losses.items() if any("only its first 16" in loss for loss in losses)]
    assert crowded == ["ai/p16", "ai/p17"]


def test_https_listeners_of_one_port_have_a_table_each() -> None:
    listeners = [Listener(name=name, port=443, protocol="HTTPS", hostname=f"{name}.example.com") for name in ("a", "b")]
    gateway: Gateway = a_gateway("web", *listeners)

    made = patch_policy(gateway, a_route(), p=a_policy("p", gateway_target(), fail_open=BYPASS))

    assert names(made, TABLE) == ["ai/web/a", "ai/web/b"]
    assert names(made, LISTENER) == ["ai/web/a", "ai/web/a"], "the log and the script on the one listener"


def test_an_api_server_that_takes_no_patches_holds_nothing_else_up() -> None:
    world = World()
    world.api.broken["patch"] = ApiError(403, "Forbidden", "may not")
    patch = sealed(msgspec.structs.replace(an_object("patch", 1, PLURAL), optional=True))

    assert world.round(patch, SHOWS) == ["apply patch", "apply shows"]
    assert world.again is not None, "it is tried again"
    assert "may not" in world.applier.failures[f"{PLURAL} ai/patch"]


def test_a_write_of_patches_that_failed_is_told_as_a_loss() -> None:
    found, need = planned(a_gateway(), a_route(), p=a_policy("p", route_target()))
    (made,) = of(found, PLURAL)
    held = {name: held.attached for name, held in need.policies.items()}

    of_it = tell(held, found, need, EnvoyGateway(), {f"{PLURAL} {made.key}": "could not be written: 403"})["ai/p"]

    assert "could not be written: 403" in of_it.losses
    assert not of_it.failures


def test_a_policy_is_fully_supported_where_nothing_that_it_asks_for_is_lost() -> None:
    pools = {"ai/small": a_pool(backend=SERVICE)}
    own = a_policy("p", route_target(), models=["m"])
    made = patch_policy(a_gateway(), a_route(), pools=pools, p=own)

    found, _ = planned(a_gateway(), a_route(), kinds=answered(made, *WELL), pools=pools, p=own)

    assert found.losses["ai/p"] == ()


def test_models_that_forebays_own_envoy_would_decide_alone_are_named_as_asked_about() -> None:
    named = planned(a_gateway(), a_route(), p=a_policy("p", route_target()))[0].losses["ai/p"]

    assert any("requests that name m, too" in loss for loss in named)
