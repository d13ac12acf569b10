"""ConfigMaps that policies refer to: where they are found, and what is said where they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import LABEL, ConfigMap, ConfigMapKey
from forebay_api.reasons import Reason
from forebay_decision.check import Finding

_SHOWN: Final = 8


class ConfigMaps(msgspec.Struct, frozen=True):
    """ConfigMaps by ``namespace/name``, and why there may be no more of them: `closed` is a sentence that tells it where
    none are read at all, `closed_in` by namespace."""

    found: Mapping[str, ConfigMap] = {}
    closed: str = ""
    closed_in: Mapping[str, str] = {}

    def why_closed(self, namespace: str) -> str:
        """Empty where ConfigMaps of this namespace are read."""
        return self.closed or self.closed_in.get(namespace, "")

    def get(self, policy: str, ref: ConfigMapKey) -> ConfigMap | None:
        """What a policy (``namespace/name``) refers to, if it is there."""
        return self.found.get(f"{policy.partition('/')[0]}/{ref.name}")


class Referred(msgspec.Struct, frozen=True):
    """Policies with what they refer to in its place; one that lacks any of it stands as it is written, and says so."""

    policies: Mapping[str, RoutingPolicy]
    findings: Mapping[str, tuple[Finding, ...]] = {}


def refer(
    policies: Mapping[str, RoutingPolicy],
    resolve: Callable[[str, RoutingPolicy], tuple[RoutingPolicy, tuple[Finding, ...]]],
) -> Referred:
    """`resolve` each policy by itself."""
    resolved: dict[str, RoutingPolicy] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    for name, policy in policies.items():
        resolved[name], found = resolve(name, policy)
        if found:
            findings[name] = found
    return Referred(resolved, findings)


class ReferenceFault(ValueError):
    """Why what is referred to cannot be had. The message says what to do, and is told together with field and place."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason

    def finding(self, path: str, ref: ConfigMapKey) -> Finding:
        """`path` is the field that holds the reference."""
        return Finding(path, f"ConfigMap {ref.name!r}, key {ref.key!r}: {self}", reason=self.reason)


def there(policy: str, ref: ConfigMapKey, found: ConfigMap | None, closed: str) -> ConfigMap:
    """The ConfigMap. Raises ReferenceFault where it may not be read (`closed` says why) or is not there."""
    if closed:
        raise ReferenceFault(closed, "RefNotPermitted")
    if found is None:
        namespace = policy.partition("/")[0]
        raise ReferenceFault(
            f"not found in namespace {namespace!r}, or without the label {LABEL}: create it, or label it with `kubectl "
            f"label configmap {ref.name} {LABEL}=true -n {namespace}`",
            "ConfigMapNotFound",
        )
    return found


def no_key(part: str, keys: Iterable[str]) -> ReferenceFault:
    """That a ConfigMap has no such key in `part` of it, which has `keys`."""
    known = sorted(keys)
    listed = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "") or "none"
    return ReferenceFault(f"the ConfigMap has no such key in `{part}` (its keys: {listed})", "ConfigMapNotFound")
