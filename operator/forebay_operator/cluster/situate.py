"""From a picture of the cluster to a situation: references resolved, refusals noted, planes found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from forebay_api.local import LocalConfig
from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.pool import ModelPool, PoolSpec
from forebay_decision.check import Finding
from forebay_operator.backends.resolve import Resolver
from forebay_operator.cluster.credentials import resolve_secrets
from forebay_operator.cluster.gateway.gateways import GatewaySituater
from forebay_operator.cluster.replicas import find_replicas
from forebay_operator.cluster.store import Picture, Stored
from forebay_operator.envoy.identity import PeerTls
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gateway.placing import place, target_findings
from forebay_operator.gather import Inputs, together
from forebay_operator.options import ClusterOptions
from forebay_operator.publication import Surface
from forebay_operator.references.config_maps import ConfigMaps
from forebay_operator.references.heads import carry_heads
from forebay_operator.references.lists import resolve_lists
from forebay_operator.situation import Situation
from forebay_operator.source.local import trust_file
from forebay_operator.xds.acknowledgements import Kind

_NOT_READ: Final = (
    "this operator reads no ConfigMaps: set configMaps.enabled in the chart's values (option --config-maps), or write the "
    "items into the policy"
)
_BARRED: Final = (
    "the API server does not let the operator list and watch ConfigMaps there: bind a Role with these two rights to its "
    "ServiceAccount, as the chart does with configMaps.enabled"
)
Ours = TypeVar("Ours", RoutingPolicy, ModelPool)


class Situater:
    """Remembers what backends rest on, so that one change costs what depends on it. For one thread at a time.

    `tls` is how Envoy talks to data planes.
    """

    def __init__(self, options: ClusterOptions, tls: PeerTls | None) -> None:
        self._options = options
        self._tls = tls
        self._resolver = Resolver()
        self._expected: Mapping[str, Kind] = {}
        self._gateways = GatewaySituater(options, tls)

    def recall(self, policies: Mapping[str, PolicySpec]) -> None:
        """These versions an operator before this one has published."""
        self._gateways.recall(policies)

    def situate(
        self, picture: Picture, local: LocalConfig, detained: Mapping[str, PoolSpec] = MappingProxyType({})
    ) -> Situation:
        """What the operator is to make of this picture. `detained` pools are deleted and still in use: their servers and
        credentials come and go like those of any other."""
        options = self._options
        specs = {name: pool.spec for name, pool in picture.pools.items()}
        in_use = {**detained, **specs}
        replicas = find_replicas(
            picture.facts.slices,
            data_plane=_own(options.namespace, options.data_plane_service),
            envoy=_own(options.namespace, options.envoy_service),
        )
        config_maps = _config_maps(picture, reads=options.config_maps)
        listed = resolve_lists(_at_newest(picture.policies, picture.stored_policies), config_maps)
        newest = listed.policies
        policies, gateway = place(newest, None), None
        if options.gateway_api:
            policies, gateway = self._gateways.situate(picture, newest, specs)
        carried = carry_heads(policies, config_maps)
        attached = None if gateway is None else gateway.attached
        return Situation(
            inputs=Inputs(
                policies=carried.policies,
                pools=_at_newest(picture.pools, picture.stored_pools),
                backends=self._resolver.resolve(in_use, picture.facts),
                credentials=resolve_secrets(
                    in_use, picture.secrets, frozenset(options.credential_namespaces), picture.locked
                ),
                policy_faults=_faults(picture.stored_policies),
                pool_faults=_faults(picture.stored_pools),
                target_findings=target_findings(newest, attached),
                data_findings=together(listed.findings, carried.findings),
                listeners=tuple(local.listeners),
            ),
            surface=Surface(
                tuple(local.listeners),
                DataPlane(replicas.data_planes, self._tls, _name(options, replicas.data_plane_port)),
                trust_file(local, Path("/") if options.config is None else options.config.parent),
            ),
            expected=self._same(replicas.expected),
            ready=replicas.ready,
            gateway=gateway,
        )

    def _same(self, expected: Mapping[str, Kind]) -> Mapping[str, Kind]:
        """The very object of before where nothing has changed: whoever compares is quick."""
        if expected != self._expected:
            self._expected = expected
        return self._expected


def _config_maps(picture: Picture, *, reads: bool) -> ConfigMaps:
    if not reads:
        return ConfigMaps(closed=_NOT_READ)
    closed_in = {namespace: _BARRED for namespace in picture.barred if namespace}
    return ConfigMaps(picture.config_maps, _BARRED if "" in picture.barred else "", closed_in)


def _own(namespace: str, service: str | None) -> str | None:
    return None if service is None else f"{namespace}/{service}"


def _name(options: ClusterOptions, port: int | None) -> str | None:
    """Where DNS finds the data planes; the resolver's search list has the cluster's domain."""
    if options.data_plane_service is None or port is None:
        return None
    return f"{options.data_plane_service}.{options.namespace}.svc:{port}"


def _faults(stored: Mapping[str, Stored]) -> dict[str, tuple[Finding, ...]]:
    return {name: entry.refused.findings for name, entry in stored.items() if entry.refused is not None}


def _at_newest(objects: Mapping[str, Ours], stored: Mapping[str, Stored]) -> Mapping[str, Ours]:
    """The objects; one whose newest version is refused stands in its last good one, under the newest generation."""
    refused = {name for name, entry in stored.items() if entry.refused is not None and name in objects}
    if not refused:
        return objects
    return {
        name: _renumbered(made, stored[name].generation) if name in refused else made for name, made in objects.items()
    }


def _renumbered(made: Ours, generation: int) -> Ours:
    metadata = msgspec.structs.replace(made.metadata, generation=generation)
    return msgspec.structs.replace(made, metadata=metadata)
