"""A pool's room in a Gateway's Envoy, as in Forebay's own (envoy/rooms.py), but to clusters of Envoy Gateway's.

Envoy Gateway's cluster of a rule of ours has the pool's servers, their TLS and their credential. What its rule does
besides is done in the room: a client's credentials and headers of ours come off, and a host name goes on.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

import msgspec

from forebay_api.pool import PoolSpec
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.actions import UNPICKED_HEADER, picker_action, server_action
from forebay_operator.envoy.filters import lua_scripts, route_filter
from forebay_operator.envoy.internal import internal_cluster, internal_listener
from forebay_operator.envoy.local_replies import upstream_replies
from forebay_operator.envoy.proto import route
from forebay_operator.envoy.rooms import hop_route, room_table
from forebay_operator.gateway.envoy_gateway.patches.begun import Servers
from forebay_operator.gateway.envoy_gateway.patches.passing_over import passing_over
from forebay_operator.gateway.envoy_gateway.patches.patch import Patch, added
from forebay_operator.gateway.envoy_gateway.routes import removed_headers

_SERVERS: Final = "servers"
_KEPT: Final = 512
"""Rooms that are not put together anew for each plan: it takes a tenth of a second."""


def room(name: str, pool: str, spec: PoolSpec, to: Servers, picker: FailureMode | None) -> tuple[Patch, ...]:
    """Everything of a room, in the order in which Envoy hears of it. `picker` says that the pool's is asked (pickers.py), and
    what happens without."""
    return _room(name, pool, msgspec.msgpack.encode(spec), to, picker)


@lru_cache(maxsize=_KEPT)
def _room(name: str, pool: str, packed_spec: bytes, to: Servers, picker: FailureMode | None) -> tuple[Patch, ...]:
    spec = msgspec.msgpack.decode(packed_spec, type=PoolSpec)
    action = _action(name, pool, spec, to) if picker is None else picker_action(pool, spec, picker)
    only = replace(hop_route(name, pool, action), request_headers_to_remove=removed_headers(spec))
    only.response_headers_to_remove = [UNPICKED_HEADER]
    servers = () if to.apart else (passing_over(f"{name}/{_SERVERS}", to.clusters),)
    inside = internal_listener(name, [lua_scripts("hop"), route_filter()], upstream_replies())
    return tuple(
        map(added, (*servers, internal_cluster(name), inside, room_table(name, only, counted=picker is not None)))
    )


def _action(name: str, pool: str, spec: PoolSpec, to: Servers) -> route.RouteAction:
    action = server_action(pool, spec)
    if not to.apart:
        return replace(action, cluster=f"{name}/{_SERVERS}")
    if len(to.clusters) == 1:
        return replace(action, cluster=to.clusters[0])
    each = [route.WeightedClusterClusterWeight(name=found, weight=1) for found in to.clusters]
    return replace(action, cluster=None, weighted_clusters=route.WeightedCluster(clusters=each))
