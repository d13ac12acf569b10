"""Which resource types depend on which: the three groups whose order makes a change safe, and the order inside a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forebay_api.wire import POLICY_TYPE, POOL_TYPE, REVISION_TYPE

_ENVOY: Final = "type.googleapis.com/envoy."
CLUSTER: Final = _ENVOY + "config.cluster.v3.Cluster"
ENDPOINTS: Final = _ENVOY + "config.endpoint.v3.ClusterLoadAssignment"
SECRET: Final = _ENVOY + "extensions.transport_sockets.tls.v3.Secret"
LISTENER: Final = _ENVOY + "config.listener.v3.Listener"
ROUTES: Final = _ENVOY + "config.route.v3.RouteConfiguration"

FOUNDATION: Final = (SECRET, CLUSTER, ENDPOINTS)
"""What routes refer to. Added before them, removed after them."""
ROUTING: Final = (LISTENER, ROUTES)
"""What policies refer to, by the routing header. Added before them, removed after them."""
POLICIES: Final = (POLICY_TYPE, POOL_TYPE, REVISION_TYPE)
"""What decides. The revision comes last, because it names the others."""
STAGED: Final = FOUNDATION + ROUTING + POLICIES
"""All types that wait for their turn. Every other type (PoolState first of all) goes out at once."""
PREREQUISITES: Final[Mapping[str, tuple[str, ...]]] = {
    LISTENER: FOUNDATION,
    ROUTES: FOUNDATION,
    REVISION_TYPE: (POLICY_TYPE, POOL_TYPE),
}
"""What one client has to have answered before it is sent this type."""

LEGACY_WILDCARD: Final = frozenset({CLUSTER, LISTENER})
"""Types where a first request that names nothing means everything (xDS, "legacy" wildcard); elsewhere it takes `*`."""
WILDCARD: Final = "*"


def short(type_url: str) -> str:
    """The last part of a type URL, for messages that people read: `Cluster`, `Policy`."""
    return type_url.rpartition(".")[2]
