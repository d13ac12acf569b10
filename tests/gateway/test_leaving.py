"""When what shows requests lets go of a target, and when it and what it needs may go."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from forebay_operator.cluster.gateway.applier import FIRST_SECONDS, body
from forebay_operator.cluster.gateway.batch import FEW
from forebay_operator.cluster.gateway.leaving import (
    MOMENT_SECONDS,
    MOST_OVER_SECONDS,
    OVER_SECONDS,
    PASSED_SECONDS,
)
from forebay_operator.cluster.gateway.ways import WAY_SECONDS
from forebay_operator.gateway.comparison import sealed
from forebay_operator.gateway.implementation import Generated
from forebay_operator.gateway.naming import BESIDE, INSTALLATION, ROUTE, SHOWN
from forebay_operator.gateway.objects import Stored
from forebay_operator.gateway.showing import between, leaves, ours, retired, shows, way

from .builders import meta
from .test_applier import World, an_http_route, passed

PLURAL = "envoyextensionpolicies"
P, Q = frozenset({"ai/p"}), frozenset({"ai/q"})


def target(name: str) -> dict[str, str]:
    return {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": name}


def showing(policy: str, *targets: str, **more: Any) -> Generated:
    """What shows a policy requests of some routes."""
    spec = {"targetRefs": [target(name) for name in targets], "targetSelectors": [ours(policy)], **more}
    labels = {INSTALLATION: "i", SHOWN: policy}
    return sealed(Generated(PLURAL, "ai", f"shows-{policy}", spec, labels, None, 2, (f"ai/{policy}",)))


def a_route(policy: str, beside: str = "r") -> Generated:
    """A policy's HTTPRoute beside a user's."""
    labels = {SHOWN: policy, ROUTE: f"{policy} {beside}", BESIDE: beside}
    return msgspec.structs.replace(an_http_route(f"{policy}-{beside}", **labels), policies=(f"ai/{policy}",))


def a_stored(made: Generated) -> Stored:
    annotations = body(made)["metadata"]["annotations"]
    own = meta(made.name, labels=made.labels, annotations=annotations, uid="u")
    return Stored(metadata=own, spec=made.spec)


def there(*made: Generated) -> dict[str, dict[str, Stored]]:
    found: dict[str, dict[str, Stored]] = {"httproutes": {}, PLURAL: {}}
    for one in made:
        found[one.plural][one.key] = a_stored(one)
    return found


def targets_of(made: Generated | None) -> list[str]:
    assert made is not None
    return [ref["name"] for ref in made.spec.get("targetRefs", ())]


# --- one policy goes


def test_what_shows_requests_first_stays_on_our_own_routes_alone_and_goes_once_the_gateway_has_heard_of_that() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    world.gateway.silent.add("shows-p")

    assert world.round(stored=there(shows_p, route)) == [], "another policy may be about to come"
    world.now += MOMENT_SECONDS
    assert world.round(stored=there(shows_p, route)) == ["apply shows-p"]
    left = retired(PLURAL, a_stored(shows_p))
    assert "targetRefs" not in left.spec
    assert left.spec["targetSelectors"] == [ours("p")]
    world.now += OVER_SECONDS
    assert world.round(stored=there(left, route)) == [], "seen now"
    world.now += OVER_SECONDS
    assert world.round(stored=there(left, route)) == [], "the gateway has not heard of it"

    world.gateway.silent.clear()
    assert world.round(stored=there(left, route)) == [], "its proxies may not know yet"
    world.now += OVER_SECONDS
    assert world.round(stored=there(left, route)) == ["delete shows-p"]
    assert world.round(stored=there(left, route)) == [], "not seen to be gone"
    assert world.round(stored=there(route)) == ["delete p-r"]


def test_a_gateway_that_says_nothing_keeps_nothing_for_ever() -> None:
    world = World()
    world.gateway.silent.add("shows-p")
    left, route = retired(PLURAL, a_stored(showing("p", "r"))), a_route("p")
    world.round(stored=there(left, route))

    world.now += MOST_OVER_SECONDS

    assert world.round(stored=there(left, route)) == ["delete shows-p"]


def test_what_cannot_be_deleted_keeps_nothing_else_for_ever() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    world.api.broken["shows-p"] = RuntimeError("a bug")
    world.round(stored=there(shows_p, route))

    world.now += 2 * MOST_OVER_SECONDS

    assert "delete p-r" in world.round(stored=there(shows_p, route))


def test_without_a_route_of_ours_that_the_gateway_has_nothing_would_be_kept() -> None:
    world = World()
    world.gateway.silent.add("p-r")

    world.round(stored=there(showing("p", "r"), a_route("p")))
    world.now += MOMENT_SECONDS

    assert world.round(stored=there(showing("p", "r"), a_route("p"))) == ["delete shows-p"]


def test_what_routes_refer_to_goes_after_them() -> None:
    world = World()
    grant = sealed(Generated("backends", "ai", "b", {"a": 1}, {INSTALLATION: "i"}, None, 0, ("ai/p",)))
    all_of_it = {**there(a_route("p")), "backends": {"ai/b": a_stored(grant)}}
    world.round(stored=all_of_it)
    world.now += OVER_SECONDS

    assert world.round(stored=all_of_it) == ["delete p-r"]
    assert world.round(stored={"backends": all_of_it["backends"]}) == ["delete b"]


def test_a_policy_that_comes_back_meanwhile_is_shown_its_requests_again() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    left = retired(PLURAL, a_stored(shows_p))

    world.round(stored=there(left, route))
    world.now += WAY_SECONDS
    assert world.round(shows_p, route, stored=there(left, route), asked=frozenset()) == []
    assert world.round(shows_p, route, stored=there(left, route)) == ["apply shows-p"], "its way is there already"
    assert world.repaired == []


# --- one comes


def test_what_shows_requests_is_on_our_own_routes_alone_until_its_way_is_open() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    world.gateway.silent.add("shows-p")

    assert world.round(shows_p, route, stored=there(route), asked=frozenset()) == ["apply shows-p"]
    assert world.api.specs["shows-p"] == {"targetSelectors": [ours("p")]}
    both = there(route, way(shows_p))
    assert world.round(shows_p, route, stored=both, asked=frozenset()) == []
    assert world.round(shows_p, route, stored=both) == [], "the gateway has not heard of it"
    world.gateway.silent.clear()
    assert world.round(shows_p, route, stored=both) == [], "its proxies may not have it yet"
    assert world.again is not None
    assert world.again <= WAY_SECONDS
    world.now += WAY_SECONDS
    assert world.round(shows_p, route, stored=both) == ["apply shows-p"]
    assert world.api.specs["shows-p"] == shows_p.spec
    assert world.repaired == []


def test_a_gateway_that_says_nothing_of_a_way_keeps_requests_from_data_planes_for_a_while_only() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    world.gateway.silent.add("shows-p")
    both = there(route, way(shows_p))
    assert world.round(shows_p, route, stored=both) == []

    world.now += MOST_OVER_SECONDS

    assert world.round(shows_p, route, stored=both) == ["apply shows-p"]


def test_without_a_route_of_ours_that_the_gateway_has_no_way_is_waited_for() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    world.gateway.silent.add("p-r")

    assert world.round(shows_p, route, stored=there(route)) == ["apply shows-p"]
    assert world.api.specs["shows-p"] == shows_p.spec


def test_what_comes_with_many_others_shows_its_requests_at_once() -> None:
    world = World()
    policies = [f"p{number}" for number in range(FEW + 1)]
    shows, routes = [showing(name, name) for name in policies], [a_route(name) for name in policies]
    everybody = frozenset(f"ai/{name}" for name in policies)

    assert world.round(*shows, *routes, stored=there(*routes), asked=frozenset()) == []
    some = there(*routes, *shows[:-1])
    assert world.round(*shows, *routes, stored=some, asked=everybody - {"ai/p16"}) == []
    assert world.round(*shows, *routes, stored=some, asked=everybody) == ["apply shows-p16"]
    assert world.api.specs["shows-p16"] == shows[-1].spec


def test_what_comes_after_a_few_others_comes_with_many_while_those_show_nothing_yet() -> None:
    world = World()
    policies = [f"p{number}" for number in range(FEW + 1)]
    shows, routes = [showing(name, name) for name in policies], [a_route(name) for name in policies]

    first = world.round(*shows[:-1], *routes[:-1], stored=there(*routes), asked=frozenset())
    assert len([call for call in first if call.startswith("apply shows")]) == FEW
    ways = there(*routes, *map(way, shows[:-1]))
    assert world.round(*shows, *routes, stored=ways, asked=frozenset()) == []


def test_what_somebody_deletes_shows_its_requests_again_at_once() -> None:
    world = World()
    shows_p, route = showing("p", "r"), a_route("p")
    world.round(shows_p, route, stored=there(route, shows_p))
    world.round(shows_p, route, stored=there(route))
    world.now += FIRST_SECONDS

    assert world.round(shows_p, route, stored=there(route)) == ["apply shows-p"]
    assert world.api.specs["shows-p"] == shows_p.spec
    assert world.repaired


# --- another one takes its target


def test_what_is_left_is_kept_for_a_policy_that_comes_a_moment_later() -> None:
    world = World()
    mine, theirs = (showing("p", "r"), a_route("p")), (showing("q", "r"), a_route("q"))
    assert world.round(stored=there(*mine)) == []
    assert world.again is not None
    assert world.again <= MOMENT_SECONDS

    world.now += MOMENT_SECONDS / 2
    assert world.round(*theirs, stored=there(*mine), asked=frozenset()) == ["apply q-r", "apply shows-q"]
    world.now += MOMENT_SECONDS

    assert world.round(*theirs, stored=there(*mine, theirs[1], way(theirs[0])), asked=frozenset()) == []


def test_what_another_policy_takes_over_stays_shown_until_that_one_shows_it() -> None:
    world = World()
    mine, theirs = (showing("p", "r"), a_route("p")), (showing("q", "r"), a_route("q"))

    coming = there(*mine, theirs[1], way(theirs[0]))
    assert world.round(*theirs, stored=coming, asked=frozenset()) == []
    world.now += MOMENT_SECONDS
    assert world.round(*theirs, stored=coming, asked=frozenset()) == []
    assert world.round(*theirs, stored=coming, asked=Q) == ["apply shows-q"]
    world.gateway.silent.add("shows-q")
    assert world.round(*theirs, stored=there(*mine, *theirs), asked=Q) == [], "not heard of"
    world.gateway.silent.clear()
    assert world.round(*theirs, stored=there(*mine, *theirs), asked=Q) == ["apply shows-p"]


def test_a_policy_that_never_shows_what_it_takes_holds_nothing_up_for_ever() -> None:
    world = World()
    mine, theirs = (showing("p", "r"), a_route("p")), (showing("q", "r"), a_route("q"))
    coming = there(*mine, theirs[1], way(theirs[0]))
    world.round(*theirs, stored=coming, asked=frozenset())

    world.now += MOST_OVER_SECONDS

    assert world.round(*theirs, stored=coming, asked=frozenset()) == ["apply shows-p"]


def test_policies_that_change_places_do_not_wait_for_each_other() -> None:
    world = World()
    before = (showing("p", "r"), a_route("p"), showing("q", "s"), a_route("q", "s"))
    after = (showing("p", "s"), a_route("p", "s"), showing("q", "r"), a_route("q"))
    routes = (after[1], after[3])

    wrote = world.round(*after, stored=there(*before, *routes), asked=P | Q)
    assert sorted(wrote) == ["apply shows-p", "apply shows-q"]
    both = (showing("p", "r", "s"), showing("q", "s", "r"))
    world.now += MOMENT_SECONDS
    assert sorted(world.round(*after, stored=there(*both, before[1], before[3], *routes), asked=P | Q)) == wrote

    world.now += OVER_SECONDS / 2
    done = there(*after, before[1], before[3])
    assert world.round(*after, stored=done, asked=P | Q, taken=P | Q) == []
    assert world.repaired == []
    world.now += OVER_SECONDS / 2
    assert sorted(world.round(*after, stored=done, asked=P | Q, taken=P | Q)) == ["apply p-r", "apply q-s"]
    done["httproutes"] |= {left.key: passed(left) for left in (before[1], before[3])}
    assert world.round(*after, stored=done, asked=P | Q, taken=P | Q) == []
    world.now += PASSED_SECONDS
    assert sorted(world.round(*after, stored=done, asked=P | Q, taken=P | Q)) == ["delete p-r", "delete q-s"]


def test_what_a_policy_leaves_to_nobody_is_shown_no_more_although_what_it_gets_has_to_wait() -> None:
    world = World()
    after = (showing("p", "s"), a_route("p", "s"))
    before = (showing("p", "r"), a_route("p"))

    assert world.round(*after, stored=there(*before, after[1]), asked=frozenset()) == []
    world.now += MOMENT_SECONDS

    assert world.round(*after, stored=there(*before, after[1]), asked=frozenset()) == ["apply shows-p"]


def test_routes_beside_what_is_left_stay_until_it_has_been_left_for_a_while() -> None:
    world = World()
    after, left = (showing("p", "s"), a_route("p", "s")), a_route("p")
    world.round(*after, stored=there(showing("p", "r", "s"), left, after[1]))
    world.now += 10 * OVER_SECONDS
    world.round(*after, stored=there(showing("p", "r", "s"), left, after[1]))

    assert world.round(*after, stored=there(*after, left)) == []
    world.now += OVER_SECONDS
    assert world.round(*after, stored=there(*after, left)) == ["delete p-r"]


# --- one step


NAMES = st.lists(st.sampled_from("rstu"), unique=True, max_size=4)


@given(NAMES, NAMES, st.booleans(), st.booleans())
def test_a_step_gets_what_it_may_and_leaves_what_it_may(
    there_now: list[str], wanted: list[str], new: bool, old: bool
) -> None:
    stored, made = a_stored(showing("p", *there_now)), showing("p", *wanted, failOpen=True)
    step = between(made, stored, new=new, old=old)

    found = set(there_now) if step is None else set(targets_of(step))
    assert found == {
        *(name for name in there_now if old or name in wanted), *(name for name in wanted if new or name in there_now)
    }  # fmt: skip
    assert (step is None) <= (not new), "what it is to be is written as soon as it may"
    assert leaves(made, stored) == bool(set(there_now) - set(wanted))
    assert shows(made, stored) == (set(wanted) <= set(there_now))
    if step is not None:
        assert step.spec.get("failOpen", False) == new, "all else comes with what is new"
        assert ("targetRefs" in step.spec) <= bool(step.spec.get("targetRefs")) or step is made


@given(NAMES, NAMES)
def test_steps_end_at_what_is_wanted(there_now: list[str], wanted: list[str]) -> None:
    made = showing("p", *wanted)
    first = between(made, a_stored(showing("p", *there_now)), new=True, old=True)
    assert first is not None

    assert between(made, a_stored(first), new=True, old=False) is made
    assert targets_of(made) == wanted


def test_what_is_retired_is_nobodys_and_as_it_was() -> None:
    was = msgspec.structs.replace(showing("p", "r", failOpen=True), owner={"uid": "x"}, keeper={"uid": "y"})

    left = retired(PLURAL, a_stored(was))

    assert (left.owner, left.keeper, left.key, left.labels) == (None, None, was.key, was.labels)
    assert left.spec == {"targetSelectors": [ours("p")], "failOpen": True}
    assert not leaves(None, a_stored(left))
