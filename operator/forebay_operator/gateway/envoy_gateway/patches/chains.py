"""Chains: a request that has failed at its pool is tried at the strategy's fallback pools, as in Forebay's own Envoy.

A composite cluster goes through the rooms of a chain's pools, one an attempt (envoy/rooms.py), and the rule of ours that
begins the chain leads there instead of to its first pool's servers.

An Envoy without the bootstrap extension refuses the rooms' listeners and takes all the rest; what leads into a room then
fails at once. So behind the rooms stands where the rule led before: there a request goes to its first pool, as it does
without patches. Where all rooms have failed, this is one attempt more. A pool with a credential has no such place, as
filters of a composite cluster's members do not run: there such an Envoy answers 503.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Final

import msgspec

from forebay_decision import names
from forebay_operator.envoy.actions import BACK_OFF, CHAIN_FAILURES
from forebay_operator.envoy.explanations import SERVED
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.rooms import composite_cluster
from forebay_operator.gateway.envoy_gateway.patches.begun import Servers
from forebay_operator.gateway.envoy_gateway.patches.passing_over import passing_over
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch, added, changed_routes

NOWHERE: Final = "invalid-backend-cluster"
"""Where Envoy Gateway lets a rule lead whose backends have no server."""
PLAIN: Final = "plain"
_KEPT: Final = 512
"""Chains that are not put together anew for each plan."""


class Chain(msgspec.Struct, frozen=True):
    """One chain where it begins. `rules` are those of our HTTPRoute that begin it, as Envoy Gateway calls them, and `plain`
    where they led; `timeout` is how long all attempts may take, None where the user's rule says it."""

    name: str
    rules: tuple[str, ...]
    rooms: tuple[str, ...]
    plain: Servers
    timeout: str | None
    tables: tuple[str, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """Clusters, in the order in which they are tried."""
        if self.plain.filtered:
            return self.rooms
        return (*self.rooms, *(self.plain.clusters if self.plain.apart else (f"{self.name}/{PLAIN}",)))


def chain_patches(chains: Sequence[Chain]) -> Iterator[Patch]:
    """The clusters of all chains, then what their routes become. Few patches: Envoy Gateway reads and writes a whole route
    table for each of them."""
    for chain in chains:
        yield from _clusters(chain)
    for table in dict.fromkeys(table for chain in chains for table in chain.tables):
        yield from _routes(table, [chain for chain in chains if table in chain.tables])


@lru_cache(maxsize=_KEPT)
def _clusters(chain: Chain) -> tuple[Patch, ...]:
    whole = composite_cluster(chain.name, chain.members)
    if chain.plain.apart:
        return (added(whole),)
    return added(passing_over(f"{chain.name}/{PLAIN}", chain.plain.clusters)), added(whole)


def _routes(table: str, chains: Sequence[Chain]) -> Iterator[Patch]:
    """Where they lead is changed last: what is left out of the rest then does the least harm."""
    by_length: dict[int, list[str]] = {}
    by_timeout: dict[str, list[str]] = {}
    for chain in chains:
        by_length.setdefault(len(chain.members), []).extend(chain.rules)
        if chain.timeout is not None:
            by_timeout.setdefault(chain.timeout, []).extend(chain.rules)
    for timeout, rules in sorted(by_timeout.items()):
        yield changed_routes(table, rules, ".route", "add", timeout, "/timeout")
    for length, rules in sorted(by_length.items()):
        yield changed_routes(table, rules, ".route", "add", _retries(length), "/retry_policy")
    every = [rule for chain in chains for rule in chain.rules]
    # A room says who has answered; what was chosen is said where none has.
    served = " || ".join(f"@.header.key == '{names.HEADER_PREFIX}{field}'" for field in SERVED)
    yield changed_routes(
        table, every, f".response_headers_to_add[?({served})].append_action", "replace", "ADD_IF_ABSENT"
    )
    # Rooms need the hops. A header that goes in any case stands in their place.
    hops = f".request_headers_to_remove[?(@ == '{names.HOPS_HEADER}')]"
    yield changed_routes(table, every, hops, "replace", names.CLUSTER_HEADER)
    for chain in chains:
        here = "|".join(rule.replace(".", "[.]") for rule in chain.rules)
        led = f".route..[?(@ =~ '^(({here})(/backend/[0-9]+)?|{NOWHERE})$')]"
        yield changed_routes(table, chain.rules, led, "replace", chain.name)


@cache
def _retries(length: int) -> dict[str, Any]:
    made: dict[str, Any] = route.RetryPolicy(
        retry_on=CHAIN_FAILURES, retriable_status_codes=[429], num_retries=length - 1, retry_back_off=BACK_OFF
    ).to_dict()
    return made
