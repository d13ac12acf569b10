"""Whatever policies do, wherever a gateway may show requests somebody answers them, and one policy alone."""

from __future__ import annotations

from typing import Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from forebay_api.policy import RoutingPolicy
from forebay_api.wire import Origin, Place
from forebay_decision.attachment import placed
from forebay_operator.gateway.transition import LINGER_SECONDS, PATIENCE_SECONDS, Transition

from .test_transition import HERE, SMALL, resolved

NAMES = ("p", "q", "r")
ROUTES = ("a", "b")
Mode = Literal["Enforce", "Shadow"]


class Moment(msgspec.Struct, frozen=True):
    """Which policies there are, in which mode and on which routes: of those that enforce, the first has a route. `routed`
    are those whose routes the gateway has; `lasts` until the next moment, in seconds."""

    there: tuple[tuple[str, Mode, frozenset[str]], ...]
    routed: frozenset[str]
    lasts: int

    def policies(self) -> dict[str, RoutingPolicy]:
        made = {}
        had: set[str] = set()
        for name, mode, routes in self.there:
            own = routes if mode == "Shadow" else routes - had
            had |= own if mode == "Enforce" else set()
            (policy,) = resolved(name, "small", mode=mode).values()
            spec = msgspec.structs.replace(policy.spec, places=tuple(place(route) for route in sorted(own)))
            made[f"ai/{name}"] = msgspec.structs.replace(policy, spec=spec)
        return made


def place(route: str) -> Place:
    return msgspec.structs.replace(HERE[0], origins=(Origin(route),))


MOMENTS = st.lists(
    st.builds(
        Moment,
        there=st.permutations(NAMES)
        .flatmap(
            lambda names: st.tuples(
                *(
                    st.tuples(
                        st.just(name), st.sampled_from(("Enforce", "Shadow")), st.frozensets(st.sampled_from(ROUTES))
                    )
                    for name in names
                )
            )
        )
        .flatmap(lambda all_of_them: st.lists(st.sampled_from(all_of_them), unique_by=lambda one: one[0]).map(tuple)),
        routed=st.frozensets(st.sampled_from(NAMES)),
        lasts=st.integers(1, 4) | st.integers(1, int(PATIENCE_SECONDS)),
    ),
    min_size=2,
    max_size=8,
)


def answered(policies: dict[str, RoutingPolicy]) -> dict[str, list[str]]:
    """By route, who answers."""
    found: dict[str, list[str]] = {}
    for name, policy in policies.items():
        if policy.spec.mode == "Enforce":
            for own in placed(policy.spec) or ():
                for origin in own.origins:
                    found.setdefault(origin.route, []).append(name)
    return found


@settings(max_examples=60)
@given(MOMENTS)
def test_what_a_policy_had_is_answered_by_one_policy_until_the_gateway_shows_no_more_of_it(
    moments: list[Moment],
) -> None:
    transition = Transition()
    needs = {f"ai/{name}": SMALL for name in NAMES}
    had: dict[str, float] = {}
    now = 0.0
    for moment in moments:
        policies = moment.policies()
        routed = {f"ai/{name}": SMALL for name in moment.routed}
        until = now + moment.lasts
        while now < until:
            had.update(dict.fromkeys(answered(policies), now))
            step = transition.step(policies, routed, needs, now)
            by = answered(dict(step.policies))
            assert all(len(names) == 1 for names in by.values()), "one policy alone"
            for route, last in had.items():
                assert route in by or now >= last + LINGER_SECONDS, f"{route} at {now}, had until {last}"
            shadows = {name for name, policy in policies.items() if policy.spec.mode == "Shadow"}
            assert step.leaving == {name for name in shadows if step.policies[name].spec.mode == "Enforce"}
            now += 1.0
