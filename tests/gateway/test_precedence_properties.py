"""Whatever there is, and in whatever order it is told: each spot has one owner, and nothing depends on the order."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from forebay_api.policy import RoutingPolicy, TargetRef
from forebay_operator.gateway.attach import attach
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.objects import Listener

from .builders import CONTROLLERS, a_gateway, a_policy, a_route, a_rule, facts

LISTENERS = (Listener(name="a"), Listener(name="b", hostname="*.example.com"))
TARGETS = st.one_of(
    st.builds(
        lambda name, section: TargetRef(kind="Gateway", name=name, section_name=section),
        st.sampled_from(["web", "other", "missing"]),
        st.sampled_from([None, "a", "b", "nope"]),
    ),
    st.builds(
        lambda name, section: TargetRef(kind="HTTPRoute", name=name, section_name=section),
        st.sampled_from(["r0", "r1", "missing"]),
        st.sampled_from([None, "one", "two"]),
    ),
)


@st.composite
def policies(draw: st.DrawFn) -> dict[str, RoutingPolicy]:
    found = {}
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)):
        targets = draw(st.lists(TARGETS, min_size=1, max_size=3))
        mode = draw(st.sampled_from(["Enforce", "Enforce", "Shadow"]))
        found[f"ai/{name}"] = a_policy(name, *targets, age=draw(st.integers(0, 3)), mode=mode)
    return found


def world() -> GatewayFacts:
    named = (a_rule("/v1", name="one"), a_rule("/x/v1", name="two"))
    return facts(
        a_gateway("web", *LISTENERS),
        a_gateway("other", *LISTENERS),
        a_route("r0", *named, parents=("web", "other")),
        a_route("r1", *named, parents=("web",)),
    )


@given(policies(), st.randoms())
def test_nothing_depends_on_the_order_in_which_policies_are_told(
    found: dict[str, RoutingPolicy], random: Random
) -> None:
    names = list(found)
    random.shuffle(names)

    assert attach(found, world(), CONTROLLERS) == attach({n: found[n] for n in names}, world(), CONTROLLERS)


@given(policies())
def test_a_spot_has_at_most_one_enforce_policy(found: dict[str, RoutingPolicy]) -> None:
    got = attach(found, world(), CONTROLLERS)

    spots = [spot for name, own in got.items() if found[name].spec.mode == "Enforce" for spot in own.spots]
    assert len(spots) == len(set(spots))


@given(policies())
def test_a_conflict_names_a_policy_that_has_the_target_and_is_no_younger(found: dict[str, RoutingPolicy]) -> None:
    got = attach(found, world(), CONTROLLERS)

    for name, own in got.items():
        for finding in own.findings:
            if finding.reason == "Conflicted":
                winner = finding.message.split()[1]
                rank = {n: (p.metadata.creation_timestamp, n) for n, p in found.items()}
                assert rank[winner] < rank[name]
                assert not any(winner in f.message for f in got[winner].findings)


@given(policies())
def test_every_target_is_held_or_has_a_finding(found: dict[str, RoutingPolicy]) -> None:
    for name, own in attach(found, world(), CONTROLLERS).items():
        keys = {(t.kind, f"ai/{t.name}", t.section_name) for t in found[name].spec.target_refs}
        assert bool(keys - set(own.targets)) == bool(own.findings)
