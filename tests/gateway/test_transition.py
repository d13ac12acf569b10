"""In which order a gateway and the data planes learn of a change, with time passed in."""

from __future__ import annotations

import msgspec

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.wire import Origin, Place
from forebay_decision.attachment import placed
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.placing import place
from forebay_operator.gateway.transition import LINGER_SECONDS, PATIENCE_SECONDS, SETTLE_SECONDS, Transition

from .builders import a_policy, route_target

HERE = (Place(hostnames=("*",), prefix="/v1"),)
ELSEWHERE = (Place(hostnames=("*",), prefix="/x/v1", base="/x"),)
SMALL, LARGE = frozenset({"pool/ai/small"}), frozenset({"pool/ai/large"})


def resolved(
    name: str, *pools: str, places: tuple[Place, ...] = HERE, mode: str = "Enforce"
) -> dict[str, RoutingPolicy]:
    key = f"ai/{name}"
    return dict(place({key: a_policy(name, route_target(), pools=pools, mode=mode)}, {key: Attached(places=places)}))


def pools_of(policy: RoutingPolicy) -> list[str]:
    return [strategy.direct.pools[0].name for strategy in policy.spec.strategies]


def test_a_new_policy_waits_for_nothing() -> None:
    step = Transition().step(resolved("p", "small"), {}, {"ai/p": SMALL}, 0.0)

    assert pools_of(step.policies["ai/p"]) == ["small"]
    assert (step.also, step.pending, step.again) == ({}, frozenset(), None)


def test_a_version_with_another_pool_waits_until_the_gateway_has_routed_it() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {"ai/p": SMALL}, {"ai/p": SMALL}, 0.0)

    waiting = transition.step(resolved("p", "large"), {"ai/p": SMALL}, {"ai/p": LARGE}, 1.0)
    assert pools_of(waiting.policies["ai/p"]) == ["small"]
    assert waiting.pending == {"ai/p"}
    assert [s.strategies[0].name for s in waiting.also["ai/p"]] == ["to-large"]

    routed = {"ai/p": SMALL | LARGE}
    settling = transition.step(resolved("p", "large"), routed, {"ai/p": LARGE}, 2.0)
    assert settling.pending == {"ai/p"}, "accepted is not served yet"
    assert settling.again == SETTLE_SECONDS
    out = transition.step(resolved("p", "large"), routed, {"ai/p": LARGE}, 2.0 + SETTLE_SECONDS)
    assert pools_of(out.policies["ai/p"]) == ["large"]
    assert out.pending == frozenset()
    assert [s.strategies[0].name for s in out.also["ai/p"]] == ["to-small"], "requests under way still go there"

    later = transition.step(resolved("p", "large"), routed, {"ai/p": LARGE}, 3.0 + SETTLE_SECONDS + LINGER_SECONDS)
    assert later.also == {}


def test_a_shadow_policy_waits_for_no_route_nor_does_what_was_one() -> None:
    transition = Transition()
    transition.step(resolved("p", "small", mode="Shadow"), {}, {"ai/p": SMALL}, 0.0)

    edited = transition.step(resolved("p", "large", mode="Shadow"), {}, {"ai/p": LARGE}, 1.0)
    assert pools_of(edited.policies["ai/p"]) == ["large"]

    enforced = transition.step(resolved("p", "small"), {}, {"ai/p": SMALL}, 2.0)
    assert pools_of(enforced.policies["ai/p"]) == ["small"]


def test_an_edit_that_an_operator_has_missed_waits_for_its_routes_as_any_other() -> None:
    before = resolved("p", "small")["ai/p"].spec
    transition = Transition()
    transition.recall({"ai/p": PolicySpec(**{f: getattr(before, f) for f in PolicySpec.__struct_fields__})}, 0.0)

    waiting = transition.step(resolved("p", "large"), {"ai/p": SMALL}, {"ai/p": LARGE}, 1.0)

    assert pools_of(waiting.policies["ai/p"]) == ["small"]
    assert placed(waiting.policies["ai/p"].spec) == HERE
    assert waiting.pending == {"ai/p"}


def test_what_was_published_before_and_is_the_same_now_waits_for_nothing() -> None:
    transition = Transition()
    gone = resolved("gone", "large", places=ELSEWHERE)["ai/gone"].spec
    transition.recall({"ai/p": resolved("p", "small")["ai/p"].spec, "ai/gone": gone}, -LINGER_SECONDS)

    step = transition.step(resolved("p", "small"), {}, {"ai/p": SMALL}, 0.0)

    assert (set(step.policies), step.pending, step.also) == ({"ai/p"}, frozenset(), {})


def test_a_gateway_that_says_nothing_holds_nobody_up_for_ever() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {"ai/p": SMALL}, 0.0)
    first = transition.step(resolved("p", "large"), {}, {"ai/p": LARGE}, 1.0)
    assert first.again == PATIENCE_SECONDS

    out = transition.step(resolved("p", "large"), {}, {"ai/p": LARGE}, 1.0 + PATIENCE_SECONDS)

    assert pools_of(out.policies["ai/p"]) == ["large"]


def test_a_version_that_names_a_missing_pool_is_judged_at_once() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {"ai/p": SMALL}, 0.0)

    assert pools_of(transition.step(resolved("p", "gone"), {}, {}, 1.0).policies["ai/p"]) == ["gone"]


def test_a_deleted_policy_answers_until_the_gateway_asks_no_more() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)

    soon = transition.step({}, {}, {}, 1.0)
    assert placed(soon.policies["ai/p"].spec) == HERE
    assert soon.again == LINGER_SECONDS - 1.0

    assert transition.step({}, {}, {}, LINGER_SECONDS).policies == {}


def test_a_deleted_policy_answers_for_as_long_as_the_gateway_shows_it_requests() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)
    assert transition.known == {"ai/p"}

    for now in range(1, 40):
        step = transition.step({}, {}, {}, float(now), {"ai/p"})
        assert placed(step.policies["ai/p"].spec) == HERE
    assert transition.known == {"ai/p"}

    assert transition.step({}, {}, {}, 48.0).policies.keys() == {"ai/p"}
    assert transition.step({}, {}, {}, 39.0 + LINGER_SECONDS).policies == {}


def test_what_a_policy_has_left_lingers_no_longer_for_being_shown_elsewhere() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0, {"ai/p"})
    moved_on = resolved("p", "small", places=ELSEWHERE)
    transition.step(moved_on, {}, {}, 1.0, {"ai/p"})

    assert placed(transition.step(moved_on, {}, {}, LINGER_SECONDS, {"ai/p"}).policies["ai/p"].spec) == ELSEWHERE


def test_a_policy_that_was_deleted_while_there_was_no_operator_answers_until_the_gateway_asks_no_more() -> None:
    transition = Transition()
    transition.recall({"ai/p": resolved("p", "small")["ai/p"].spec}, 0.0)

    soon = transition.step({}, {}, {}, 1.0)
    assert (placed(soon.policies["ai/p"].spec), pools_of(soon.policies["ai/p"])) == (HERE, ["small"])

    assert transition.step({}, {}, {}, LINGER_SECONDS).policies == {}


def test_a_policy_that_becomes_a_shadow_answers_until_the_gateway_asks_no_more() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)
    shadow = resolved("p", "large", mode="Shadow")

    soon = transition.step(shadow, {}, {}, 1.0)
    assert (soon.policies["ai/p"].spec.mode, placed(soon.policies["ai/p"].spec)) == ("Enforce", HERE)
    assert pools_of(soon.policies["ai/p"]) == ["small"]
    assert soon.leaving == soon.pending == {"ai/p"}, "the gateway is to show it nothing more"
    assert soon.again == LINGER_SECONDS - 1.0

    edited = transition.step(resolved("p", "small", "large", mode="Shadow"), {}, {}, 2.0)
    assert edited.leaving == {"ai/p"}
    assert edited.again == LINGER_SECONDS - 2.0, "an edit makes it no longer"

    later = transition.step(shadow, {}, {}, LINGER_SECONDS)
    assert (later.policies["ai/p"].spec.mode, placed(later.policies["ai/p"].spec)) == ("Shadow", HERE)
    assert (later.leaving, later.pending) == (frozenset(), frozenset())


def test_a_policy_that_becomes_a_shadow_and_enforces_again_meanwhile_is_what_it_was() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)
    transition.step(resolved("p", "small", mode="Shadow"), {}, {}, 1.0)

    back = transition.step(resolved("p", "small"), {}, {}, 2.0)

    assert placed(back.policies["ai/p"].spec) == HERE
    assert (back.leaving, back.pending) == (frozenset(), frozenset())


def test_a_policy_that_becomes_a_shadow_lets_go_of_what_another_one_takes() -> None:
    transition = Transition()
    both = {"ai/p": SMALL, "ai/q": LARGE}
    transition.step(resolved("p", "small"), {}, both, 0.0)
    change = resolved("p", "small", mode="Shadow") | resolved("q", "large")

    first = transition.step(change, {}, both, 1.0)
    assert (placed(first.policies["ai/p"].spec), placed(first.policies["ai/q"].spec)) == (HERE, ())
    transition.step(change, {"ai/q": LARGE}, both, 2.0)

    then = transition.step(change, {"ai/q": LARGE}, both, 2.0 + SETTLE_SECONDS)
    assert (placed(then.policies["ai/p"].spec), placed(then.policies["ai/q"].spec)) == ((), HERE)


def test_a_shadow_policy_takes_no_place_from_one_that_is_deleted() -> None:
    transition = Transition()
    shadow = resolved("s", "large", mode="Shadow")
    transition.step(resolved("p", "small") | shadow, {}, {}, 0.0)

    assert placed(transition.step(shadow, {}, {}, 1.0).policies["ai/p"].spec) == HERE
    assert set(transition.step({}, {}, {}, LINGER_SECONDS).policies) == set(), "and needs none when it goes"


def test_a_deleted_policy_answers_for_as_long_as_the_one_in_its_stead_waits() -> None:
    transition = Transition()
    needs = {"ai/q": LARGE}
    transition.step(resolved("p", "small"), {}, {}, 0.0)

    for now in range(1, int(PATIENCE_SECONDS) + 1):
        step = transition.step(resolved("q", "large"), {}, needs, float(now))
        assert (placed(step.policies["ai/p"].spec), placed(step.policies["ai/q"].spec)) == (HERE, ())

    done = transition.step(resolved("q", "large"), {}, needs, 1.0 + PATIENCE_SECONDS)
    assert placed(done.policies["ai/q"].spec) == HERE
    assert "ai/p" not in done.policies


def test_a_place_that_another_policy_takes_is_let_go_at_once() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)

    assert set(transition.step(resolved("q", "large"), {}, {}, 1.0).policies) == {"ai/q"}


def test_a_place_that_a_policy_leaves_is_kept_for_a_while() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)

    moved = transition.step(resolved("p", "small", places=ELSEWHERE), {}, {}, 1.0)
    assert placed(moved.policies["ai/p"].spec) == (*ELSEWHERE, *HERE)

    after = transition.step(resolved("p", "small", places=ELSEWHERE), {}, {}, LINGER_SECONDS)
    assert placed(after.policies["ai/p"].spec) == ELSEWHERE


def test_policies_with_attach_pass_through() -> None:
    plain = {"ai/a": a_policy("a")}

    assert Transition().step(plain, {}, {}, 0.0).policies == plain


def test_a_policy_that_has_attach_instead_of_targets_answers_at_those_until_the_gateway_asks_no_more() -> None:
    transition = Transition()
    transition.step(resolved("p", "small"), {}, {}, 0.0)
    plain = {"ai/p": a_policy("p", pools=("large",))}

    soon = transition.step(plain, {}, {}, 1.0)
    assert (placed(soon.policies["ai/p"].spec), pools_of(soon.policies["ai/p"])) == (HERE, ["small"])
    assert soon.again == LINGER_SECONDS - 1.0

    assert transition.step(plain, {}, {}, LINGER_SECONDS).policies == plain

    transition.step(resolved("p", "small"), {}, {}, 20.0)
    taken = transition.step(plain | resolved("q", "large"), {}, {}, 21.0)
    assert taken.policies["ai/p"] == plain["ai/p"], "another policy has its place"


def by_route(name: str, route: str) -> dict[str, RoutingPolicy]:
    """A policy of which the gateway says by which route its requests come."""
    (policy,) = resolved(name, "small").values()
    places = tuple(msgspec.structs.replace(found, origins=(Origin(route),)) for found in HERE)
    return {f"ai/{name}": msgspec.structs.replace(policy, spec=msgspec.structs.replace(policy.spec, places=places))}


def test_a_place_that_another_policy_has_by_another_route_is_kept_all_the_same() -> None:
    transition = Transition()
    mine, theirs = by_route("p", "in"), by_route("q", "out")
    transition.step(mine | theirs, {}, {}, 0.0)

    soon = transition.step(theirs, {}, {}, 1.0)

    assert placed(soon.policies["ai/p"].spec) == placed(mine["ai/p"].spec)
    assert set(transition.step(theirs, {}, {}, LINGER_SECONDS).policies) == {"ai/q"}


def test_a_route_that_another_policy_takes_is_let_go_at_once() -> None:
    transition = Transition()
    transition.step(by_route("p", "in"), {}, {}, 0.0)

    assert set(transition.step(by_route("q", "in"), {}, {}, 1.0).policies) == {"ai/q"}


def test_a_place_that_goes_to_another_policy_stays_the_formers_until_the_gateway_has_the_others_routes() -> None:
    transition = Transition()
    wide, narrow = by_route("wide", "elsewhere"), by_route("narrow", "here")
    both = wide | narrow
    needs = {"ai/wide": SMALL, "ai/narrow": SMALL}
    transition.step(both, dict.fromkeys(both, SMALL), needs, 0.0)
    (own,) = placed(wide["ai/wide"].spec) or ()
    (theirs,) = placed(narrow["ai/narrow"].spec) or ()
    grown = {"ai/wide": msgspec.structs.replace(wide["ai/wide"], spec=msgspec.structs.replace(
        wide["ai/wide"].spec, places=(own, theirs)))}  # fmt: skip

    waiting = transition.step(grown, {}, needs, 1.0)
    assert placed(waiting.policies["ai/wide"].spec) == (own,)
    assert placed(waiting.policies["ai/narrow"].spec) == (theirs,), "the deleted policy answers there"
    assert waiting.pending == {"ai/wide"}

    routed = transition.step(grown, {"ai/wide": SMALL}, needs, 2.0)
    assert routed.again == SETTLE_SECONDS
    done = transition.step(grown, {"ai/wide": SMALL}, needs, 2.0 + SETTLE_SECONDS)
    assert set(done.policies) == {"ai/wide"}
    assert set(placed(done.policies["ai/wide"].spec) or ()) == {own, theirs}
    assert not done.pending


def test_a_new_policy_with_a_place_of_another_ones_waits_for_its_routes_and_not_for_ever() -> None:
    transition = Transition()
    wide, narrow = by_route("wide", "here"), by_route("narrow", "here")
    needs = {"ai/wide": SMALL, "ai/narrow": SMALL}
    transition.step(wide, {"ai/wide": SMALL}, needs, 0.0)
    without = {"ai/wide": msgspec.structs.replace(wide["ai/wide"], spec=msgspec.structs.replace(
        wide["ai/wide"].spec, places=()))}  # fmt: skip

    soon = transition.step(without | narrow, {"ai/wide": SMALL}, needs, 1.0)
    assert placed(soon.policies["ai/narrow"].spec) == ()
    assert placed(soon.policies["ai/wide"].spec) == placed(wide["ai/wide"].spec)

    late = transition.step(without | narrow, {"ai/wide": SMALL}, needs, 1.0 + PATIENCE_SECONDS)
    assert placed(late.policies["ai/narrow"].spec) == placed(narrow["ai/narrow"].spec)
    assert placed(late.policies["ai/wide"].spec) == ()


def moved(policy: RoutingPolicy, *places: Place) -> dict[str, RoutingPolicy]:
    return {"ai/p": msgspec.structs.replace(policy, spec=msgspec.structs.replace(policy.spec, places=places))}


def at(prefix: str, rule: int) -> Place:
    return Place(hostnames=("*",), prefix=prefix, origins=(Origin(f"httproute/ai/llm/rule/{rule}"),))


def test_what_is_new_where_requests_are_shown_already_waits_for_its_routes_since_each_decision_needs_one() -> None:
    transition = Transition()
    (policy,) = resolved("p", "small").values()
    needs, routed, shown = {"ai/p": SMALL}, {"ai/p": SMALL}, {"ai/p"}
    transition.step(moved(policy, at("/a", 0)), routed, needs, 0.0, shown)
    grown = moved(policy, at("/a", 0), at("/b", 1))

    soon = transition.step(grown, {}, needs, 1.0, shown)
    assert placed(soon.policies["ai/p"].spec) == (at("/a", 0),)
    assert soon.pending == {"ai/p"}
    transition.step(grown, routed, needs, 2.0, shown)

    then = transition.step(grown, routed, needs, 2.0 + SETTLE_SECONDS, shown)
    assert placed(then.policies["ai/p"].spec) == (at("/a", 0), at("/b", 1))
    assert not transition.step(grown, routed, needs, 9.0, shown).pending


def test_a_rule_that_gets_another_number_waits_for_nothing() -> None:
    transition = Transition()
    (policy,) = resolved("p", "small").values()
    transition.step(moved(policy, at("/a", 0)), {}, {"ai/p": SMALL}, 0.0, {"ai/p"})

    step = transition.step(moved(policy, at("/b", 0), at("/a", 1)), {}, {"ai/p": SMALL}, 1.0, {"ai/p"})

    assert at("/a", 1) in (placed(step.policies["ai/p"].spec) or ())
    assert at("/b", 0) not in (placed(step.policies["ai/p"].spec) or ())


def test_what_is_new_where_no_requests_are_shown_yet_waits_for_nothing() -> None:
    transition = Transition()
    (policy,) = resolved("p", "small").values()
    transition.step(moved(policy, at("/a", 0)), {}, {"ai/p": SMALL}, 0.0)

    step = transition.step(moved(policy, at("/a", 0), at("/b", 1)), {}, {"ai/p": SMALL}, 1.0)

    assert not step.pending
