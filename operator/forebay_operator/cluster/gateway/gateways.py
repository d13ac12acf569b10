"""From a picture of the cluster to what adapters to Gateway API implementations work from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.pool import PoolSpec
from forebay_decision.served import policy_pools
from forebay_operator.cluster.replicas import GRPC_PORT
from forebay_operator.cluster.store import Picture
from forebay_operator.envoy.identity import PeerTls
from forebay_operator.gateway.attach import attach
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.gateway.envoy_gateway.servers import CREDENTIAL_KEY
from forebay_operator.gateway.implementation import DataPlaneRef, Implementation
from forebay_operator.gateway.naming import installation
from forebay_operator.gateway.placing import place
from forebay_operator.gateway.sharing import shared
from forebay_operator.gateway.situation import GatewaySituation
from forebay_operator.gateway.transition import Transition
from forebay_operator.options import ClusterOptions

DEFAULT_PORT = 18001


class GatewaySituater:
    """Remembers how far changes of policies have come. For one thread at a time; `clock` is in monotonic seconds."""

    def __init__(
        self, options: ClusterOptions, tls: PeerTls | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._tls = tls
        self._clock = clock
        self._adapter: Implementation = EnvoyGateway(options.gateway_controller)
        self._transition = Transition()

    def recall(self, policies: Mapping[str, PolicySpec]) -> None:
        """What was published before this operator: an edit that it has missed comes about like any other."""
        self._transition.recall(policies, self._clock())

    def situate(
        self, picture: Picture, newest: Mapping[str, RoutingPolicy], pools: Mapping[str, PoolSpec]
    ) -> tuple[Mapping[str, RoutingPolicy], GatewaySituation]:
        """The policies to judge, and what adapters need beside the verdicts."""
        facts = picture.facts.gateway
        attached = attach(newest, facts, self._adapter.controllers)
        found = shared(newest, attached, facts)
        placed = place(newest, attached, self._adapter.origins(attached, found, facts))
        needs = {
            name: self._adapter.needs(name, placed[name].spec)
            for name, own in attached.items()
            if own.spots and all(pool in pools for pool in policy_pools(name, placed[name].spec))
        }
        routed, shown = self._adapter.routed(attached, facts), self._adapter.shown(self._transition.known, facts)
        step = self._transition.step(placed, routed, needs, self._clock(), shown)
        return step.policies, GatewaySituation(
            installation=installation(self._options.namespace, self._options.name),
            data_plane=_data_plane(self._options, self._tls, picture),
            attached=attached,
            facts=facts,
            services=picture.facts.services,
            also=step.also,
            pending=step.pending,
            leaving=step.leaving,
            again=step.again,
            shared=found,
            injectable=frozenset(_injectable(pools, picture)),
            policy_uids={name: entry.identity.uid for name, entry in picture.stored_policies.items()},
            pool_uids={name: entry.identity.uid for name, entry in picture.stored_pools.items()},
        )


def _data_plane(options: ClusterOptions, tls: PeerTls | None, picture: Picture) -> DataPlaneRef:
    key = f"{options.namespace}/{options.data_plane_service}"
    service = picture.facts.services.get(key)
    ports = {} if service is None else {port.name: port.port for port in service.spec.ports}
    return DataPlaneRef(
        service=key,
        port=ports.get(GRPC_PORT, next(iter(ports.values()), DEFAULT_PORT)),
        tls_secret=options.gateway_tls_secret if tls is not None else "",
        server_name=tls.name if tls is not None else "",
        domain=options.cluster_domain,
    )


def _injectable(pools: Mapping[str, PoolSpec], picture: Picture) -> list[str]:
    found = []
    for pool, spec in pools.items():
        for credential in spec.credentials[:1]:
            secret = picture.secrets.get(f"{pool.partition('/')[0]}/{credential.secret_ref.name}")
            if secret is not None and secret.values.get(CREDENTIAL_KEY) is not None:
                found.append(pool)
    return found
