"""Where chains begin behind a Gateway: rules of our HTTPRoutes, and what Envoy Gateway calls their clusters and tables.

Source: Envoy Gateway 1.9.1, internal/ir/xds.go (NeedsClusterPerSetting), internal/gatewayapi/helpers.go (names of clusters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay_api.pool import PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_operator.gateway.envoy_gateway.patches.listeners import Named, route_tables
from forebay_operator.gateway.envoy_gateway.routes import beside
from forebay_operator.gateway.implementation import Generated, Held, Wanted
from forebay_operator.gateway.naming import INSTALLATION, ROUTE
from forebay_operator.gateway.objects import matches_of
from forebay_operator.gateway.spots import Spot
from forebay_operator.gateway.unmatched import led_by

MOST_CLUSTERS: Final = 8
"""By which a pool's servers are found: all have the same ones."""
Rule = Mapping[str, Any]


class Servers(msgspec.Struct, frozen=True):
    """Clusters of one rule. `apart`: one for each backend reference, all to be used; else the first of them that is
    there, because some settings of a team's give each reference its own. `filtered`: they have filters, which run only
    where a route names a cluster itself."""

    clusters: tuple[str, ...]
    apart: bool
    filtered: bool


class Begun(msgspec.Struct, frozen=True):
    """An HTTPRoute of ours (namespace/name), and the route tables that it is in."""

    key: str
    spec: Mapping[str, Any]
    tables: tuple[Named, ...]

    def rules(self) -> dict[str, list[tuple[int, Rule]]]:
        """Value of the routing header -> the rules for it, with their numbers; also of one that lets requests pass: those that
        have begun before still go there."""
        found: dict[str, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(self.spec.get("rules") or ()):
            for header in matches_of(rule)[0].get("headers") or ():
                if (value := led_by(header)) is not None:
                    found.setdefault(value, []).append((number, rule))
        return found

    def called(self, number: int) -> str:
        """A rule, as Envoy Gateway calls it, and the cluster of all its backends."""
        return f"httproute/{self.key}/rule/{number}"

    def tables_called(self, both: bool) -> tuple[str, ...]:
        return tuple(name for table in self.tables for name in table.names(both))

    def servers(self, number: int, rule: Rule) -> Servers:
        """Where a rule leads, in each form that Envoy Gateway may give it."""
        refs = rule.get("backendRefs") or ()
        each = tuple(f"{self.called(number)}/backend/{index}" for index in range(len(refs)))
        filtered = any(ref.get("filters") for ref in refs)
        apart = len(refs) > 1 or filtered
        return Servers(each if apart else (self.called(number), *each), apart, filtered)


def spots_behind(held: Held, gateway: str) -> list[Spot]:
    return [spot for spot in held.attached.spots if spot.gateway == gateway]


def begun(policy: str, gateway: str, routes: Sequence[Generated], wanted: Wanted) -> tuple[Begun, ...]:
    """Our HTTPRoutes by which requests of a policy go on behind a Gateway: those of `routes`, which are to be there, then
    former ones for as long as they are, which go first at the gateway."""
    listeners: dict[str, set[str]] = {}
    for spot in spots_behind(wanted.policies[policy], gateway):
        listeners.setdefault(beside(policy, spot.route), set()).add(spot.listener)
    stored = wanted.facts.gateways[gateway]
    found = {route.key: (route.labels, route.spec) for route in routes}
    for key, former in wanted.facts.routes.items():
        if key not in found and former.metadata.labels.get(INSTALLATION) == wanted.installation:
            found[key] = former.metadata.labels, former.spec
    return tuple(
        Begun(key, spec, route_tables(stored, listeners[label]))
        for key, (own, spec) in found.items()
        if (label := own.get(ROUTE, "")) in listeners
    )


def servers_by_value(parts: Sequence[Begun]) -> dict[str, Servers]:
    """Value of the routing header -> where the first rule for it leads; of several HTTPRoutes that of the first one that
    is there, where that can be."""
    found: dict[str, Servers] = {}
    for part in parts:
        for value, rules in part.rules().items():
            more, had = part.servers(*rules[0]), found.get(value)
            if had is None:
                found[value] = more
            elif not (had.apart or more.apart):
                clusters = (*had.clusters, *more.clusters)[:MOST_CLUSTERS]
                found[value] = msgspec.structs.replace(had, clusters=clusters)
    return found


def by_timeout(
    rules: Sequence[tuple[int, Rule]], hops: Sequence[PoolSpec]
) -> Iterator[tuple[str | None, list[tuple[int, Rule]]]]:
    """How long all attempts may take, and the rules for which that is so: all pools' times together, but for rules
    whose user says how long a request may take (None)."""
    each = [duration_seconds(hop.resilience.request_timeout) for hop in hops]
    ours = {"request": f"{each[0]:g}s"}
    for timeout, found in (
        (f"{sum(each):g}s", [entry for entry in rules if entry[1].get("timeouts") == ours]),
        (None, [entry for entry in rules if entry[1].get("timeouts") != ours]),
    ):
        if found:
            yield timeout, found
