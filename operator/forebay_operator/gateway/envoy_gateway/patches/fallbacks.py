"""The EnvoyPatchPolicy with the chains of a Gateway, and what its policies do without where there is none.

It is apart from the other one, so that each is told for itself: chains need a bootstrap extension, and name what Envoy
Gateway makes of our HTTPRoutes, which are not all there at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.envoy.routes import chains as chains_of
from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.envoy_gateway.patches.begun import (
    Begun,
    begun,
    by_timeout,
    servers_by_value,
    spots_behind,
)
from forebay_operator.gateway.envoy_gateway.patches.chains import Chain, chain_patches
from forebay_operator.gateway.envoy_gateway.patches.internal import missing_extension
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch
from forebay_operator.gateway.envoy_gateway.patches.policy import STAGE, Patched, may_speak
from forebay_operator.gateway.envoy_gateway.patches.rooms import room
from forebay_operator.gateway.envoy_gateway.patches.standing import PLURAL, is_unknown, troubles
from forebay_operator.gateway.implementation import Generated, Held, Wanted
from forebay_operator.gateway.naming import generated_name
from forebay_operator.gateway.objects import GROUP, VERSION
from forebay_operator.gateway.permission import advice

MOST_ROOMS: Final = 24
"""In one Gateway. A room is some 15 KB in the object, and an API server stores 1.5 MB."""


def fallbacks(wanted: Wanted, routes: Sequence[Generated], controllers: frozenset[str]) -> Patched:
    """One object for each Gateway behind which policies with chains hold routes; `routes` are our HTTPRoutes."""
    made: list[Generated] = []
    lost: dict[str, list[str]] = {}
    chained = {name: orders for name, held in wanted.policies.items() if (orders := _orders(name, held))}
    for gateway in sorted({spot.gateway for name in chained for spot in wanted.policies[name].attached.spots}):
        here = {n: o for n, o in chained.items() if spots_behind(wanted.policies[n], gateway)}
        reasons: dict[str, tuple[str, ...]]
        if not any(may_speak(name, gateway, wanted) for name in here):
            reasons = {name: (advice(name.partition("/")[0], "Gateway", gateway),) for name in here}
        elif why := missing_extension(wanted.facts.gateways[gateway], wanted.facts):
            reasons = dict.fromkeys(here, (why,))
        else:
            reasons = _write(gateway, here, routes, wanted, controllers, made)
        for name, found in reasons.items():
            lost.setdefault(name, []).extend(f"{_missed(gateway)}: {one}" for one in found)
    return Patched(tuple(made), {name: tuple(found) for name, found in lost.items()})


def unforwarded(policy: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> Iterator[str]:
    """Pools that would be sent a client's credentials, and are not after a failure: what the first pool may not have has
    gone by then."""
    for first, *others in dict.fromkeys(order for _, order in chains_of(policy, spec)):
        if all(pool in pools for pool in (first, *others)) and not pools[first].forward_client_credentials:
            for pool in others:
                if pools[pool].forward_client_credentials:
                    yield f"pool {pool} is called without clients' credentials after a failure of {first}, which takes none"


def _missed(gateway: str) -> str:
    return (
        f"a request that has failed at its pool is not tried at the strategy's fallback pools behind Gateway {gateway}"
    )


def _orders(name: str, held: Held) -> dict[str, tuple[str, ...]]:
    """Chain -> its pools, of the newest version that has it."""
    found: dict[str, tuple[str, ...]] = {}
    for spec in (held.spec, *held.also):
        for value, order in chains_of(name, spec):
            found.setdefault(value, order)
    return found


def _write(
    gateway: str,
    chained: Mapping[str, Mapping[str, tuple[str, ...]]],
    routes: Sequence[Generated],
    wanted: Wanted,
    controllers: frozenset[str],
    made: list[Generated],
) -> dict[str, tuple[str, ...]]:
    """Adds the object to `made`, and says by policy why it does not do what it should."""
    namespace, _, name = gateway.partition("/")
    own = generated_name(name, gateway, "chains")
    stored = wanted.facts.gateways[gateway]
    lost: dict[str, tuple[str, ...]] = {}
    parts = {policy: begun(policy, gateway, routes, wanted) for policy in chained}
    tables = tuple(dict.fromkeys(table for found in parts.values() for part in found for table in part.tables))
    both = is_unknown(wanted.facts.stored(PLURAL, f"{namespace}/{own}"), tables)
    patches: list[Patch] = []
    every: list[Chain] = []
    rooms = 0
    for policy, orders in chained.items():
        servers = servers_by_value(parts[policy])
        whole = {
            value: order for value, order in orders.items() if all(names.pool_cluster(p) in servers for p in order)
        }
        pools = dict.fromkeys(pool for order in whole.values() for pool in order)
        if rooms + len(pools) > MOST_ROOMS:
            lost[policy] = (f"the pools of its Gateway's chains are more than {MOST_ROOMS}",)
            continue
        rooms += len(pools)
        for pool in pools:
            to = servers[names.pool_cluster(pool)]
            patches += room(_room(policy, pool, wanted), pool, wanted.pools[pool], to)
        every += _chains(policy, whole, parts[policy], wanted, both)
    if every:
        patches += chain_patches(every)
        spec: dict[str, Any] = {
            "targetRef": {"group": GROUP, "kind": "Gateway", "name": name},
            "type": "JSONPatch",
            "jsonPatches": patches,
        }
        owner = reference(f"{GROUP}/{VERSION}", "Gateway", name, stored.metadata.uid or "")
        users = tuple(policy for policy in chained if policy not in lost)
        made.append(
            Generated(PLURAL, namespace, own, spec, labels(wanted.installation), owner, STAGE, users, optional=True)
        )
        why = troubles(f"{namespace}/{own}", wanted.facts, controllers, tables)
        lost.update(dict.fromkeys(users, why) if why else {})
    return lost


def _chains(
    policy: str, orders: Mapping[str, tuple[str, ...]], parts: Sequence[Begun], wanted: Wanted, both: bool
) -> Iterator[Chain]:
    for part in parts:
        rules = part.rules()
        tables = tuple(name for table in part.tables for name in table.names(both))
        for value, order in orders.items():
            for timeout, found in by_timeout(rules.get(value, ()), [wanted.pools[pool] for pool in order]):
                first, _ = found[0]
                yield Chain(
                    name=f"forebay/{wanted.installation}/{value}/{part.route.key}/{first}",
                    rules=tuple(part.called(number) for number, _ in found),
                    rooms=tuple(_room(policy, pool, wanted) for pool in order),
                    plain=part.servers(*found[0]),
                    timeout=timeout,
                    tables=tables,
                )


def _room(policy: str, pool: str, wanted: Wanted) -> str:
    return f"forebay/{wanted.installation}/{names.room_listener(pool)}/{policy}"
