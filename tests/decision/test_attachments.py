"""Attachments as they are looked up: the same as by asking each one, and in a time that their number is no part of."""

from __future__ import annotations

import time

import pytest
from builders import a_policy, a_pool
from hypothesis import given
from hypothesis import strategies as st

from forebay_api.policy import Attach
from forebay_api.wire import Origin, Place, PlacedSpec
from forebay_decision.attachment import Attachment, attachments
from forebay_decision.attachments import Attachments
from forebay_decision.compile import compile_config
from forebay_decision.compiled import CompiledConfig

POOLS = {"ai/small": a_pool()}
labels = st.sampled_from(["a", "b", "com", "example", ""])
names = st.lists(labels, min_size=1, max_size=5).map(".".join)
hostnames = names | names.map("*.{}".format) | st.just("*")
segments = st.lists(st.sampled_from(["a", "b", "v1", ""]), max_size=4)
paths = segments.map(lambda parts: "/" + "/".join(parts)) | st.sampled_from(["", "*", "a/b", "?a", "/a?b/c"])
places = st.builds(
    lambda hosts, prefix: Attach(hostnames=hosts, path_prefix=prefix),
    st.lists(hostnames, min_size=1, max_size=3, unique=True),
    st.sampled_from(["/", "/a", "/a/b", "/a/b/v1", "/b"]),
)


@given(st.dictionaries(st.sampled_from([f"ai/p{n}" for n in range(6)]), places), names, paths)
def test_a_look_up_finds_what_asking_each_attachment_finds(attached: dict[str, Attach], host: str, path: str) -> None:
    ordered = attachments(attached)

    found = list(Attachments(ordered).holding(host, path))

    assert found == [a for a in ordered if a.covers(host) and a.holds(path)]


def test_a_host_or_path_of_many_parts_takes_no_time() -> None:
    made = Attachments([Attachment("*.example.com", "/a/b", "ai/p"), Attachment("*", "", "ai/q")])
    host, path = "a." * 30_000 + "com", "/a" * 30_000
    began = time.thread_time()

    assert [a.policy for a in made.holding(host, path)] == ["ai/q"]

    assert time.thread_time() - began < 0.05


def test_a_thousand_policies_are_looked_up_as_soon_as_one() -> None:
    def seconds(number: int) -> float:
        made = Attachments(Attachment(f"h{n}.example.com", "/team", f"ai/p{n}") for n in range(number))
        best = 1.0
        for _ in range(20):
            began = time.thread_time()
            for _ in range(100):
                next(made.holding("h0.example.com", "/team/v1/chat/completions"), None)
            best = min(best, time.thread_time() - began)
        return best

    assert seconds(1000) < 5 * seconds(1)


# --- by the gateway's route


def config(**policies: PlacedSpec | dict[str, object]) -> CompiledConfig:
    made = {f"ai/{name}": spec if isinstance(spec, PlacedSpec) else a_policy(**spec) for name, spec in policies.items()}
    compiled, errors = compile_config(made, POOLS, revision="r", encoders=lambda _kind: None)
    assert errors == {}
    return compiled


def placed(*places: Place, **fields: object) -> PlacedSpec:
    spec = a_policy(**fields)
    return PlacedSpec(
        **{name: getattr(spec, name) for name in spec.__struct_fields__ if name != "places"}, places=tuple(places)
    )


def behind(route: str, *gateways: str, hosts: tuple[str, ...] = ("*",), prefix: str = "", base: str = "") -> Place:
    origins = tuple(Origin(f"httproute/ai/{route}", gateway) for gateway in gateways or ("",))
    return Place(hostnames=hosts, prefix=prefix, base=base, origins=origins)


def came_by(route: str, gateway: str = "") -> Origin:
    return Origin(f"httproute/ai/{route}", gateway)


def policy_of(of: CompiledConfig, *asked: object, **more: bool) -> str | None:
    found = of.match(*asked, **more).policy  # type: ignore[arg-type]
    return found and found.name


def test_a_route_says_whose_a_request_is_where_host_and_path_do_not() -> None:
    compiled = config(inside=placed(behind("in/rule/0")), outside=placed(behind("out/rule/0")))

    for route in ("in", "out"):
        origin = came_by(f"{route}/rule/0/match/0/llm_example_com")
        assert policy_of(compiled, "h", "/v1/models", origin) == f"ai/{route}side"


def test_rules_of_one_route_are_told_apart_by_their_number() -> None:
    compiled = config(one=placed(behind("llm/rule/1")), ten=placed(behind("llm/rule/10")))

    assert policy_of(compiled, "h", "/", came_by("llm/rule/1/match/0/*")) == "ai/one"
    assert policy_of(compiled, "h", "/", came_by("llm/rule/10/match/0/*")) == "ai/ten"


def test_one_route_behind_two_gateways_is_told_apart_by_what_they_say() -> None:
    compiled = config(
        first=placed(behind("llm/rule/0", "", "secret-a")), second=placed(behind("llm/rule/0", "secret-b"))
    )

    def policy(gateway: str) -> str | None:
        return policy_of(compiled, "h", "/", came_by("llm/rule/0/match/0/*", gateway))

    assert [policy(gateway) for gateway in ("secret-a", "secret-b", "", "guessed")] == [
        "ai/first",
        "ai/second",
        "ai/first",
        "ai/first",
    ]


def test_the_path_says_what_is_taken_off_and_the_route_whose_it_is() -> None:
    mine = placed(behind("llm/rule/0"), behind("llm/rule/0", prefix="/team", base="/team"))
    compiled = config(mine=mine, theirs=placed(behind("other/rule/0", prefix="/team/v1", base="/team")))

    match = compiled.match("h", "/team/v1/models", came_by("llm/rule/0/match/1/*"))

    assert match.policy is not None
    assert (match.policy.name, match.policy.prefix) == ("ai/mine", "/team")


@pytest.mark.parametrize(
    ("host", "path", "route"),
    [
        ("h", "/v1", "llm/rule/7/match/0/h"),
        ("h", "/v1", "new/rule/0/match/0/h"),
        ("added", "/v1", "llm/rule/0/match/0/added"),
        ("h", "/added", "llm/rule/0/match/1/h"),
    ],
    ids=["rule", "route", "host", "path"],
)
def test_what_nobody_has_told_of_yet_is_nobodys_since_no_pool_has_a_route_there(
    host: str, path: str, route: str
) -> None:
    compiled = config(mine=placed(behind("llm/rule/0", hosts=("h",), prefix="/v1")))

    assert policy_of(compiled, host, path, came_by(route)) is None
    assert policy_of(compiled, "h", "/v1/models", came_by("llm/rule/0/match/0/h")) == "ai/mine"


def test_a_name_of_a_form_that_is_not_known_leaves_it_to_host_and_path() -> None:
    compiled = config(mine=placed(behind("llm/rule/0", hosts=("h",))))

    assert policy_of(compiled, "h", "/v1", Origin("somehow/else")) == "ai/mine"
    assert policy_of(compiled, "x", "/v1", Origin("somehow/else")) is None


def test_a_route_that_is_not_known_answers_nobody_who_brings_our_routing_header() -> None:
    compiled = config(mine=placed(behind("llm/rule/0", hosts=("h",))))

    assert policy_of(compiled, "h", "/v1", came_by("forged/rule/0"), known=True) is None
    assert policy_of(compiled, "h", "/v1", came_by("llm/rule/0"), known=True) == "ai/mine"


def test_policies_with_attach_and_those_with_targets_never_answer_for_each_other() -> None:
    compiled = config(
        own={"attach": {"hostnames": ["*"], "pathPrefix": "/"}},
        theirs=placed(behind("llm/rule/0", hosts=("llm.example.com",))),
    )

    assert policy_of(compiled, "llm.example.com", "/v1/models") == "ai/own", "Forebay's own Envoy names no route"
    assert policy_of(compiled, "llm.example.com", "/v1/models", came_by("llm/rule/0/match/0/x")) == "ai/theirs"
    assert policy_of(compiled, "elsewhere", "/v1/models", came_by("llm/rule/9")) is None


def test_shadows_come_with_the_route_and_once_each() -> None:
    twice = (behind("llm/rule/0"), behind("llm/rule/0", prefix="/v1"))
    compiled = config(
        real=placed(*twice),
        beside=placed(*twice, mode="Shadow"),
        elsewhere=placed(behind("other/rule/0"), mode="Shadow"),
    )

    match = compiled.match("h", "/v1/models", came_by("llm/rule/0/match/0/*"))

    assert [shadow.name for shadow in match.shadows] == ["ai/beside"]
