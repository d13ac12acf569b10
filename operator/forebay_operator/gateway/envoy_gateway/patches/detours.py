"""Detours: a rule of ours leads into an internal listener first, and from there to where it led before.

A composite cluster goes through the ways of a detour, one an attempt: rooms of a chain's pools (envoy/rooms.py), or the
place where a pool's picker is asked (envoy/picker.py).

An Envoy without the bootstrap extension refuses internal listeners and takes all the rest; what leads into one then fails
at once. So behind the ways stands where the rule led before: there a request goes to its own pool, as it does without
patches. Where all rooms of a chain have failed, this is one attempt more. A pool with a credential has no such place, as
filters of a composite cluster's members do not run: there such an Envoy answers 503.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any, Final, Literal

import msgspec

from forebay_decision import names
from forebay_operator.envoy.actions import BACK_OFF, CHAIN_FAILURES, UNPICKED_HEADER
from forebay_operator.envoy.explanations import SERVED
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.rooms import composite_cluster
from forebay_operator.gateway.envoy_gateway.patches.begun import Servers
from forebay_operator.gateway.envoy_gateway.patches.passing_over import passing_over
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch, added, changed_routes

NOWHERE: Final = "invalid-backend-cluster"
"""Where Envoy Gateway lets a rule lead whose backends have no server."""
PLAIN: Final = "plain"
ATTEMPTS: Final = "x-envoy-attempt-count"
_KEPT: Final = 512
"""Clusters that are not put together anew for each plan."""
Kind = Literal["Chain", "FailOpen", "FailClose"]


class Detour(msgspec.Struct, frozen=True):
    """`rules` are those of our HTTPRoute that take it, as Envoy Gateway calls them, `ways` the clusters that are tried
    first, and `plain` where the rules led; `timeout` is how long all attempts may take, None where that stays as it is.
    `kind`: a chain, or a picker with what happens without it."""

    name: str
    kind: Kind
    rules: tuple[str, ...]
    ways: tuple[str, ...]
    plain: Servers
    tables: tuple[str, ...]
    timeout: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """Clusters, in the order in which they are tried."""
        if self.plain.filtered:
            return self.ways
        return (*self.ways, *(self.plain.clusters if self.plain.apart else (f"{self.name}/{PLAIN}",)))


def detour_patches(detours: Sequence[Detour]) -> Iterator[Patch]:
    """The clusters of all of them, then what their routes become. Few patches: Envoy Gateway reads and writes a whole route
    table for each of them."""
    for detour in detours:
        yield from _clusters(detour)
    for table in dict.fromkeys(table for detour in detours for table in detour.tables):
        yield from _routes(table, [detour for detour in detours if table in detour.tables])


@lru_cache(maxsize=_KEPT)
def _clusters(detour: Detour) -> tuple[Patch, ...]:
    whole = composite_cluster(detour.name, detour.members)
    if detour.plain.apart:
        return (added(whole),)
    return added(passing_over(f"{detour.name}/{PLAIN}", detour.plain.clusters)), added(whole)


def _routes(table: str, detours: Sequence[Detour]) -> Iterator[Patch]:
    """Where they lead is changed last: what is left out of the rest then does the least harm."""
    by_timeout: dict[str, list[str]] = {}
    by_retries: dict[tuple[Kind, int], list[str]] = {}
    for detour in detours:
        if detour.timeout is not None:
            by_timeout.setdefault(detour.timeout, []).extend(detour.rules)
        by_retries.setdefault((detour.kind, len(detour.members) - 1), []).extend(detour.rules)
    for timeout, rules in sorted(by_timeout.items()):
        yield changed_routes(table, rules, ".route", "add", timeout, "/timeout")
    for (kind, number), rules in sorted(by_retries.items()):
        yield changed_routes(table, rules, ".route", "add", _retries(kind, number), "/retry_policy")
    if chained := [rule for detour in detours if detour.kind == "Chain" for rule in detour.rules]:
        # A room says who has answered; what was chosen is said where none has.
        served = " || ".join(f"@.header.key == '{names.HEADER_PREFIX}{field}'" for field in SERVED)
        shown = f".response_headers_to_add[?({served})].append_action"
        yield changed_routes(table, chained, shown, "replace", "ADD_IF_ABSENT")
        # Rooms need the hops. A header that goes in any case stands in their place.
        hops = f".request_headers_to_remove[?(@ == '{names.HOPS_HEADER}')]"
        yield changed_routes(table, chained, hops, "replace", names.CLUSTER_HEADER)
    if picked := [rule for detour in detours if detour.kind != "Chain" for rule in detour.rules]:
        # The second attempt does without a picker: that is no client's to say, and the answer's mark is none to see.
        yield changed_routes(table, picked, "", "add", ATTEMPTS, "/request_headers_to_remove/-")
        yield changed_routes(table, picked, "", "add", UNPICKED_HEADER, "/response_headers_to_remove/-")
    for detour in detours:
        here = "|".join(rule.replace(".", "[.]") for rule in detour.rules)
        led = f".route..[?(@ =~ '^(({here})(/backend/[0-9]+)?|{NOWHERE})$')]"
        yield changed_routes(table, detour.rules, led, "replace", detour.name)


@cache
def _retries(kind: Kind, number: int) -> dict[str, Any]:
    """A picker's place is left for what is behind it where it cannot be entered, and with FailOpen where it says that the
    picker was not heard."""
    made = route.RetryPolicy(num_retries=number, retry_back_off=BACK_OFF)
    if kind == "Chain":
        made.retry_on, made.retriable_status_codes = CHAIN_FAILURES, [429]
    elif kind == "FailOpen":
        made.retry_on = "connect-failure,retriable-headers"
        made.retriable_headers = [route.HeaderMatcher(name=UNPICKED_HEADER, present_match=True)]
    else:
        made.retry_on = "connect-failure"
    told: dict[str, Any] = made.to_dict()
    return told
