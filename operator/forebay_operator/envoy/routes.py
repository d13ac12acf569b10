"""The routes of one attachment: what Envoy decides alone, one per pool and chain, and the catch-all that asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from forebay_api.model import Model
from forebay_api.policy import FailOpen, PolicySpec
from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_decision.native import NativeModel
from forebay_decision.served import chain_order, policy_pools, qualified
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.actions import by_silence, chain_action
from forebay_operator.envoy.attachment import Attachment
from forebay_operator.envoy.clusters import UNDECIDED
from forebay_operator.envoy.elements import elements
from forebay_operator.envoy.explanations import stated
from forebay_operator.envoy.filters import EXT_PROC, HEADER_TO_METADATA, JSON_TO_METADATA, LUA
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.envoy.messages import packed, span, struct, switched_off
from forebay_operator.envoy.natives import native_routes, posts, visible
from forebay_operator.envoy.proto import ext_proc, lua, matcher, protobuf, route
from forebay_operator.memory import recalled, remembered

ROUTES_FIELD: Final = 3
"""VirtualHost.routes."""


class SerialisedRoutes(msgspec.Struct, frozen=True):
    """All routes of a policy, most specific first, as elements of a virtual host."""

    native: bytes
    """What Envoy decides alone."""
    chosen: bytes
    """What the data plane has chosen, by the header that says so."""
    last: bytes
    """Whatever else comes to the attachment, and is asked about."""


def serialised_routes(name: str, inputs: EnvoyInputs) -> SerialisedRoutes:
    """What a virtual host holds of a policy."""
    spec = inputs.policies[name]
    seen = (
        part
        for pool in _reached(name, spec)
        for part in (inputs.pools.get(pool), pool in inputs.missing_secrets, inputs.pickers.get(pool))
    )
    return _routes(name, spec, inputs.native.get(name, ()), *seen)


@recalled
def _reached(name: str, spec: PolicySpec) -> tuple[str, ...]:
    """Every pool that a route of the policy may lead to."""
    open_to = () if spec.fail_open is None else (qualified(name, spec.fail_open.pool),)
    return tuple(dict.fromkeys((*policy_pools(name, spec), *open_to)))


@recalled
def _routes(
    name: str, spec: PolicySpec, native: tuple[NativeModel, ...], *seen: PoolSpec | bool | FailureMode | None
) -> SerialisedRoutes:
    """`seen` is what is known of each pool that the policy reaches: its spec, whether its credential is missing, and
    what happens without its picker."""
    known = list(zip(_reached(name, spec), seen[::3], seen[1::3], seen[2::3], strict=True))
    inputs = EnvoyInputs(
        policies={},
        pools={pool: found for pool, found, _, _ in known if isinstance(found, PoolSpec)},
        data_plane=DataPlane(()),
        listeners=(),
        missing_secrets=frozenset(pool for pool, _, missing, _ in known if missing is True),
        pickers={pool: mode for pool, _, _, mode in known if mode == "FailOpen" or mode == "FailClose"},
    )
    here, pools = Attachment(name, spec, inputs), inputs.pools
    natives = tuple(filter(visible, native))
    alone = [_native_part(here.reduced(entry.pool), entry) for entry in natives if entry.pool in pools]
    chosen = [_pool_part(here.reduced(pool), pool) for pool in policy_pools(name, spec) if pool in pools]
    for cluster, order in chains(name, spec):
        if all(pool in pools for pool in order):
            chosen.append(_chain_part(here.reduced(*order), cluster, order))
    open_to = () if spec.fail_open is None else (qualified(name, spec.fail_open.pool),)
    last = _last_part(here.reduced(*open_to, fail_open=spec.fail_open), bool(natives))
    return SerialisedRoutes(b"".join(alone), b"".join(chosen), last)


@recalled
def chains(name: str, spec: PolicySpec) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Composite cluster and its pools in order, for every first choice that has somewhere to fall."""
    return tuple(_chains(name, spec))


def _chains(name: str, spec: PolicySpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    for strategy in spec.strategies:
        direct = strategy.direct
        for first in dict.fromkeys(qualified(name, ref.name) for ref in (*direct.pools, *direct.fallback)):
            order = chain_order(name, direct, first)
            if len(order) > 1:
                yield names.chain_cluster(name, strategy.name, first), order


@remembered
def _native_part(here: Attachment, native: NativeModel) -> bytes:
    return elements(ROUTES_FIELD, native_routes(here, native))


@remembered
def _pool_part(here: Attachment, pool: str) -> bytes:
    cluster = names.pool_cluster(pool)
    return elements(ROUTES_FIELD, here.to_pool(cluster, pool, here.match(_chosen(cluster)), names.METADATA_NAMESPACE))


@remembered
def _chain_part(here: Attachment, cluster: str, order: tuple[str, ...]) -> bytes:
    hops = [here.inputs.pools[pool] for pool in order]
    made = here.made(cluster, here.match(_chosen(cluster)), chain_action(cluster, hops), fields=())
    silence = max(span(hop.resilience.stream_idle_timeout) for hop in hops)
    return elements(ROUTES_FIELD, by_silence(made, names.METADATA_NAMESPACE, silence))


@remembered
def _last_part(here: Attachment, watched: bool) -> bytes:
    """Where every request of the attachment starts: it decides which filters run, and what happens if none decides.

    All are asked about. Only a POST to an endpoint that the failOpen model serves goes on without an answer: the
    pool's credential must never carry a caller to what else its server answers (its metrics, its administration).
    `watched`: there are native routes, and the body's top level is read for them.
    """
    first = {} if watched else {JSON_TO_METADATA: switched_off()}
    asked = here.made("ask", here.match(), route.RouteAction(cluster=UNDECIDED), first)
    open_to = here.spec.fail_open
    bypassed = () if open_to is None else _bypassed(here, open_to, first)
    return elements(ROUTES_FIELD, [*bypassed, asked])


def _bypassed(here: Attachment, open_to: FailOpen, first: Mapping[str, protobuf.Any]) -> Iterator[route.Route]:
    """Routes that ask, and that end in the failOpen pool if nobody answers; none while the pool lacks the model."""
    pool = qualified(here.name, open_to.pool)
    for model in (model for model in here.inputs.pools[pool].models if model.name == open_to.model):
        filters = {**first, **_bypass(here, pool, model)}
        yield here.to_servers("bypass", pool, posts(here, model.endpoints), filters)


def _bypass(here: Attachment, pool: str, model: Model) -> dict[str, protobuf.Any]:
    fields = {
        "decision": "bypassed",
        "decided-by": "Bypass",
        "pool": pool,
        "model": model.name,
        "policy": here.name,
        "reason": "the data plane is unavailable",
    }
    rewrite = {"model": model.upstream_name or model.name, "limit": here.body_limit}
    return {
        EXT_PROC: packed(ext_proc.ExtProcPerRoute(overrides=ext_proc.ExtProcOverrides(failure_mode_allow=True))),
        HEADER_TO_METADATA: packed(stated(fields)),
        LUA: packed(lua.LuaPerRoute(name="bypass", filter_context=struct(rewrite))),
    }


def _chosen(cluster: str) -> route.HeaderMatcher:
    return route.HeaderMatcher(name=names.CLUSTER_HEADER, string_match=matcher.StringMatcher(exact=cluster))
