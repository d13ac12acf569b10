"""Fallback pools after a failure: a room for each pool of a policy's chains, and for each chain a detour through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.envoy.routes import chains
from forebay_operator.gateway.envoy_gateway.patches.begun import Begun, Servers, by_timeout, servers_by_value
from forebay_operator.gateway.envoy_gateway.patches.detours import Detour
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch
from forebay_operator.gateway.envoy_gateway.patches.pickers import asked
from forebay_operator.gateway.envoy_gateway.patches.rooms import room
from forebay_operator.gateway.implementation import Held, Wanted

Orders = Mapping[str, tuple[str, ...]]


def orders_of(policy: str, held: Held) -> Orders:
    """Chain -> its pools, those of the newest version first. A room refuses what a decision does not name, so decisions by
    any version find theirs."""
    found: dict[str, tuple[str, ...]] = {}
    for spec in (held.spec, *held.also):
        for value, order in chains(policy, spec):
            found[value] = tuple(dict.fromkeys((*found.get(value, ()), *order)))
    return found


def rooms(policy: str, orders: Orders, parts: Sequence[Begun], wanted: Wanted) -> dict[str, tuple[Patch, ...]]:
    """Room -> what it is made of."""
    servers = servers_by_value(parts)
    made = {}
    for pool in dict.fromkeys(pool for order in orders.values() for pool in _reached(order, servers, wanted)):
        name = _room(policy, pool, wanted)
        made[name] = room(name, pool, wanted.pools[pool], servers[names.pool_cluster(pool)], asked(pool, wanted))
    return made


def chain_detours(policy: str, orders: Orders, parts: Sequence[Begun], wanted: Wanted, both: bool) -> Iterator[Detour]:
    """A detour for each chain at each HTTPRoute of ours that begins it."""
    servers = servers_by_value(parts)
    for part in parts:
        rules = part.rules()
        for value, order in orders.items():
            reached = _reached(order, servers, wanted)
            if reached[:1] != order[:1]:
                continue
            for timeout, found in by_timeout(rules.get(value, ()), [wanted.pools[pool] for pool in reached]):
                yield Detour(
                    name=f"forebay/{wanted.installation}/{value}/{part.key}/{found[0][0]}",
                    kind="Chain",
                    rules=tuple(part.called(number) for number, _ in found),
                    ways=tuple(_room(policy, pool, wanted) for pool in reached),
                    plain=part.servers(*found[0]),
                    tables=part.tables_called(both),
                    timeout=timeout,
                )


def _reached(order: tuple[str, ...], servers: Mapping[str, Servers], wanted: Wanted) -> tuple[str, ...]:
    """Those pools of a chain that are there: of a former version they may have gone."""
    return tuple(pool for pool in order if pool in wanted.pools and names.pool_cluster(pool) in servers)


def unforwarded(policy: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> Iterator[str]:
    """Pools that would be sent a client's credentials, and are not after a failure: what the first pool may not have has
    gone by then."""
    for first, *others in dict.fromkeys(order for _, order in chains(policy, spec)):
        if all(pool in pools for pool in (first, *others)) and not pools[first].forward_client_credentials:
            for pool in others:
                if pools[pool].forward_client_credentials:
                    yield f"pool {pool} is called without clients' credentials after a failure of {first}, which takes none"


def _room(policy: str, pool: str, wanted: Wanted) -> str:
    return f"forebay/{wanted.installation}/{names.room_listener(pool)}/{policy}"
