"""From inputs to everything that Envoy is sent: listeners, routes, clusters, endpoints and secrets."""

from __future__ import annotations

from collections.abc import Iterator

from forebay_api.local import Listener
from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.backends.endpoint import NOWHERE, Backend, Endpoint, Picker
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.actions import picked_listener
from forebay_operator.envoy.clusters import (
    DATA_PLANE,
    by_name,
    data_plane_cluster,
    data_plane_hosts,
    pool_cluster,
    undecided_cluster,
)
from forebay_operator.envoy.endpoints import load_assignment, pool_assignment, resolved_by_dns
from forebay_operator.envoy.hosts import route_table
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.envoy.internal import internal_cluster
from forebay_operator.envoy.listeners import listener_name, public_listener
from forebay_operator.envoy.messages import published, socket_address, type_url
from forebay_operator.envoy.picker import picker_cluster, picker_cluster_name, picker_listener, picker_routes
from forebay_operator.envoy.proto import endpoint
from forebay_operator.envoy.rooms import composite_cluster, room_cluster, room_listener, room_routes
from forebay_operator.envoy.routes import chains
from forebay_operator.envoy.secrets import certificate, certificate_name, credential, credential_name
from forebay_operator.memory import recalled, remembered
from forebay_operator.resources import Resource, Snapshot


def assemble(inputs: EnvoyInputs) -> Snapshot:
    """Envoy's resources; the same inputs give the same bytes."""
    return Snapshot.of(
        [
            *_public(inputs),
            *_data_plane(inputs.data_plane),
            *_pools(inputs),
            *_chains(inputs),
            *_pickers(inputs),
            *_secrets(inputs),
        ]
    )


def _public(inputs: EnvoyInputs) -> Iterator[Resource]:
    for wanted in inputs.listeners:
        yield _public_listener(wanted)
    yield route_table(inputs)


def _pools(inputs: EnvoyInputs) -> Iterator[Resource]:
    for pool, spec in sorted(inputs.pools.items()):
        backend = inputs.backends.get(pool, NOWHERE)
        named = backend if resolved_by_dns(backend) else None
        yield _pool(pool, spec, pool in inputs.secrets, inputs.trust_ca, pool in inputs.pickers, named)
        if named is None:
            yield _pool_endpoints(pool, backend)


def _chains(inputs: EnvoyInputs) -> Iterator[Resource]:
    rooms: set[str] = set()
    for name, spec in sorted(inputs.policies.items()):
        for chain, order in chains(name, spec):
            if all(pool in inputs.pools for pool in order):
                rooms.update(order)
                yield _chain(chain, order)
    for pool in sorted(rooms):
        yield from _room(pool)
        yield _room_routes(pool, inputs.pools[pool], pool in inputs.missing_secrets, inputs.pickers.get(pool))


def _pickers(inputs: EnvoyInputs) -> Iterator[Resource]:
    for pool in sorted(inputs.pickers):
        picker = inputs.backends.get(pool, NOWHERE).picker or Picker()
        yield from _picker(pool, picker.tls)
        yield _picker_routes(pool, inputs.pools[pool])
        yield _picker_endpoints(pool, picker.endpoints)


def _secrets(inputs: EnvoyInputs) -> Iterator[Resource]:
    for pool, value in sorted(inputs.secrets.items()):
        yield _credential(pool, value)
    for wanted in inputs.listeners:
        if wanted.tls is not None:
            yield published(certificate_name(wanted), certificate(wanted, wanted.tls))


@remembered
def _credential(pool: str, value: str) -> Resource:
    return published(credential_name(pool), credential(pool, value))


@remembered
def _public_listener(wanted: Listener) -> Resource:
    return published(listener_name(wanted), public_listener(wanted))


@remembered
def _data_plane(data_plane: DataPlane) -> tuple[Resource, ...]:
    made = [published(made.name, made) for made in (data_plane_cluster(data_plane), undecided_cluster())]
    hosts = data_plane_hosts(data_plane)
    return tuple(made) if by_name(hosts) else (*made, published(DATA_PLANE, load_assignment(DATA_PLANE, hosts)))


@recalled
@remembered
def _pool(
    pool: str, spec: PoolSpec, credential: bool, trust_ca: str | None, picked: bool, named: Backend | None
) -> Resource:
    hosts = () if named is None else (socket_address(member.host, member.port) for member in named.endpoints)
    servers = None if named is None else load_assignment(names.pool_cluster(pool), hosts)
    made = pool_cluster(pool, spec, credential=credential, trust_ca=trust_ca, picked=picked, by_name=servers)
    return published(made.name, made)


@recalled
def _pool_endpoints(pool: str, backend: Backend) -> Resource:
    return _assignment(names.pool_cluster(pool), backend)


@recalled
@remembered
def _chain(chain: str, order: tuple[str, ...]) -> Resource:
    return published(chain, composite_cluster(chain, map(names.room_listener, order)))


@remembered
def _room(pool: str) -> tuple[Resource, ...]:
    return tuple(published(made.name, made) for made in (room_cluster(pool), room_listener(pool)))


@recalled
@remembered
def _room_routes(pool: str, spec: PoolSpec, secret_missing: bool, picker: FailureMode | None) -> Resource:
    made = room_routes(pool, spec, secret_missing=secret_missing, picker=picker)
    return published(made.name, made)


@remembered
def _picker(pool: str, encrypted: bool) -> tuple[Resource, ...]:
    made = (
        picker_cluster(pool, encrypted=encrypted),
        internal_cluster(picked_listener(pool)),
        picker_listener(pool),
    )
    return tuple(published(part.name, part) for part in made)


@recalled
@remembered
def _picker_routes(pool: str, spec: PoolSpec) -> Resource:
    made = picker_routes(pool, spec)
    return published(made.name, made)


@recalled
def _picker_endpoints(pool: str, endpoints: tuple[Endpoint, ...]) -> Resource:
    return _assignment(picker_cluster_name(pool), Backend(endpoints))


def _assignment(cluster: str, backend: Backend) -> Resource:
    return Resource(cluster, type_url(endpoint.ClusterLoadAssignment), pool_assignment(cluster, backend))
