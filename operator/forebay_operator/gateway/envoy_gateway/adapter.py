"""The adapter to Envoy Gateway: all that it writes, put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_decision.served import policy_pools
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.comparison import Written, sealed
from forebay_operator.gateway.envoy_gateway.alone import asked_all_the_same
from forebay_operator.gateway.envoy_gateway.anchors import anchors
from forebay_operator.gateway.envoy_gateway.client_traffic import client_traffic, telling
from forebay_operator.gateway.envoy_gateway.closed import answers
from forebay_operator.gateway.envoy_gateway.data_plane import data_plane_objects
from forebay_operator.gateway.envoy_gateway.extension import extensions, grants, keeper
from forebay_operator.gateway.envoy_gateway.origins import origins
from forebay_operator.gateway.envoy_gateway.patches.fallbacks import unforwarded
from forebay_operator.gateway.envoy_gateway.patches.inside import inside
from forebay_operator.gateway.envoy_gateway.patches.policy import patches
from forebay_operator.gateway.envoy_gateway.routes import (
    MOST_HEADERS,
    destinations,
    held_rules,
    is_full,
    reached_pools,
    routes,
)
from forebay_operator.gateway.envoy_gateway.servers import Servers, servers
from forebay_operator.gateway.envoy_gateway.standing import heard, judge, routed, shown, taken
from forebay_operator.gateway.facts import GatewayFacts
from forebay_operator.gateway.implementation import Generated, Held, Judgement, Plan, Wanted
from forebay_operator.gateway.objects import Stored, matches_of, rules_of
from forebay_operator.gateway.placing import Origins
from forebay_operator.gateway.sharing import Shared, overlooked

CONTROLLER: Final = "gateway.envoyproxy.io/gatewayclass-controller"


class EnvoyGateway:
    """Implementation for Envoy Gateway; `controller` is its gateway.controllerName. Remembers what it has planned for a
    policy while nothing changes that this rests on: among hundreds, one changes at a time. For one thread at a time."""

    own_kinds = frozenset(
        {"envoyextensionpolicies", "clienttrafficpolicies", "backends", "httproutefilters", "envoypatchpolicies"}
    )

    def __init__(self, controller: str = CONTROLLER) -> None:
        self.controllers = frozenset({controller})
        self._written = Written()
        self._known: dict[str, tuple[tuple[object, ...], tuple[Generated, ...]]] = {}

    def plan(self, wanted: Wanted) -> Plan:
        """Every object, in the order of stages, namespaces and names."""
        reached = {name: _pools(name, held) for name, held in wanted.policies.items()}
        pools = {
            pool: wanted.pools[pool]
            for name, held in wanted.policies.items()
            if held.attached.spots
            for pool in reached[name]
            if pool in wanted.pools
        }
        behind = {pool: servers(pool, spec, wanted) for pool, spec in sorted(pools.items())}
        made: list[Generated] = [*data_plane_objects(wanted)]
        for pool, found in behind.items():
            users = tuple(sorted(name for name, own in reached.items() if pool in own))
            made += [msgspec.structs.replace(entry, policies=users) for entry in found.objects]
        self._known = {
            name: self._of_policy(name, wanted, {pool: behind[pool] for pool in reached[name] if pool in behind})
            for name in sorted(wanted.policies)
        }
        for _, own in self._known.values():
            made += own
        made += answers(wanted, [entry for entry in made if entry.plural == "httproutes"])
        traffic, asked = client_traffic(wanted)
        made += [*traffic, *grants(wanted, made)]
        patched = patches(wanted, [m for m in made if m.plural == "envoyextensionpolicies"], self.controllers)
        within = inside(wanted, [m for m in made if m.plural == "httproutes"], self.controllers)
        made += (*patched.objects, *within.objects)
        for name, lost in _overlooked(wanted):
            asked.setdefault(name, []).append(lost)
        losses = {
            name: tuple(
                dict.fromkeys(
                    [
                        *asked.get(name, ()),
                        *_losses(name, wanted, behind),
                        *patched.losses.get(name, ()),
                        *within.losses.get(name, ()),
                    ]
                )
            )
            for name in wanted.policies
        }
        objects = (entry if entry.content else sealed(entry) for entry in made)
        plan = Plan(tuple(sorted(objects, key=lambda entry: (entry.stage, entry.plural, entry.key))), losses)
        self._written.keep(plan.objects)
        return plan

    def _of_policy(
        self, name: str, wanted: Wanted, behind: dict[str, Servers]
    ) -> tuple[tuple[object, ...], tuple[Generated, ...]]:
        """The policy's own objects, with what they rest on."""
        held = wanted.policies[name]
        ground = (
            *(held, wanted.installation, wanted.data_plane),
            tuple(keeper(kind, key, wanted.facts) for kind, key, _ in held.attached.targets),
            tuple((route, wanted.facts.routes[route].spec) for route in held_rules(held.attached)),
            tuple((pool, wanted.pools[pool], found) for pool, found in behind.items()),
        )
        known = self._known.get(name)
        if known is not None and known[0] == ground:
            return known
        made = (*routes(name, wanted, behind), *anchors(name, wanted), *extensions(name, wanted))
        return ground, tuple(map(sealed, made))

    def needs(self, policy: str, spec: PolicySpec) -> frozenset[str]:
        return frozenset(destination.value for destination in destinations(policy, spec))

    def origins(self, attached: Mapping[str, Attached], shared: Shared, facts: GatewayFacts) -> Origins:
        return origins(attached, shared, facts)

    def routed(self, attached: Mapping[str, Attached], facts: GatewayFacts) -> Mapping[str, frozenset[str]]:
        return routed(attached, facts, self.controllers)

    def shown(self, policies: Iterable[str], facts: GatewayFacts) -> frozenset[str]:
        return shown(policies, facts)

    def taken(self, stored: Stored) -> bool:
        return taken(stored, self.controllers)

    def heard(self, stored: Stored) -> bool:
        return heard(stored, self.controllers)

    def is_written(self, made: Generated, stored: Stored) -> bool:
        return self._written(made, stored)

    def judge(self, policy: str, plan: Plan, wanted: Wanted) -> Judgement:
        return judge(policy, plan, wanted, self.controllers, self._written)


def _pools(name: str, held: Held) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pool for spec in (held.spec, *held.also) for pool in reached_pools(name, spec)))


def _losses(name: str, wanted: Wanted, behind: dict[str, Servers]) -> Iterator[str]:
    held = wanted.policies[name]
    for pool in policy_pools(name, held.spec):
        if pool in behind:
            yield from behind[pool].losses
    yield from asked_all_the_same(name, held.spec, wanted.pools)
    yield from unforwarded(name, held.spec, wanted.pools)
    yield from _blocked(name, wanted, (spot.route for spot in held.attached.spots))
    yield from _full(held, wanted)


def _overlooked(wanted: Wanted) -> Iterator[tuple[str, str]]:
    attached = {name: held.attached for name, held in wanted.policies.items()}
    return overlooked(attached, wanted.shared, telling(wanted.shared.gateways, wanted.facts))


def _blocked(name: str, wanted: Wanted, held: Iterable[str]) -> Iterator[str]:
    """Credentials cannot be put on where the route stands in another namespace than the pool."""
    namespace = name.partition("/")[0]
    if any(route.partition("/")[0] != namespace for route in held):
        for pool in policy_pools(name, wanted.policies[name].spec):
            if pool in wanted.injectable:
                yield f"pool {pool} is called without its credential behind routes of other namespaces"


def _full(held: Held, wanted: Wanted) -> Iterator[str]:
    """Rules that cannot have another header match: their requests cannot be told apart by pool."""
    for route, numbers in held_rules(held.attached).items():
        rules = rules_of(wanted.facts.routes[route])
        if any(is_full(match) for number in numbers for match in matches_of(rules[number])):
            yield (
                f"HTTPRoute {route} has a match with {MOST_HEADERS} headers, so none by which a pool is found fits in: what "
                "is decided there goes to the route's own backends, with the model rewritten; take one off"
            )
