"""The routes of one attachment: what Envoy decides alone, one per pool and chain, and the catch-all that asks."""

from __future__ import annotations

from collections.abc import Iterator

from forebay_api.policy import FailOpen, PolicySpec
from forebay_decision import names
from forebay_decision.served import chain_order, policy_pools, qualified
from forebay_operator.envoy.actions import by_silence, chain_action, pool_action
from forebay_operator.envoy.attachment import Attachment
from forebay_operator.envoy.clusters import UNDECIDED
from forebay_operator.envoy.explanations import stated
from forebay_operator.envoy.filters import EXT_PROC, HEADER_TO_METADATA, JSON_TO_METADATA, LUA, native_rules
from forebay_operator.envoy.messages import packed, span, struct, switched_off
from forebay_operator.envoy.natives import native_routes
from forebay_operator.envoy.proto import ext_proc, lua, matcher, protobuf, route


def attachment_routes(here: Attachment) -> list[route.Route]:
    """All routes of an attachment, most specific first."""
    return [*native_routes(here), *_pool_routes(here), *_chain_routes(here), _catch_all(here)]


def chains(name: str, spec: PolicySpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Composite cluster and its pools in order, for every first choice that has somewhere to fall."""
    for strategy in spec.strategies:
        direct = strategy.direct
        for first in dict.fromkeys(qualified(name, ref.name) for ref in (*direct.pools, *direct.fallback)):
            order = chain_order(name, direct, first)
            if len(order) > 1:
                yield names.chain_cluster(name, strategy.name, first), order


def _pool_routes(here: Attachment) -> Iterator[route.Route]:
    for pool in policy_pools(here.name, here.spec):
        if pool in here.inputs.pools:
            cluster = names.pool_cluster(pool)
            yield from here.to_pool(cluster, pool, here.match(_chosen(cluster)), names.METADATA_NAMESPACE)


def _chain_routes(here: Attachment) -> Iterator[route.Route]:
    for cluster, order in chains(here.name, here.spec):
        hops = [here.inputs.pools[pool] for pool in order if pool in here.inputs.pools]
        if len(hops) == len(order):
            made = here.made(cluster, here.match(_chosen(cluster)), chain_action(cluster, hops), fields=())
            silence = max(span(hop.resilience.stream_idle_timeout) for hop in hops)
            yield from by_silence(made, names.METADATA_NAMESPACE, silence)


def _catch_all(here: Attachment) -> route.Route:
    """Where every request of the attachment starts: it decides which filters run, and what happens if none decides."""
    open_to = here.spec.fail_open
    filters = {JSON_TO_METADATA: _top_level(here)}
    if open_to is None:
        action = route.RouteAction(cluster=UNDECIDED)
    else:
        pool = qualified(here.name, open_to.pool)
        action = pool_action(pool, here.inputs.pools[pool])
        filters |= _bypass(here, pool, open_to)
    return here.made("ask", here.match(), action, filters)


def _upstream_name(here: Attachment, pool: str, model: str) -> str:
    return next((m.upstream_name or m.name for m in here.inputs.pools[pool].models if m.name == model), model)


def _top_level(here: Attachment) -> protobuf.Any:
    """Reads of the body's top level exactly what the policy's native routes ask for, or stays out of the way."""
    natives = here.inputs.native.get(here.name, ())
    if not natives:
        return switched_off()
    return packed(native_rules(tuple(sorted({key for native in natives for key in native.absent}))))


def _bypass(here: Attachment, pool: str, open_to: FailOpen) -> dict[str, protobuf.Any]:
    fields = {
        "decision": "bypassed",
        "decided-by": "Bypass",
        "pool": pool,
        "model": open_to.model,
        "policy": here.name,
        "reason": "the data plane is unavailable",
    }
    rewrite = {"model": _upstream_name(here, pool, open_to.model), "limit": here.body_limit}
    return {
        EXT_PROC: packed(ext_proc.ExtProcPerRoute(overrides=ext_proc.ExtProcOverrides(failure_mode_allow=True))),
        HEADER_TO_METADATA: packed(stated(fields)),
        LUA: packed(lua.LuaPerRoute(name="bypass", filter_context=struct(rewrite))),
    }


def _chosen(cluster: str) -> route.HeaderMatcher:
    return route.HeaderMatcher(name=names.CLUSTER_HEADER, string_match=matcher.StringMatcher(exact=cluster))
