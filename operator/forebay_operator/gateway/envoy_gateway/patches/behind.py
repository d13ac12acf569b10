"""Who is behind a Gateway: policies with their parts in it, as patches are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from forebay_operator.gateway.envoy_gateway.patches.bypass import Bypass, bypass_of
from forebay_operator.gateway.implementation import Generated, Wanted


class Behind(msgspec.Struct, frozen=True):
    """One policy's part in a Gateway: behind which of its listeners, by which EnvoyExtensionPolicies there, and where its
    requests go while no data plane answers."""

    listeners: dict[str, frozenset[str]]
    bypass: Bypass | None


def policies_behind(wanted: Wanted, extensions: Sequence[Generated]) -> dict[str, dict[str, Behind]]:
    """By Gateway and policy."""
    own: dict[tuple[str, str], str] = {(p, e.namespace): e.key for e in extensions for p in e.policies}
    found: dict[str, dict[str, dict[str, set[str]]]] = {}
    for name, held in wanted.policies.items():
        routes = {target for kind, target, _ in held.attached.targets if kind == "HTTPRoute"}
        for spot in held.attached.spots:
            namespace = (spot.route if spot.route in routes else spot.gateway).partition("/")[0]
            by_listener = found.setdefault(spot.gateway, {}).setdefault(name, {})
            by_listener.setdefault(spot.listener, set()).update(filter(None, [own.get((name, namespace))]))
    return {
        gateway: {
            name: Behind(
                {listener: frozenset(keys) for listener, keys in sorted(listeners.items())},
                bypass_of(name, wanted.policies[name].spec, wanted.pools, wanted.policies[name].attached.places),
            )
            for name, listeners in sorted(policies.items())
        }
        for gateway, policies in found.items()
    }


def bypassing(policies: Mapping[str, Behind]) -> list[str]:
    """Those with a bypass, by name."""
    return sorted(name for name, part in policies.items() if part.bypass is not None)
