"""Labels and owner references: whose an object is, by which it is found again and goes with its policy."""

from __future__ import annotations

from typing import Any

from forebay_api.base import API_VERSION
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import INSTALLATION, MANAGED_BY, OPERATOR, POLICY


def for_policy(
    wanted: Wanted, policy: str, plural: str, namespace: str, name: str, spec: dict[str, Any], stage: int
) -> Generated:
    """An object of one policy: owned by it in its own namespace, found by its labels everywhere."""
    home, _, short = policy.partition("/")
    owner = reference(API_VERSION, "RoutingPolicy", short, wanted.policies[policy].uid) if home == namespace else None
    return Generated(plural, namespace, name, spec, labels(wanted.installation, policy=short), owner, stage, (policy,))


def labels(installation: str, *, policy: str = "") -> dict[str, str]:
    own = {MANAGED_BY: OPERATOR, INSTALLATION: installation}
    return {**own, POLICY: policy[:63].rstrip("-.")} if policy else own


def reference(api_version: str, kind: str, name: str, uid: str) -> dict[str, Any] | None:
    """None where the owner's uid is unknown."""
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid} if uid else None
