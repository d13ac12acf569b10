"""What policies claim of the places behind a gateway, one by one, and policies with other places than their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.wire import Origin, Place, PlacedSpec
from forebay_decision.attachment import placed

Claim = tuple[str, str, Origin | None, str]
"""A host, a prefix, the gateway's route, if it tells, and what is taken off there, which makes no other place."""


def enforced(spec: PolicySpec) -> Iterator[Claim]:
    """What a policy answers for. A Shadow policy has its places beside whoever does."""
    if spec.mode == "Enforce":
        yield from claims_of(placed(spec) or ())


def matched(claim: Claim) -> tuple[str, str, str, str]:
    """What a rule of a gateway's route matches, whatever its number: ours stand beside it by that."""
    host, prefix, origin, base = claim
    return host, prefix, base, "" if origin is None else origin.route.partition("/rule/")[0]


def without(policy: RoutingPolicy, claims: frozenset[Claim]) -> RoutingPolicy:
    left = (claim for claim in claims_of(placed(policy.spec) or ()) if claim not in claims)
    return msgspec.structs.replace(policy, spec=at(policy.spec, tuple(places_of(left))))


def claims_of(places: Iterable[Place]) -> Iterator[Claim]:
    for place in places:
        for host in place.hostnames:
            for origin in place.origins or (None,):
                yield host, place.prefix, origin, place.base


def places_of(claims: Iterable[Claim]) -> Iterator[Place]:
    found: dict[tuple[str, str, str], list[Origin]] = {}
    for host, prefix, origin, base in claims:
        found.setdefault((host, prefix, base), []).extend(() if origin is None else (origin,))
    for (host, prefix, base), origins in sorted(found.items()):
        yield Place(hostnames=(host,), prefix=prefix, base=base, origins=tuple(sorted(origins)))


def with_places(policy: RoutingPolicy, more: tuple[Place, ...]) -> RoutingPolicy:
    own = placed(policy.spec) or ()
    return msgspec.structs.replace(policy, spec=at(policy.spec, (*own, *(place for place in more if place not in own))))


def at(spec: PolicySpec, places: tuple[Place, ...]) -> PolicySpec:
    assert isinstance(spec, PlacedSpec)  # noqa: S101 - all that come here are
    return msgspec.structs.replace(spec, places=places)


def same(one: PolicySpec, other: PolicySpec) -> bool:
    """But for where: a place more or less needs no other route than its own."""
    return one is other or at(one, ()) == at(other, ())
