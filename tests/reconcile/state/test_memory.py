"""What is remembered is what would be made anew, and nothing is made that has not changed."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_api.local import Listener
from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.envoy import hosts
from forebay_operator.envoy.assemble import assemble
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.memory import lately, latest, recalled, remembered
from forebay_operator.publication import same_routing
from forebay_operator.resources import Resource

Build = Any


def inputs_of(build: Build, **changed: Any) -> EnvoyInputs:
    pools = {"ai/small": build.pool().spec, "ai/large": build.pool("large").spec}
    policy = build.policy(
        strategies=[{"name": "plain", "direct": {"pools": [{"name": "small"}], "fallback": [{"name": "large"}]}}]
    ).spec
    made: dict[str, Any] = {
        "policies": {"ai/p": policy, "ai/q": build.policy(attach={"hostnames": ["q.test"]}).spec},
        "pools": pools,
        "backends": fixed_backends(pools),
        "data_plane": DataPlane(("127.0.0.1:1",)),
        "listeners": (Listener(),),
        **changed,
    }
    return EnvoyInputs(**made)


def parts(inputs: EnvoyInputs) -> dict[tuple[str, str], Resource]:
    snapshot = assemble(inputs)
    return {(url, name): made for url, named in snapshot.resources.items() for name, made in named.items()}


def renewed(before: dict[tuple[str, str], Resource], after: dict[tuple[str, str], Resource]) -> list[str]:
    """Names of what was made anew."""
    return [
        f"{url.rpartition('.')[2]} {name}" for (url, name), made in after.items() if before.get((url, name)) is not made
    ]


def test_a_moved_endpoint_makes_its_endpoints_anew_and_nothing_else(build: Build) -> None:
    inputs = inputs_of(build)
    moved = {**inputs.backends, "ai/small": Backend((Endpoint("127.0.0.9", 8000),))}
    before, after = parts(inputs), parts(msgspec.structs.replace(inputs, backends=moved))
    assert renewed(before, after) == ["ClusterLoadAssignment pool/ai/small"]


def test_a_changed_policy_makes_the_route_table_anew_and_nothing_else(build: Build) -> None:
    inputs = inputs_of(build)
    edited = {**inputs.policies, "ai/q": build.policy(attach={"hostnames": ["r.test"]}).spec}
    before, after = parts(inputs), parts(msgspec.structs.replace(inputs, policies=edited))
    assert renewed(before, after) == ["RouteConfiguration forebay"]


def test_what_is_remembered_is_what_would_be_made(build: Build) -> None:
    first, again = inputs_of(build), inputs_of(build)
    assert first.policies["ai/p"] is not again.policies["ai/p"]
    assert assemble(first) == assemble(again)


def test_servers_and_credentials_alone_need_no_bridge(build: Build) -> None:
    inputs = inputs_of(build)
    moved = msgspec.structs.replace(inputs, backends={}, secrets={"ai/small": "x"})
    assert same_routing(inputs, moved)
    assert not same_routing(inputs, msgspec.structs.replace(inputs, missing_secrets=frozenset({"ai/small"})))
    assert not same_routing(inputs, msgspec.structs.replace(inputs, policies={}))


def test_a_table_that_would_not_fit_does_without_native_routes(build: Build, monkeypatch: Any) -> None:
    from forebay_decision.native import NativeModel

    native = {"ai/p": (NativeModel("m", "ai/small", ("Embeddings",), 100, ()),)}
    bare, full = inputs_of(build), inputs_of(build, native=native)
    assert hosts.route_table(full) != hosts.route_table(bare)
    monkeypatch.setattr(hosts, "NATIVE_ROOM", 100)
    assert b"native/m" not in hosts.route_table(full).value


class Made:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *_: object) -> int:
        self.times += 1
        return self.times


def test_by_content_equal_questions_are_one() -> None:
    made = remembered(Made())
    assert [made(("a", 1)), made(("a", 1)), made(("a", 2))] == [1, 1, 2]


def test_of_each_name_the_last_answer_is_kept_for_the_same_objects() -> None:
    made, one, twin = recalled(Made()), ["a"], ["a"]
    assert [made("x", one), made("x", one), made("y", one), made("x", twin), made("x", twin)] == [1, 1, 2, 3, 3]


def test_few_questions_about_everything_are_kept_and_equal_objects_are_not_the_same() -> None:
    made, objects = lately(Made()), [["a"] for _ in range(4)]
    assert [made(one) for one in objects] == [1, 2, 3, 4]
    assert [made(one) for one in reversed(objects)] == [4, 3, 2, 5]


def test_an_object_that_is_gone_lends_its_place_to_no_other() -> None:
    made = recalled(Made())
    assert len({made("x", [number]) for number in range(200)}) == 200


def test_the_latest_question_is_kept_for_as_long_as_it_stays_equal() -> None:
    made = latest(Made())
    assert [made({"a": 1}), made({"a": 1}), made({"a": 2}), made({"a": 1})] == [1, 1, 2, 3]
