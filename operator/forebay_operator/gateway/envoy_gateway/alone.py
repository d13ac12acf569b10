"""What Forebay's own Envoy decides alone and Envoy Gateway's does not: requests that name a pool's model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision.native import native_models
from forebay_operator.envoy.natives import visible

NAMED: Final = 3


def asked_all_the_same(policy: str, spec: PolicySpec, pools: Mapping[str, PoolSpec]) -> Iterator[str]:
    """Says so of the models of a policy for which no data plane would have to be asked; nothing where there are none."""
    found = native_models(policy, spec, pools, shadowed=False, saturated=frozenset())
    models = sorted(native.model for native in found if visible(native))
    if models:
        more = f" and {len(models) - NAMED} more" if len(models) > NAMED else ""
        yield (
            f"data planes are asked about requests that name {', '.join(models[:NAMED])}{more}, too: Envoy Gateway's Envoy "
            "decides none alone (docs/gateway-api.md)"
        )
