"""The EnvoyPatchPolicy of a Gateway with internal listeners, and what its policies do without where there is none.

It is apart from the other one, so that each is told for itself: this one needs a bootstrap extension, and names what Envoy
Gateway makes of our HTTPRoutes, which are not all there at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.envoy_gateway.patches.begun import begun, spots_behind
from forebay_operator.gateway.envoy_gateway.patches.detours import Detour, detour_patches
from forebay_operator.gateway.envoy_gateway.patches.fallbacks import Orders, chain_detours, orders_of, rooms
from forebay_operator.gateway.envoy_gateway.patches.internal import missing_extension
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch
from forebay_operator.gateway.envoy_gateway.patches.pickers import picked_pools, picker, picker_detours
from forebay_operator.gateway.envoy_gateway.patches.policy import STAGE, Patched, may_speak
from forebay_operator.gateway.envoy_gateway.patches.standing import PLURAL, is_unknown, troubles
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import generated_name
from forebay_operator.gateway.objects import GROUP, VERSION
from forebay_operator.gateway.permission import advice

MOST_LISTENERS: Final = 24
"""Internal ones, in one Gateway. Each is some 15 KB in the object, and an API server stores 1.5 MB."""


class Needs(msgspec.Struct, frozen=True):
    """What of a policy goes by internal listeners: chains with their pools, and pools with a picker."""

    orders: Orders
    picked: tuple[str, ...]

    def missed(self, gateway: str) -> list[str]:
        """What it does without where there are none."""
        told = [
            f"the endpoint picker of pool {pool} is not asked, and its pods are called by turns" for pool in self.picked
        ]
        if self.orders:
            told.append("a request that has failed at its pool is not tried at the strategy's fallback pools")
        return [f"{one} behind Gateway {gateway}" for one in told]


def inside(wanted: Wanted, routes: Sequence[Generated], controllers: frozenset[str]) -> Patched:
    """One object for each Gateway behind which policies need it; `routes` are our HTTPRoutes."""
    made: list[Generated] = []
    lost: dict[str, list[str]] = {}
    needy = {
        name: needs
        for name, held in wanted.policies.items()
        if (needs := Needs(orders_of(name, held), picked_pools(name, held, wanted))) != Needs({}, ())
    }
    for gateway in sorted({spot.gateway for name in needy for spot in wanted.policies[name].attached.spots}):
        here = {name: needs for name, needs in needy.items() if spots_behind(wanted.policies[name], gateway)}
        reasons: dict[str, tuple[str, ...]]
        if not any(may_speak(name, gateway, wanted) for name in here):
            reasons = {name: (advice(name.partition("/")[0], "Gateway", gateway),) for name in here}
        elif why := missing_extension(wanted.facts.gateways[gateway], wanted.facts):
            reasons = dict.fromkeys(here, (why,))
        else:
            reasons = _write(gateway, here, routes, wanted, controllers, made)
        for name, found in reasons.items():
            told = (f"{missed}: {why}" for missed in here[name].missed(gateway) for why in found)
            lost.setdefault(name, []).extend(told)
    return Patched(tuple(made), {name: tuple(found) for name, found in lost.items()})


def _write(
    gateway: str,
    needy: Mapping[str, Needs],
    routes: Sequence[Generated],
    wanted: Wanted,
    controllers: frozenset[str],
    made: list[Generated],
) -> dict[str, tuple[str, ...]]:
    """Adds the object to `made`, and says by policy why it does not do what it should."""
    namespace, _, name = gateway.partition("/")
    own = generated_name(name, gateway, "inside")
    stored = wanted.facts.gateways[gateway]
    lost: dict[str, tuple[str, ...]] = {}
    parts = {policy: begun(policy, gateway, routes, wanted) for policy in needy}
    tables = tuple(dict.fromkeys(table for found in parts.values() for part in found for table in part.tables))
    both = is_unknown(wanted.facts.stored(PLURAL, f"{namespace}/{own}"), tables)
    listeners: dict[str, tuple[Patch, ...]] = {}
    detours: list[Detour] = []
    for policy, needs in needy.items():
        here = {pool: picker(pool, wanted) for pool in needs.picked}
        here |= rooms(policy, needs.orders, parts[policy], wanted)
        if len(listeners | here) > MOST_LISTENERS:
            lost[policy] = (f"the policies of this Gateway need more than {MOST_LISTENERS} internal listeners",)
            continue
        listeners |= here
        detours += chain_detours(policy, needs.orders, parts[policy], wanted, both)
        detours += picker_detours(needs.picked, parts[policy], wanted, both)
    if detours:
        spec: dict[str, Any] = {
            "targetRef": {"group": GROUP, "kind": "Gateway", "name": name},
            "type": "JSONPatch",
            "jsonPatches": [*(patch for found in listeners.values() for patch in found), *detour_patches(detours)],
        }
        owner = reference(f"{GROUP}/{VERSION}", "Gateway", name, stored.metadata.uid or "")
        users = tuple(policy for policy in needy if policy not in lost)
        made.append(
            Generated(PLURAL, namespace, own, spec, labels(wanted.installation), owner, STAGE, users, optional=True)
        )
        why = troubles(f"{namespace}/{own}", wanted.facts, controllers, tables)
        lost.update(dict.fromkeys(users, why) if why else {})
    return lost
