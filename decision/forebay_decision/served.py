"""Which pools and models a policy can reach, and the order of a fallback chain; both planes derive them here."""

from __future__ import annotations

from collections.abc import Mapping

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.strategy import Direct


def qualified(policy: str, pool: str) -> str:
    """``namespace/name`` of a pool that policy ``namespace/name`` refers to."""
    return f"{policy.partition('/')[0]}/{pool}"


def policy_pools(policy: str, spec: PolicySpec) -> tuple[str, ...]:
    """Qualified names of the pools that the policy's strategies may use, in order of first mention."""
    refs = [ref.name for s in spec.strategies for ref in (*s.direct.pools, *s.direct.fallback)]
    return tuple(dict.fromkeys(qualified(policy, ref) for ref in refs))


def served_models(pools: Mapping[str, PoolSpec]) -> dict[str, tuple[str, ...]]:
    """Model name -> the pools that serve it, in the order of `pools`."""
    served: dict[str, tuple[str, ...]] = {}
    for pool, spec in pools.items():
        for model in spec.models:
            served[model.name] = (*served.get(model.name, ()), pool)
    return served


def chain_order(policy: str, direct: Direct, first: str) -> tuple[str, ...]:
    """Qualified pools that Envoy tries, `first` first, then the strategy's fallbacks.

    When `first` is itself a fallback only those after it follow: whoever stands before it was not eligible.
    """
    fallback = list(dict.fromkeys(qualified(policy, ref.name) for ref in direct.fallback))
    if first in fallback and first not in {qualified(policy, ref.name) for ref in direct.pools}:
        fallback = fallback[fallback.index(first) :]
    return (first, *(pool for pool in fallback if pool != first))


def virtual(name: str, patterns: list[str]) -> bool:
    """Whether a policy's `models` claim this name; a trailing ``*`` matches any ending."""
    return any(name == p or (p.endswith("*") and name.startswith(p[:-1])) for p in patterns)
