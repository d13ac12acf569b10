"""HTTPRoutes that stand beside a user's own: the same but for one header more in each match, and a pool behind it.

The data plane's answer sets the header and clears the route cache, so the request finds the rule of its pool. More
header matches make a rule more specific (Gateway API), so it always goes before the user's.

A decision for a pool that has no rule (yet) must not fall back to the user's own backends: the body names another model by
then, and they may be where the request must not go. So a rule that takes any value of the header stands behind those of
the pools and answers 503. It is a regular expression, which Envoy Gateway sorts behind as many exact matches, in whichever
HTTPRoute they are and however old that is (its internal/gatewayapi/sort.go).

Envoy Gateway calls the cluster of a rule by the HTTPRoute's name and the rule's number, and Envoy learns of clusters before
it learns of routes. So a rule that had another pool's number before would for a moment lead to that pool: what stands at
which number is part of an HTTPRoute's name, and another order is another HTTPRoute beside the former one, which goes when
the new one is served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.quantities import duration_seconds
from forebay_decision import names
from forebay_decision.served import chain_order, policy_pools, qualified
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.envoy_gateway.closed import answer_reference
from forebay_operator.gateway.envoy_gateway.data_plane import carriers
from forebay_operator.gateway.envoy_gateway.ownership import for_policy, reference
from forebay_operator.gateway.envoy_gateway.servers import Servers
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import BESIDE, ROUTE, SHOWN, digest, family, member
from forebay_operator.gateway.objects import GROUP, Stored, matches_of, parents_of, rules_of

MOST_RULES: Final = 16
MOST_MATCHES: Final = 128
MOST_HEADERS: Final = 16
STAGE: Final = 1
_OURS: Final = (names.CLUSTER_HEADER, names.HOPS_HEADER)


class Destination(msgspec.Struct, frozen=True, order=True):
    """A value of the routing header, and the pool that it leads to."""

    value: str
    pool: str


ANY: Final = Destination(".+", "")
"""Every value that leads to no pool."""
Parts = Sequence[tuple[Destination, tuple[dict[str, Any], ...]]]
"""Destinations with their rules."""


def destinations(policy: str, spec: PolicySpec) -> tuple[Destination, ...]:
    """All that may be in the routing header for a policy, in a stable order: what a data plane writes there, and the
    bypass. A chain leads to its first pool: Envoy Gateway knows no fallback that writes another model's name."""
    found = {Destination(names.pool_cluster(pool), pool) for pool in reached_pools(policy, spec)}
    for strategy in spec.strategies:
        direct = strategy.direct
        for ref in (*direct.pools, *direct.fallback):
            first = qualified(policy, ref.name)
            if len(chain_order(policy, direct, first)) > 1:
                found.add(Destination(names.chain_cluster(policy, strategy.name, first), first))
    return tuple(sorted(found))


def reached_pools(policy: str, spec: PolicySpec) -> tuple[str, ...]:
    """Every pool that requests of the policy may go to."""
    open_to = () if spec.fail_open is None else (qualified(policy, spec.fail_open.pool),)
    return tuple(dict.fromkeys((*policy_pools(policy, spec), *open_to)))


def held_rules(attached: Attached) -> dict[str, tuple[int, ...]]:
    """Route -> the numbers of its rules that a policy holds."""
    found: dict[str, set[int]] = {}
    for spot in attached.spots:
        found.setdefault(spot.route, set()).add(spot.rule)
    return {route: tuple(sorted(rules)) for route, rules in sorted(found.items())}


def routes(policy: str, wanted: Wanted, servers: Mapping[str, Servers]) -> Iterator[Generated]:
    """Every HTTPRoute of one policy.

    When the policy goes, the garbage collector takes what it alone owns, and in no order. A decision that is under way must
    find its route, so the user's route is an owner, too: ours stay until they are swept.
    """
    held = wanted.policies[policy]
    every = {d for spec in (held.spec, *held.also) for d in destinations(policy, spec)}
    wanted_at = [d for d in sorted(every) if d.pool in servers]
    for key, numbers in held_rules(held.attached).items():
        route = wanted.facts.routes[key]
        namespace, _, name = key.partition("/")
        parts = [(d, tuple(_rules(route, numbers, d, wanted.pools[d.pool], servers[d.pool]))) for d in wanted_at]
        gateways = {spot.gateway for spot in held.attached.spots if spot.route == key}
        closing = _closing(route, numbers, wanted.installation)
        parts.append((ANY, (*closing, *carriers(namespace, wanted.data_plane))))
        for part, rules in spread(parts):
            own = member(family(name, policy, key), *(layout(parts) if part is None else (part.value,)))
            spec = {**_heading(route, gateways), "rules": list(rules)}
            made = for_policy(wanted, policy, "httproutes", namespace, own, spec, STAGE)
            found = {**made.labels, ROUTE: beside(policy, key), BESIDE: digest([key], 16), SHOWN: shown(policy)}
            keeper = reference(f"{GROUP}/v1", "HTTPRoute", name, route.metadata.uid or "")
            yield msgspec.structs.replace(made, labels=found, keeper=keeper)


def shown(policy: str) -> str:
    """Label value by which a policy's EnvoyExtensionPolicies choose our HTTPRoutes."""
    return digest([policy], 16)


def beside(policy: str, route: str) -> str:
    """Label value by which the routes beside one of the user's are found."""
    return digest([policy, route], 16)


def layout(parts: Parts) -> Iterator[str]:
    """Where each destination's rules begin, for those that have a cluster."""
    for destination, rules in parts:
        if rules and destination != ANY:
            yield f"{destination.value} {len(rules)}"


def spread(parts: Parts) -> Iterator[tuple[Destination | None, tuple[dict[str, Any], ...]]]:
    """One route with all rules where they fit, else one a destination: what its object holds does not depend on the
    others."""
    filled = [(destination, rules) for destination, rules in parts if rules]
    together = tuple(rule for _, rules in filled for rule in rules)
    if len(together) <= MOST_RULES and sum(len(rule["matches"]) for rule in together) <= MOST_MATCHES:
        if together:
            yield None, together
    else:
        yield from filled


def _heading(route: Stored, gateways: Set[str]) -> dict[str, Any]:
    """The user's, but for Gateways behind which the policy holds nothing of it: pools of one policy are no way out of
    another's."""
    home = route.metadata.namespace
    raw = route.spec.get("parentRefs") or ()
    above = [ref for ref, read in zip(raw, parents_of(route), strict=True) if read.key(home) in gateways]
    made = {"parentRefs": above, "hostnames": route.spec.get("hostnames")}
    return {key: value for key, value in made.items() if value}


def _rules(
    route: Stored, numbers: Sequence[int], destination: Destination, pool: PoolSpec, to: Servers
) -> Iterator[dict[str, Any]]:
    namespace = route.metadata.namespace
    for rule, matches in _matched(route, numbers, {"type": "Exact", "value": destination.value}):
        made = {
            "matches": matches,
            "filters": _filters([dict(found) for found in rule.get("filters") or ()], pool),
            "backendRefs": [_backend(ref, to, namespace) for ref in to.refs],
            "timeouts": rule.get("timeouts") or {"request": f"{duration_seconds(pool.resilience.request_timeout):g}s"},
        }
        yield {key: value for key, value in made.items() if value}


def _closing(route: Stored, numbers: Sequence[int], installation: str) -> Iterator[dict[str, Any]]:
    """For each of the user's rules one that answers where no pool's does."""
    for _, matches in _matched(route, numbers, {"type": "RegularExpression", "value": ANY.value}):
        filters = _with([], "ResponseHeaderModifier", "responseHeaderModifier", _explaining)
        yield {"matches": matches, "filters": [*filters, answer_reference(installation)]}


def _matched(
    route: Stored, numbers: Sequence[int], value: Mapping[str, str]
) -> Iterator[tuple[Mapping[str, Any], list[dict[str, Any]]]]:
    """The rules that need others beside them, with their matches and our header's in each. A redirect answers by itself."""
    for number in numbers:
        rule = rules_of(route)[number]
        matches = [made for match in matches_of(rule) if (made := _match(match, value)) is not None]
        if matches and not any(found.get("type") == "RequestRedirect" for found in rule.get("filters") or ()):
            yield rule, matches


def _match(match: Mapping[str, Any], value: Mapping[str, str]) -> dict[str, Any] | None:
    """The match with our header; None where it is full."""
    if is_full(match):
        return None
    path = match.get("path") or {"type": "PathPrefix", "value": "/"}
    return {**match, "path": path, "headers": [*(match.get("headers") or ()), {**value, "name": names.CLUSTER_HEADER}]}


def is_full(match: Mapping[str, Any]) -> bool:
    return len(match.get("headers") or ()) >= MOST_HEADERS


def _backend(ref: Mapping[str, Any], to: Servers, namespace: str) -> dict[str, Any]:
    made = dict(ref)
    if to.namespace != namespace:
        made["namespace"] = to.namespace
    elif to.filters:
        made["filters"] = list(to.filters)
    return made


def _filters(filters: list[dict[str, Any]], pool: PoolSpec) -> list[dict[str, Any]]:
    """The user's, with ours in them: a kind of filter stands once in a rule."""
    removed = removed_headers(pool)
    made = _with(filters, "RequestHeaderModifier", "requestHeaderModifier", lambda had: _removing(had, removed))
    made = _with(made, "ResponseHeaderModifier", "responseHeaderModifier", _explaining)
    if pool.backend.external is not None:
        hostname = pool.backend.external.hostname
        made = _with(made, "URLRewrite", "urlRewrite", lambda had: {**had, "hostname": hostname})
    return made


def removed_headers(pool: PoolSpec) -> list[str]:
    """What is for nobody behind the gateway, or not for this pool."""
    return [*_OURS, *(() if pool.forward_client_credentials else names.CREDENTIAL_HEADERS)]


def _explaining(had: Mapping[str, Any]) -> dict[str, Any]:
    """The decision in the answer's headers. Envoy Gateway hands values on as they are, and Envoy fills them in from the
    metadata that the data plane has written."""
    own = [
        {"name": f"{names.HEADER_PREFIX}{field}", "value": f"%DYNAMIC_METADATA({names.METADATA_NAMESPACE}:{field})%"}
        for field in (*names.RESPONSE_FIELDS, "decision")
    ]
    theirs = list(had.get("set") or ())
    return {**had, "set": [*theirs, *own[: MOST_HEADERS - len(theirs)]]}


def _removing(had: Mapping[str, Any], removed: Sequence[str]) -> dict[str, Any]:
    """What the user sets stays, but for what must not leave: a credential of the client's or for another server."""
    forbidden = {name.lower() for name in removed}
    made: dict[str, Any] = {"remove": list(dict.fromkeys([*removed, *(had.get("remove") or ())]))[:MOST_HEADERS]}
    for key in ("set", "add"):
        kept = [header for header in had.get(key) or () if header.get("name", "").lower() not in forbidden]
        if kept:
            made[key] = kept
    return made


def _with(
    filters: list[dict[str, Any]], type_: str, field: str, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    if not any(found.get("type") == type_ for found in filters):
        filters = [*filters, {"type": type_, field: {}}]
    return [{**f, field: change(f.get(field) or {})} if f.get("type") == type_ else f for f in filters]
