"""First step of a reconcile: everything that the checks look at, read once, into one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from forebay_api.local import Listener
from forebay_api.policy import RoutingPolicy
from forebay_api.pool import ModelPool
from forebay_decision.check import Finding
from forebay_operator.backends.endpoint import Backends
from forebay_operator.backends.mapped import local_backends
from forebay_operator.gateway.placing import place, target_findings
from forebay_operator.references.config_maps import ConfigMaps
from forebay_operator.references.heads import carry_heads
from forebay_operator.references.lists import resolve_lists
from forebay_operator.references.secrets import Credentials, resolve_credentials
from forebay_operator.source.view import View


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about all objects, which go by ``namespace/name``.

    `policy_faults` and `pool_faults` are what reading an object's text has found. With an Error among them the object
    stands here as it was before, because its newest text is refused.
    """

    policies: Mapping[str, RoutingPolicy]
    pools: Mapping[str, ModelPool]
    backends: Backends = {}
    credentials: Credentials = Credentials({}, {})
    policy_faults: Mapping[str, tuple[Finding, ...]] = {}
    pool_faults: Mapping[str, tuple[Finding, ...]] = {}
    unmade_pools: frozenset[str] = frozenset()
    """Pools of which no resources can be made, nor of an earlier version: they count as absent, and say why."""
    target_findings: Mapping[str, tuple[Finding, ...]] = {}
    """What is wrong with policies' targetRefs. Those policies stand here with their targets resolved (placing.py)."""
    listeners: tuple[Listener, ...] = ()
    """They say who may attach policies; none says that anybody may."""
    data_findings: Mapping[str, tuple[Finding, ...]] = {}
    """Why what policies keep in ConfigMaps is not to be had. All that is stands in them, as if it were written there."""


def gather(view: View, *, base: Path, environ: Mapping[str, str], for_cluster: bool = False) -> Inputs:
    """Add to a directory's View what forebay.yaml says of servers and credentials; `base` is its directory.

    `for_cluster`: the manifests are to be taken elsewhere, so that targetRefs are only something to know.
    """
    specs = {name: pool.spec for name, pool in view.pools.items()}
    config_maps = ConfigMaps(view.config_maps)
    listed = resolve_lists(view.policies, config_maps)
    carried = carry_heads(place(listed.policies, None), config_maps)
    return Inputs(
        policies=carried.policies,
        pools=view.pools,
        backends=local_backends(specs, view.local.backends),
        credentials=resolve_credentials(specs, view.local, base=base, environ=environ),
        policy_faults=_faults(view, "RoutingPolicy", view.policies),
        pool_faults=_faults(view, "ModelPool", view.pools),
        data_findings=together(listed.findings, carried.findings),
        listeners=tuple(view.local.listeners),
        target_findings=target_findings(view.policies, None, "Warning" if for_cluster else "Error"),
    )


def together(*found: Mapping[str, tuple[Finding, ...]]) -> dict[str, tuple[Finding, ...]]:
    """All findings of each object."""
    names = dict.fromkeys(name for each in found for name in each)
    return {name: tuple(finding for each in found for finding in each.get(name, ())) for name in names}


def _faults(view: View, kind: str, names: Iterable[str]) -> dict[str, tuple[Finding, ...]]:
    told = {name: tuple(_faults_of(view, f"{kind} {name}")) for name in names}
    return {name: findings for name, findings in told.items() if findings}


def _faults_of(view: View, key: str) -> Iterator[Finding]:
    named = [error for error in view.errors if error.name == key]
    yield from (Finding(e.path, e.message, severity="Warning") for e in named if e.severity == "Warning")
    if key not in view.kept:
        return  # what else bears this name is wrong with its twin, in another document
    own = [error for error in view.errors if error.source == view.kept[key] and error.severity == "Error"]
    for error in [e for e in own if e.name == key] or own[:1]:
        place = error.source if error.line is None else f"{error.source}:{error.line}"
        yield Finding(error.path, f"{error.message} ({place})")
