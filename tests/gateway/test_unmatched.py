"""What an HTTPRoute of ours becomes before it goes: matched by nothing, and what its rules lead to stays."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from forebay_operator.gateway.comparison import sealed
from forebay_operator.gateway.envoy_gateway.patches.begun import Begun
from forebay_operator.gateway.envoy_gateway.routes import beside
from forebay_operator.gateway.envoy_gateway.standing import routed
from forebay_operator.gateway.implementation import Generated
from forebay_operator.gateway.naming import ROUTE
from forebay_operator.gateway.objects import ParentRef, ParentStatus, Said, Standing, Stored
from forebay_operator.gateway.unmatched import NOTHING, led_by, unmatched

from .builders import CONTROLLERS, OURS, a_gateway, a_policy, a_route, attached, facts, meta, route_target

VALUES = ("pool/ai/small.2", "chain/ai/p/careful/ai/large")


def a_match(value: str, type_: str = "Exact", **more: Any) -> dict[str, Any]:
    ours = {"type": type_, "name": "x-forebay-cluster", "value": value}
    return {"path": {"type": "PathPrefix", "value": "/v1"}, "headers": [*more.get("headers", ()), ours]}


def ours() -> Stored:
    """One rule for each value, and one that answers what no pool does."""
    theirs = {"type": "Exact", "name": "team", "value": "blue"}
    rules = [
        {"matches": [a_match(VALUES[0]), a_match(VALUES[0], headers=[theirs])], "backendRefs": [{"name": "small"}]},
        {"matches": [a_match(VALUES[1])], "backendRefs": [{"name": "large"}], "timeouts": {"request": "600s"}},
        {"matches": [a_match(".+", "RegularExpression")], "filters": [{"type": "ExtensionRef"}]},
    ]
    spec = {"parentRefs": [{"name": "web"}], "hostnames": ["a.example"], "rules": rules}
    return Stored(metadata=meta("forebay-llm-1", labels={ROUTE: "p of llm"}), spec=spec)


def passed() -> Generated:
    made = unmatched("httproutes", ours())
    assert made is not None
    return made


def test_no_request_is_matched_any_more() -> None:
    rules = passed().spec["rules"]
    asked = [
        [h for h in match["headers"] if h["name"] == "x-forebay-cluster"] for rule in rules for match in rule["matches"]
    ]

    assert [len(found) for found in asked] == [1, 1, 1, 1]
    for (header,) in asked:
        assert header["type"] == "RegularExpression"
        assert not any(re.fullmatch(header["value"], value) for value in (*VALUES, "", header["value"], NOTHING))


def test_all_else_of_it_stays_by_which_its_servers_are_called() -> None:
    was, left = ours().spec, passed().spec

    assert {**left, "rules": None} == {**was, "rules": None}
    for before, after in zip(was["rules"], left["rules"], strict=True):
        assert {**after, "matches": None} == {**before, "matches": None}
        assert [match["path"] for match in after["matches"]] == [match["path"] for match in before["matches"]]
    assert left["rules"][0]["matches"][1]["headers"][0] == was["rules"][0]["matches"][1]["headers"][0], "the user's"


def test_it_is_nobodys_and_known_by_its_labels() -> None:
    left = passed()

    assert (left.owner, left.keeper, left.labels) == (None, None, {ROUTE: "p of llm"})
    assert left == sealed(left)


def test_it_changes_once() -> None:
    left = passed()

    assert unmatched("httproutes", Stored(metadata=meta(left.name, labels=left.labels), spec=left.spec)) is None


def test_what_it_led_to_is_still_told() -> None:
    found = Begun("ai/forebay-llm-1", passed().spec, ()).rules()

    assert {value: [number for number, _ in rules] for value, rules in found.items()} == {
        VALUES[0]: [0],
        VALUES[1]: [1],
    }
    assert led_by({"name": "x-forebay-cluster", "type": "RegularExpression", "value": NOTHING}) is None
    assert led_by({"name": "team", "value": "blue"}) is None


def test_no_new_version_relies_on_it() -> None:
    world = facts(a_gateway(), a_route())
    policy = a_policy("p", route_target())
    own = attached(world, policy)
    labels = {ROUTE: beside("ai/p", "ai/llm")}
    conditions = (Said(type="Accepted", status="True", observed_generation=1),)
    status = Standing(parents=(ParentStatus(ParentRef(name="web"), OURS, conditions),))

    def values(spec: dict[str, Any]) -> frozenset[str]:
        stored = Stored(metadata=meta("forebay-llm-1", labels=labels), spec=spec, status=status)
        seen = msgspec.structs.replace(world, routes={**world.routes, "ai/forebay-llm-1": stored})
        return routed(own, seen, CONTROLLERS)["ai/p"]

    assert values(ours().spec) == set(VALUES)
    assert values(passed().spec) == set()
