"""The bypass: while no data plane answers, requests go to one pool with its model in the body (spec.failOpen).

The processor fails open, and a script after it takes what has no decision to the pool's own route, which Envoy Gateway
has made with all that hangs on it. The script runs on the routes that our processor is on, found by that and not by their
names or numbers: a route of somebody else's never meets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec

from forebay_api.model import Model
from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.quantities import byte_count
from forebay_api.wire import Place
from forebay_decision import names
from forebay_decision.served import qualified
from forebay_operator.envoy import lua
from forebay_operator.envoy.messages import packed, struct
from forebay_operator.envoy.natives import PATHS
from forebay_operator.envoy.proto import core, hcm, route
from forebay_operator.envoy.proto import lua as lua_filter
from forebay_operator.gateway.envoy_gateway.patches.patch import ROUTER, Patch, configured_route, inserted_filter

SCRIPT: Final = "bypass"


class Bypass(msgspec.Struct, frozen=True):
    """Where a policy's requests go meanwhile; `paths` are those of the requests that do."""

    pool: str
    model: Model
    limit: int
    paths: tuple[str, ...]


def bypass_of(policy: str, spec: PolicySpec, pools: Mapping[str, PoolSpec], places: Sequence[Place]) -> Bypass | None:
    """None where the policy asks for none, or its pool lacks the model."""
    if spec.fail_open is None:
        return None
    pool, wanted = qualified(policy, spec.fail_open.pool), spec.fail_open.model
    for model in pools[pool].models if pool in pools else ():
        if model.name == wanted:
            bases = sorted({place.base for place in places})
            paths = tuple(base + PATHS[endpoint] for base in bases for endpoint in sorted(model.endpoints))
            return Bypass(pool, model, byte_count(spec.max_request_bytes), paths)
    return None


def filter_name(installation: str) -> str:
    """Of the filter in Envoy."""
    return f"forebay.bypass.{installation}"


def script_patch(installation: str, listener: str) -> Patch:
    """The script, off, just before the request goes out; a route turns it on."""
    source = core.DataSource(inline_string=lua.source("bypass") + _steer())
    made = hcm.HttpFilter(
        name=filter_name(installation),
        typed_config=packed(lua_filter.Lua(source_codes={SCRIPT: source})),
        disabled=True,
    )
    return inserted_filter(listener, ROUTER, made)


def route_patch(installation: str, table: str, processor: str, policy: str, to: Bypass) -> Patch:
    """The script, on, with what it needs to know, wherever the policy's processor is; `table` is a route table."""
    shown = {
        "decision": "bypassed",
        "decided-by": "Bypass",
        "pool": to.pool,
        "model": to.model.name,
        "policy": policy,
        "reason": "the data plane is unavailable",
    }
    context: dict[str, Any] = {
        "model": to.model.upstream_name or to.model.name,
        "limit": to.limit,
        "cluster": names.pool_cluster(to.pool),
        "paths": dict.fromkeys(to.paths, True),
        "shown": shown,
    }
    own = packed(lua_filter.LuaPerRoute(name=SCRIPT, filter_context=struct(context)))
    return configured_route(table, processor, filter_name(installation), packed(route.FilterConfig(config=own)))


@cache
def _steer() -> str:
    return resources.files(__name__.rpartition(".")[0]).joinpath("steer.lua").read_text(encoding="utf-8")
