"""Pools' credentials from the Secrets that carry the label; values go to SDS and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from forebay_api.pool import PoolSpec
from forebay_decision.check import Finding
from forebay_operator.cluster.change import SecretFacts
from forebay_operator.cluster.kinds import CREDENTIAL_LABEL
from forebay_operator.references.secrets import PATH, Credentials, SecretText, usable


def resolve_secrets(
    pools: Mapping[str, PoolSpec],
    secrets: Mapping[str, SecretFacts],
    namespaces: frozenset[str],
    locked: frozenset[str] = frozenset(),
) -> Credentials:
    """Each pool's credential. `namespaces` are those whose Secrets the operator is to read, none where empty; of them it
    may not read those that are `locked`."""
    values: dict[str, SecretText] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    for pool, spec in pools.items():
        namespace = pool.partition("/")[0]
        for credential in spec.credentials[:1]:
            found = _find(namespace, credential.secret_ref.name, credential.secret_ref.key, secrets, namespaces, locked)
            if isinstance(found, SecretText):
                values[pool] = found
            else:
                findings[pool] = (Finding(PATH, found, reason="SecretNotFound"),)
    return Credentials(values, findings)


def _find(
    namespace: str,
    name: str,
    key: str,
    secrets: Mapping[str, SecretFacts],
    namespaces: frozenset[str],
    locked: frozenset[str],
) -> SecretText | str:
    """The value, or a sentence that says why there is none and what to do."""
    if namespace not in namespaces:
        return (
            f"the operator may not read Secrets in namespace {namespace!r}: add it to credentialNamespaces in the chart's "
            "values"
        )
    secret = secrets.get(f"{namespace}/{name}")
    if secret is None and namespace in locked:
        return (
            f"the API server does not let the operator list and watch Secrets in namespace {namespace!r}: bind a Role with "
            "these two rights to its ServiceAccount, as the chart does for each of credentialNamespaces"
        )
    if secret is None:
        return (
            f"there is no Secret {name!r} with the label {CREDENTIAL_LABEL} in namespace {namespace!r}: create it, or "
            f"label it with `kubectl label secret {name} {CREDENTIAL_LABEL}=true -n {namespace}`"
        )
    if key not in secret.values:
        there = ", ".join(sorted(secret.values)) or "none"
        return f"Secret {name!r} has no key {key!r} (its keys: {there})"
    value = secret.values[key]
    told = f"Secret {name!r}, key {key!r}"
    return usable(None if value is None else value.reveal(), told)
