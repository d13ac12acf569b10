"""The routing between two configurations serves what either of them chooses, whichever policy a request meets first."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.envoy.hosts import ROUTES
from forebay_operator.envoy.inputs import DataPlane, EnvoyInputs
from forebay_operator.envoy.proto import route
from forebay_operator.publication import bridge
from forebay_operator.resources import Snapshot

Build = Any
CHAIN = [{"name": "plain", "direct": {"pools": [{"name": "small"}], "fallback": [{"name": "large"}]}}]


def inputs_of(build: Build, **policies: dict[str, Any]) -> EnvoyInputs:
    pools = {"ai/small": build.pool().spec, "ai/large": build.pool("large").spec}
    return EnvoyInputs(
        policies={f"ai/{name}": build.policy(strategies=CHAIN, **fields).spec for name, fields in policies.items()},
        pools=pools,
        backends=fixed_backends(pools),
        data_plane=DataPlane(("127.0.0.1:1",)),
    )


def routes_of(made: Snapshot) -> list[str]:
    """Names of the routes of the host `*`, in their order."""
    table = next(named[ROUTES] for named in made.resources.values() if ROUTES in named)
    hosts = route.RouteConfiguration.FromString(table.value).virtual_hosts
    return [entry.name for host in hosts if host.name == "*" for entry in host.routes]


def test_what_a_renamed_policy_still_chooses_is_matched_before_the_new_name_asks(build: Build) -> None:
    routes = routes_of(bridge(inputs_of(build, old={}), inputs_of(build, new={})))
    asks = [index for index, name in enumerate(routes) if name.endswith("/ask")]
    chosen = [index for index, name in enumerate(routes) if "/chain/" in name]
    assert {routes[index].split("/")[1] for index in chosen} == {"old", "new"}, routes
    assert max(chosen) < min(asks), routes


def test_a_wider_policys_choice_is_matched_before_a_new_policy_of_a_longer_prefix_asks(build: Build) -> None:
    team = {"attach": {"pathPrefix": "/team"}}
    routes = routes_of(bridge(inputs_of(build, all={}), inputs_of(build, all={}, team=team)))
    assert max(index for index, name in enumerate(routes) if "/pool/" in name or "/chain/" in name) < routes.index(
        "ai/team/ask"
    ), routes


def test_a_bridge_between_the_same_attachments_keeps_the_order_of_the_table(build: Build) -> None:
    before = inputs_of(build, one={}, two={"attach": {"pathPrefix": "/two"}})
    again = msgspec.structs.replace(before, missing_secrets=frozenset({"ai/small"}))
    routes = routes_of(bridge(before, again))
    assert routes.index("ai/two/ask") < min(index for index, name in enumerate(routes) if name.startswith("ai/one/"))
