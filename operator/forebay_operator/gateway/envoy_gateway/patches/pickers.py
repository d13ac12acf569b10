"""Endpoint pickers of inference pools: a detour by an internal listener where the picker is asked, as in Forebay's own Envoy.

What is there is what Forebay's own Envoy has (envoy/picker.py), under the same names: the picker's cluster, the listener, and a
cluster of the pool whose server the answer names. The operator knows both's servers, which come as resources of their own:
one more or less warms no cluster again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.backends.endpoint import NOWHERE, Backend, Picker
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.actions import picked_listener
from forebay_operator.envoy.clusters import pool_cluster
from forebay_operator.envoy.endpoints import pool_assignment
from forebay_operator.envoy.internal import internal_cluster
from forebay_operator.envoy.picker import picker_cluster, picker_cluster_name, picker_listener, picker_routes
from forebay_operator.envoy.proto import endpoint
from forebay_operator.gateway.envoy_gateway.patches.begun import Begun
from forebay_operator.gateway.envoy_gateway.patches.detours import Detour
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch, Resource, added
from forebay_operator.gateway.envoy_gateway.routes import reached_pools
from forebay_operator.gateway.implementation import Held, Wanted

_KEPT: Final = 256
"""Pickers that are not put together anew for each plan."""


def asked(pool: str, wanted: Wanted) -> FailureMode | None:
    """What happens without the pool's picker; None where it has none, or one that cannot be asked: the credential of such
    a pool is a filter of Envoy Gateway's own cluster."""
    picker = wanted.backends.get(pool, NOWHERE).picker
    return None if picker is None or wanted.pools[pool].credentials else picker.failure_mode


def picked_pools(policy: str, held: Held, wanted: Wanted) -> tuple[str, ...]:
    """Pools of a policy whose picker is to be asked."""
    reached = dict.fromkeys(pool for spec in (held.spec, *held.also) for pool in reached_pools(policy, spec))
    return tuple(pool for pool in reached if pool in wanted.pools and asked(pool, wanted) is not None)


def picker(pool: str, wanted: Wanted) -> tuple[Patch, ...]:
    """Everything by which a pool's picker is asked."""
    spec, backend = wanted.pools[pool], wanted.backends.get(pool, NOWHERE)
    return _picker(pool, msgspec.msgpack.encode(spec), msgspec.msgpack.encode(backend))


@lru_cache(maxsize=_KEPT)
def _picker(pool: str, packed_spec: bytes, packed_backend: bytes) -> tuple[Patch, ...]:
    spec = msgspec.msgpack.decode(packed_spec, type=PoolSpec)
    backend = msgspec.msgpack.decode(packed_backend, type=Backend)
    chooser = backend.picker or Picker()
    made: tuple[Resource, ...] = (
        picker_cluster(pool, encrypted=chooser.tls),
        _servers(picker_cluster_name(pool), Backend(chooser.endpoints)),
        pool_cluster(pool, spec, credential=False, trust_ca=None, picked=True),
        _servers(names.pool_cluster(pool), backend),
        internal_cluster(picked_listener(pool)),
        picker_listener(pool),
        picker_routes(pool, spec),
    )
    return tuple(map(added, made))


def _servers(name: str, backend: Backend) -> endpoint.ClusterLoadAssignment:
    return endpoint.ClusterLoadAssignment.parse(pool_assignment(name, backend))


def picker_detours(pools: Sequence[str], parts: Sequence[Begun], wanted: Wanted, both: bool) -> Iterator[Detour]:
    """A detour for each pool at each HTTPRoute of ours that leads to it."""
    for part in parts:
        rules = part.rules()
        for pool in pools:
            mode = asked(pool, wanted)
            if mode is not None and (found := rules.get(names.pool_cluster(pool))):
                yield Detour(
                    name=f"forebay/{wanted.installation}/{picked_listener(pool)}/{part.key}/{found[0][0]}",
                    kind=mode,
                    rules=tuple(part.called(number) for number, _ in found),
                    ways=(picked_listener(pool),),
                    plain=part.servers(*found[0]),
                    tables=part.tables_called(both),
                )
