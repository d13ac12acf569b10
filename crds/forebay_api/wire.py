"""What the operator publishes to the data plane, one xDS resource per object, msgpack inside an Any.

Tolerant on purpose: a reader skips what it does not know, and refuses only what says it is too new (`min_reader`).
"""

from __future__ import annotations

from typing import Final

from forebay_api.base import Tolerant
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec

SCHEMA: Final = 1
READER: Final = 1
TYPE_PREFIX: Final = "type.googleapis.com/forebay.v1alpha1."
POLICY_TYPE: Final = TYPE_PREFIX + "Policy"
POOL_TYPE: Final = TYPE_PREFIX + "Pool"
POOL_STATE_TYPE: Final = TYPE_PREFIX + "PoolState"
REVISION_TYPE: Final = TYPE_PREFIX + "Revision"
MAX_ADAPTERS: Final = 64
"""LoRA adapters told of one pool."""
DATA_PLANE_TYPES: Final = (POLICY_TYPE, POOL_TYPE, POOL_STATE_TYPE, REVISION_TYPE)

SERVED_KEY: Final = "forebay-served"
"""gRPC initial metadata of a stream that an operator has taken on, sent at once, though there may be nothing to send."""


class Origin(Tolerant, frozen=True, order=True):
    """A route of a gateway's, as the gateway itself names the one that a request met first. No client has a say in it.

    `route` is that name, or what stands before a ``/`` or ``-`` in it. `gateway` is what the header `forebay-gateway` says where two
    Gateways have the same route and not the same policy; empty otherwise, and for requests without that header.
    """

    route: str
    gateway: str = ""


class Place(Tolerant, frozen=True):
    """Where a policy with targetRefs is asked, as it follows from its targets.

    `prefix` is matched in whole segments and `base` is taken off before the path is read: a part of it, or all of it.
    Both are ``""`` for the root, else ``/a/b`` without a trailing slash. `origins` say it exactly, where the gateway
    tells; host and path are for requests of which it does not.
    """

    hostnames: tuple[str, ...]
    prefix: str = ""
    base: str = ""
    origins: tuple[Origin, ...] = ()


class PlacedSpec(PolicySpec, frozen=True, kw_only=True):
    """A policy with what it refers to: `places` stand for `attach`, and are None without targetRefs. `heads` are the
    contents of the models that it keeps in ConfigMaps, by digest."""

    places: tuple[Place, ...] | None = None
    heads: dict[str, bytes] = {}


class PolicyResource(Tolerant, frozen=True):
    """One RoutingPolicy. `name` is ``namespace/name``; specs travel as JSON so that strictness stays with the writer."""

    name: str
    spec: PlacedSpec
    schema: int = SCHEMA
    min_reader: int = READER


class PoolResource(Tolerant, frozen=True):
    """One ModelPool. `name` is ``namespace/name``."""

    name: str
    spec: PoolSpec
    schema: int = SCHEMA
    min_reader: int = READER


class AdapterCounts(Tolerant, frozen=True):
    """On how many endpoints of a pool a LoRA adapter is at work, and on how many requests wait for it."""

    running: int = 0
    waiting: int = 0


class PoolState(Tolerant, frozen=True):
    """What is known of a pool's load. Counts are summed over ready endpoints; utilisations are means in [0,1].

    `adapters` are the LoRA adapters that endpoints name, MAX_ADAPTERS at most: those on most endpoints first.

    `observed_at` is Unix seconds of the oldest scrape among those counted, so that the counts hold all that had begun
    by then; None where nothing has been read. `stale` says that even the newest scrape is older than the pool's
    `staleAfter`: the state then counts in no score and filters nothing.
    """

    name: str
    ready: int = 0
    total: int = 0
    queued: float = 0.0
    running: float = 0.0
    kv_cache_utilization: float = 0.0
    in_flight: int = 0
    saturated: bool = False
    saturation_reason: str = ""
    observed_at: float | None = None
    stale: bool = True
    adapters: dict[str, AdapterCounts] = {}
    schema: int = SCHEMA
    min_reader: int = READER


class Revision(Tolerant, frozen=True):
    """Which Policy and Pool resources belong together: resource name -> content hash, so that a replica swaps atomically."""

    id: str
    policies: dict[str, str]
    pools: dict[str, str]
    name: str = "current"
    schema: int = SCHEMA
    min_reader: int = READER


class LoadReport(Tolerant, frozen=True):
    """A data-plane replica's own requests under way, by pool; replaces that replica's previous report."""

    replica: str
    in_flight: dict[str, int]
