"""From a picture of the cluster to what adapters to Gateway API implementations work from."""

from __future__ import annotations

from collections.abc import Mapping

from forebay_api.policy import RoutingPolicy
from forebay_api.pool import PoolSpec
from forebay_operator.cluster.replicas import GRPC_PORT
from forebay_operator.cluster.store import Picture
from forebay_operator.envoy.identity import PeerTls
from forebay_operator.gateway.attach import attach
from forebay_operator.gateway.envoy_gateway.servers import CREDENTIAL_KEY
from forebay_operator.gateway.implementation import DataPlaneRef
from forebay_operator.gateway.naming import installation
from forebay_operator.gateway.situation import GatewaySituation
from forebay_operator.options import ClusterOptions

DEFAULT_PORT = 18001


def gateway_situation(
    options: ClusterOptions,
    tls: PeerTls | None,
    picture: Picture,
    policies: Mapping[str, RoutingPolicy],
    pools: Mapping[str, PoolSpec],
) -> GatewaySituation:
    facts = picture.facts.gateway
    return GatewaySituation(
        installation=installation(options.namespace, options.name),
        data_plane=_data_plane(options, tls, picture),
        attached=attach(policies, facts, frozenset({options.gateway_controller})),
        facts=facts,
        services=picture.facts.services,
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
