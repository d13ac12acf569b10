"""Everything that is known of the cluster, in memory: changes in, one frozen picture out.

One thread writes (the loop's); pictures are values and may be read anywhere. Parts that no change has touched are the
very same objects in the next picture, so that what is computed from them need not be computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import is_
from typing import Any, Final

import msgspec

from forebay_api.policy import RoutingPolicy
from forebay_api.policy_data import ConfigMap
from forebay_api.pool import ModelPool
from forebay_operator.cluster.change import Change, Identity, Refused, SecretFacts
from forebay_operator.cluster.facts import Facts
from forebay_operator.cluster.kinds import (
    ENVOY_GATEWAY,
    GATEWAY_API,
    GRANTS,
    INFERENCE_POOLS,
    PODS,
    POLICIES,
    POLICY_DATA,
    POOLS,
    SECRETS,
    SERVICES,
    SLICES,
    Resource,
)
from forebay_operator.cluster.objects import EndpointSlice
from forebay_operator.gateway.facts import NO_GATEWAYS, GatewayFacts

SERVICE_LABEL: Final = "kubernetes.io/service-name"


class Stored(msgspec.Struct, frozen=True):
    """One object of ours as the API server has it: who it is, the status it shows, and why it cannot be taken."""

    identity: Identity
    generation: int
    status: Any = None
    refused: Refused | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything. `refused` objects stand among policies and pools in their last good version, if any."""

    policies: Mapping[str, RoutingPolicy]
    pools: Mapping[str, ModelPool]
    facts: Facts
    secrets: Mapping[str, SecretFacts]
    config_maps: Mapping[str, ConfigMap] = {}
    barred: frozenset[str] = frozenset()
    """Namespaces in which ConfigMaps may not be read; "" stands for all."""
    locked: frozenset[str] = frozenset()
    """Namespaces in which Secrets may not be read although they should be."""
    stored_policies: Mapping[str, Stored]
    stored_pools: Mapping[str, Stored]


class Store:
    """By resource: key -> what is known. Deletions count only for the incarnation that they name."""

    def __init__(self) -> None:
        self._uids: dict[str, dict[str, str]] = {}
        self._values: dict[str, dict[str, Any]] = {}
        self._stored: dict[str, dict[str, Stored]] = {POLICIES.plural: {}, POOLS.plural: {}}
        self._slices: dict[str, dict[str, EndpointSlice]] = {}
        self._owners: dict[str, str] = {}
        self._by_service: dict[str, tuple[EndpointSlice, ...]] = {}
        self._pictured: dict[str, Mapping[str, Any]] = {}
        self._gateway_parts: list[Mapping[str, Any]] = []
        self._gateway_facts = NO_GATEWAYS
        self.barred: frozenset[str] = frozenset()
        self.locked: frozenset[str] = frozenset()

    def take(self, change: Change) -> bool:
        """Take in one change; say whether a picture taken now would differ in anything but stored status."""
        plural, key = change.resource.plural, change.identity.key
        uids = self._uids.setdefault(plural, {})
        values = self._values.setdefault(plural, {})
        if change.gone:
            if uids.get(key) != change.identity.uid:
                return False
            del uids[key]
            known = values.pop(key, None)
            refused = self._stored.get(plural, {}).pop(key, None)
            self._touch(change.resource, key, None)
            return known is not None or refused is not None
        renewed = uids.get(key) not in (None, change.identity.uid)
        uids[key] = change.identity.uid
        if renewed:
            values.pop(key, None)
        moved = self._note_stored(change) or renewed
        if change.value is None or values.get(key) == change.value:
            return moved
        values[key] = change.value
        self._touch(change.resource, key, change.value)
        return True

    def uids(self, resource: Resource) -> dict[str, str]:
        """Key -> uid of everything known of a kind; a copy."""
        return dict(self._uids.get(resource.plural, {}))

    def forget(self, resource: Resource) -> bool:
        """Nothing of this kind is followed any more. Says whether there was anything."""
        known = self._uids.pop(resource.plural, {})
        for key in list(self._values.get(resource.plural, {})):
            self._touch(resource, key, None)
        self._values.pop(resource.plural, None)
        return bool(known)

    def bar(self, namespaces: frozenset[str]) -> bool:
        """In these namespaces ConfigMaps may not be read; "" stands for all. Says whether that is news."""
        news, self.barred = namespaces != self.barred, namespaces
        return news

    def lock(self, namespaces: frozenset[str]) -> bool:
        """In these namespaces Secrets may not be read. Says whether that is news."""
        news, self.locked = namespaces != self.locked, namespaces
        return news

    def picture(self) -> Picture:
        """What is known now."""
        return Picture(
            policies=self._part(POLICIES),
            pools=self._part(POOLS),
            facts=Facts(
                services=self._part(SERVICES),
                slices=self._sliced(),
                pods=self._part(PODS),
                inference_pools=self._part(INFERENCE_POOLS),
                grants=self._part(GRANTS),
                gateway=self._gateway(),
            ),
            secrets=self._part(SECRETS),
            config_maps=self._part(POLICY_DATA),
            barred=self.barred,
            locked=self.locked,
            stored_policies=dict(self._stored[POLICIES.plural]),
            stored_pools=dict(self._stored[POOLS.plural]),
        )

    def _gateway(self) -> GatewayFacts:
        """The very object of before where nothing has changed."""
        parts = [self._part(resource) for resource in (*GATEWAY_API, *ENVOY_GATEWAY, GRANTS)]
        if not all(map(is_, parts, self._gateway_parts)) or len(parts) != len(self._gateway_parts):
            classes, gateways, routes, *kinds, grants = self._gateway_parts = parts
            named = dict(zip((resource.plural for resource in ENVOY_GATEWAY), kinds, strict=True))
            self._gateway_facts = GatewayFacts(
                classes=classes, gateways=gateways, routes=routes, kinds=named, grants=grants
            )
        return self._gateway_facts

    def _part(self, resource: Resource) -> Mapping[str, Any]:
        plural = resource.plural
        if plural not in self._pictured:
            self._pictured[plural] = dict(sorted(self._values.get(plural, {}).items()))
        return self._pictured[plural]

    def _sliced(self) -> Mapping[str, tuple[EndpointSlice, ...]]:
        if SLICES.plural not in self._pictured:
            for service, named in self._slices.items():
                if service not in self._by_service:
                    self._by_service[service] = tuple(named[name] for name in sorted(named))
            self._pictured[SLICES.plural] = dict(sorted(self._by_service.items()))
        return self._pictured[SLICES.plural]

    def _touch(self, resource: Resource, key: str, value: Any) -> None:
        self._pictured.pop(resource.plural, None)
        if resource != SLICES:
            return
        if (former := self._owners.pop(key, None)) is not None:
            self._slices[former].pop(key, None)
            self._by_service.pop(former, None)
            if not self._slices[former]:
                del self._slices[former]
        service = None if value is None else value.metadata.labels.get(SERVICE_LABEL)
        if service is not None:
            owner = f"{value.metadata.namespace}/{service}"
            self._owners[key] = owner
            self._slices.setdefault(owner, {})[key] = value
            self._by_service.pop(owner, None)

    def _note_stored(self, change: Change) -> bool:
        """Keep what the API server shows of an object of ours; say whether what is refused of it has changed."""
        stored = self._stored.get(change.resource.plural)
        if stored is None:
            return False
        key = change.identity.key
        generation = change.refused.generation if change.refused else change.value.metadata.generation
        before = stored.get(key)
        stored[key] = Stored(change.identity, generation, change.status, change.refused)
        return (before.refused if before else None) != change.refused


def surplus(known: Mapping[str, str], listed: Iterable[tuple[str, str, str]]) -> Iterator[Identity]:
    """Objects of which the API server no longer knows. `known` was taken before the listing began."""
    there = {uid for _, _, uid in listed}
    for key, uid in known.items():
        if uid not in there:
            namespace, _, name = key.partition("/")
            yield Identity(namespace, name, uid)
