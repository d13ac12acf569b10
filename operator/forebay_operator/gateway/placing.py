"""Policies with their targets resolved, as the rest of the operator takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.wire import Origin, Place, PlacedSpec
from forebay_decision.check import Finding
from forebay_operator.gateway.attach import Attached
from forebay_operator.gateway.spots import Spot

NEEDS_A_CLUSTER: Final = (
    "a Gateway or an HTTPRoute is found in a cluster only, by an operator with --gateway-api (chart: gatewayAPI.enabled): "
    "nothing is served here; with Forebay's own Envoy use spec.attach"
)


Origins = Mapping[str, Mapping[Spot, tuple[Origin, ...]]]
"""By policy and spot, how the gateway tells of its requests by which route they came."""


def place(
    policies: Mapping[str, RoutingPolicy], attached: Mapping[str, Attached] | None, origins: Origins | None = None
) -> Mapping[str, RoutingPolicy]:
    """The policies; those with targetRefs have places in their stead, none where `attached` is None."""
    if not any(policy.spec.target_refs for policy in policies.values()):
        return policies
    return {
        name: _placed(policy, _places(attached[name], (origins or {}).get(name, {})) if attached is not None else ())
        if policy.spec.target_refs
        else policy
        for name, policy in policies.items()
    }


def target_findings(
    policies: Mapping[str, RoutingPolicy],
    attached: Mapping[str, Attached] | None,
    severity: Literal["Error", "Warning"] = "Error",
) -> dict[str, tuple[Finding, ...]]:
    """What is wrong with targets, by policy; with all of them where `attached` is None."""
    if attached is not None:
        return {name: found.findings for name, found in attached.items() if found.findings}
    nowhere = (Finding("spec.targetRefs", NEEDS_A_CLUSTER, severity=severity),)
    return {name: nowhere for name, policy in policies.items() if policy.spec.target_refs}


def _places(attached: Attached, origins: Mapping[Spot, tuple[Origin, ...]]) -> tuple[Place, ...]:
    def told(found: Place) -> tuple[Origin, ...]:
        return tuple(sorted({origin for spot in attached.at.get(found, ()) for origin in origins.get(spot, ())}))

    return tuple(msgspec.structs.replace(found, origins=told(found)) for found in attached.places)


def _placed(policy: RoutingPolicy, places: tuple[Place, ...]) -> RoutingPolicy:
    fields = {field: getattr(policy.spec, field) for field in PolicySpec.__struct_fields__ if field != "target_refs"}
    return msgspec.structs.replace(policy, spec=PlacedSpec(**fields, places=places))
