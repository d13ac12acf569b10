"""From inputs to everything that Envoy is sent: listeners, routes, clusters, endpoints and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

from forebay_api.local import Listener
from forebay_operator.envoy.clusters import data_plane_cluster, pool_cluster, undecided_cluster
from forebay_operator.envoy.endpoints import pool_endpoints, resolved_by_dns
from forebay_operator.envoy.hosts import route_configuration
from forebay_operator.envoy.inputs import EnvoyInputs
from forebay_operator.envoy.listeners import listener_name, public_listener
from forebay_operator.envoy.messages import published
from forebay_operator.envoy.rooms import composite_cluster, room_cluster, room_listener, room_routes
from forebay_operator.envoy.routes import chains
from forebay_operator.envoy.secrets import certificate, certificate_name, credential, credential_name
from forebay_operator.resources import Resource, Snapshot


def assemble(inputs: EnvoyInputs) -> Snapshot:
    """Envoy's resources; the same inputs give the same bytes."""
    return Snapshot.of([*_public(inputs), *_data_plane(inputs), *_pools(inputs), *_chains(inputs), *_secrets(inputs)])


def _public(inputs: EnvoyInputs) -> Iterator[Resource]:
    for wanted in inputs.listeners:
        yield _public_listener(wanted)
    routes = route_configuration(inputs)
    yield published(routes.name, routes)


def _data_plane(inputs: EnvoyInputs) -> Iterator[Resource]:
    for made in (data_plane_cluster(inputs.data_plane), undecided_cluster()):
        yield published(made.name, made)


def _pools(inputs: EnvoyInputs) -> Iterator[Resource]:
    for pool, spec in sorted(inputs.pools.items()):
        made = pool_cluster(pool, spec, credential=pool in inputs.secrets, trust_ca=inputs.trust_ca)
        yield published(made.name, made)
        if not resolved_by_dns(spec):
            yield published(made.name, pool_endpoints(pool, spec))


def _chains(inputs: EnvoyInputs) -> Iterator[Resource]:
    rooms: set[str] = set()
    for name, spec in sorted(inputs.policies.items()):
        for chain, order in chains(name, spec):
            if all(pool in inputs.pools for pool in order):
                rooms.update(order)
                yield published(chain, composite_cluster(chain, order))
    for pool in sorted(rooms):
        yield from _room(pool)
        routes = room_routes(pool, inputs.pools[pool], secret_missing=pool in inputs.missing_secrets)
        yield published(routes.name, routes)


def _secrets(inputs: EnvoyInputs) -> Iterator[Resource]:
    for pool, value in sorted(inputs.secrets.items()):
        yield published(credential_name(pool), credential(pool, value))
    for wanted in inputs.listeners:
        if wanted.tls is not None:
            yield published(certificate_name(wanted), certificate(wanted, wanted.tls))


# Building a listener takes milliseconds and nothing that people edit often is in it.
@cache
def _public_listener(wanted: Listener) -> Resource:
    return published(listener_name(wanted), public_listener(wanted))


@lru_cache(maxsize=4096)
def _room(pool: str) -> tuple[Resource, ...]:
    return tuple(published(made.name, made) for made in (room_cluster(pool), room_listener(pool)))
