"""Where a route sends a request, how long that may take and what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.cluster.objects import FailureMode
from forebay_operator.envoy.encoding import constant
from forebay_operator.envoy.messages import packed, span
from forebay_operator.envoy.proto import matcher, previous_hosts, route

BACK_OFF: Final = constant(
    route.RetryPolicyRetryBackOff(base_interval=timedelta(milliseconds=1), max_interval=timedelta(milliseconds=5))
)
ANOTHER_HOST: Final = constant(
    route.RetryPolicyRetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts", typed_config=packed(previous_hosts.PreviousHostsPredicate())
    )
)
POOL_FAILURES: Final = "connect-failure,refused-stream,reset-before-request,reset,retriable-status-codes"
UNPICKED_HEADER: Final = f"{names.HEADER_PREFIX}unpicked"
"""Response header of a pool's picker listener: the picker has not answered, and no server has seen the request."""
CHAIN_FAILURES: Final = f"5xx,{POOL_FAILURES}"
"""A room tells of broken connections as a 503 of its own; 429 is a provider's word for "not now"."""
STREAM: Final = "stream"
"""Metadata key: whether the caller asked for a streamed answer, as the namespace's writer spells it."""
STREAMED: Final = {
    namespace: constant(
        matcher.MetadataMatcher(filter=namespace, path=[matcher.MetadataMatcherPathSegment(key=STREAM)], value=value)
    )
    for namespace, value in (
        (names.NATIVE_NAMESPACE, matcher.ValueMatcher(bool_match=True)),
        (names.METADATA_NAMESPACE, matcher.ValueMatcher(string_match=matcher.StringMatcher(exact="true"))),
    )
}


def pool_action(pool: str, spec: PoolSpec, picker: FailureMode | None = None) -> route.RouteAction:
    """To the pool's own servers, by way of its picker where it has one."""
    return server_action(pool, spec) if picker is None else picker_action(pool, spec, picker)


def server_action(pool: str, spec: PoolSpec) -> route.RouteAction:
    """To a server of the pool: its time-out, its retries on other endpoints, its name as Host where it has one."""
    resilience = spec.resilience
    retries = route.RetryPolicy(
        retry_on=POOL_FAILURES,
        num_retries=resilience.retries,
        retriable_status_codes=[503],
        retry_back_off=BACK_OFF,
        retry_host_predicate=[ANOTHER_HOST],
        # Each attempt draws anew: with few, two endpoints would sometimes yield the failed one again.
        host_selection_retry_max_attempts=32,
    )
    return route.RouteAction(
        cluster=names.pool_cluster(pool),
        timeout=span(resilience.request_timeout),
        idle_timeout=span(resilience.request_timeout),
        retry_policy=retries if resilience.retries else None,
        host_rewrite_literal=spec.backend.external.hostname if spec.backend.external else None,
    )


def picker_action(pool: str, spec: PoolSpec, picker: FailureMode) -> route.RouteAction:
    """To where the pool's picker is asked. An answer that says it could not be is tried again without it (FailOpen)."""
    whole = span(spec.resilience.request_timeout)
    again = route.RetryPolicy(
        retry_on="retriable-headers",
        retriable_headers=[route.HeaderMatcher(name=UNPICKED_HEADER, present_match=True)],
        num_retries=1,
        retry_back_off=BACK_OFF,
    )
    return route.RouteAction(
        cluster=picked_listener(pool),
        timeout=whole,
        idle_timeout=whole,
        retry_policy=again if picker == "FailOpen" else None,
    )


def picked_listener(pool: str) -> str:
    """Internal listener where a pool's picker is asked, and the cluster that leads there."""
    return f"picked/{pool}"


def chain_action(chain: str, hops: list[PoolSpec]) -> route.RouteAction:
    """Through the composite cluster: each attempt is the next pool's room, so together they have all their time."""
    whole = sum((span(hop.resilience.request_timeout) for hop in hops), timedelta())
    return route.RouteAction(
        cluster=chain,
        timeout=whole,
        idle_timeout=whole,
        retry_policy=route.RetryPolicy(
            retry_on=CHAIN_FAILURES,
            retriable_status_codes=[429],
            num_retries=len(hops) - 1,
            retry_back_off=BACK_OFF,
        ),
    )


def by_silence(made: route.Route, namespace: str, silence: timedelta) -> Iterator[route.Route]:
    """The route for streamed answers, whose silences are bounded, then for plain ones, silent until they are whole.

    `namespace` is where metadata says which it is.
    """
    if made.match is not None and made.route is not None:
        yield replace(
            made,
            match=replace(made.match, dynamic_metadata=[*made.match.dynamic_metadata, STREAMED[namespace]]),
            route=replace(made.route, idle_timeout=silence),
        )
    yield made
