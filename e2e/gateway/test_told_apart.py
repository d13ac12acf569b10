"""Policies that host and path do not tell apart: a data plane goes by the route that a request met first, and by its
Gateway."""

from __future__ import annotations

import time

from ..installation import ENVOYS
from ..load import under_load
from ..manifests import policy as attached
from ..waiting import wait_until
from .behind import Site, reason
from .manifests import gateway, policy, route

STRICT = """
  - name: strict
    matches: [{path: {type: PathPrefix, value: "/"}, headers: [{name: x-team, value: legal}]}]
    backendRefs: [{name: theirs, port: 8000}]
"""


def a_second(site: Site) -> Site:
    """Another Gateway of the same team, with no route yet; it is asked under the first one's host name."""
    made = Site(site.behind, f"{site.name}-x")
    made.host = site.host
    made.apply(gateway(made.name, made.port))
    return made


def both_served(one: Site, other: Site, *servers: str) -> None:
    wait_until(lambda: (one.server(), other.server()) == servers, f"they are served by {servers}", 30)


def all_accepted(site: Site, *names: str) -> None:
    for name in names:
        site.programmed(name)
        stored = site.kube.get("RoutingPolicy", site.namespace, name) or {}
        assert reason(stored, "Accepted") == "Accepted"


def test_two_gateways_with_the_same_host_and_path_have_a_policy_each(site: Site) -> None:
    other = a_second(site)
    # Neither has a hostname, and both have /v1: an internal and an external one.
    site.apply(route(site.name, site.name, "theirs", path="/v1") + route(other.name, other.name, "theirs", path="/v1"))
    other.wait_served_by("theirs")
    site.apply(policy(site.name, site.name) + policy(other.name, other.name, kind="Gateway", otherwise="large"))

    all_accepted(site, site.name, other.name)
    both_served(site, other, "small", "large")

    with under_load(site.ask) as load:
        other.delete("routingpolicy", other.name)
        other.wait_served_by("theirs")
        time.sleep(1.0)
    assert not load.failed, site.told_of(load)
    assert {site.server() for _ in range(20)} == {"small"}, "the other one's policy has gone, and not this one's"


def test_one_route_behind_two_gateways_has_each_gateways_policy(site: Site) -> None:
    other = a_second(site)
    parents = f"parentRefs: [{{name: {site.name}}}, {{name: {other.name}}}]"
    site.apply(route(site.name, site.name, "theirs").replace(f"parentRefs: [{{name: {site.name}}}]", parents))
    other.wait_served_by("theirs")
    site.apply(policy(site.name, site.name, kind="Gateway"))
    site.programmed()
    time.sleep(1.1)
    with under_load(site.ask) as load:
        site.apply(policy(other.name, other.name, kind="Gateway", otherwise="large"))
        all_accepted(site, site.name, other.name)
        both_served(site, other, "small", "large")
    assert not load.failed, site.told_of(load)

    forged = site.ask("hello", **{"forebay-gateway": told_by(other)})
    assert forged.headers["x-sim-server"] == "small", "a Gateway writes over what a client says of it"


def told_by(site: Site) -> str:
    """What a Gateway says of itself."""
    for found in site.kube.list("ClientTrafficPolicy", site.namespace):
        if found["spec"]["targetRefs"][0]["name"] == site.name:
            return str(found["spec"]["headers"]["earlyRequestHeaders"]["set"][0]["value"])
    raise AssertionError(f"no ClientTrafficPolicy of Gateway {site.name} says which one it is")


THEIR_TRAFFIC = """---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}]
  connection: {{bufferLimit: 9Mi}}
"""


def test_a_forged_decision_meets_the_policy_of_its_route_where_nothing_strips_it(site: Site) -> None:
    other = a_second(site)
    # Each team has a ClientTrafficPolicy of its own, so headers of clients reach the choice of a route.
    site.apply(THEIR_TRAFFIC.format(name=site.name) + THEIR_TRAFFIC.format(name=other.name))
    site.apply(route(site.name, site.name, "theirs", path="/v1") + route(other.name, other.name, "theirs", path="/v1"))
    site.apply(policy(site.name, site.name) + policy(other.name, other.name, otherwise="large"))
    all_accepted(site, site.name, other.name)
    both_served(site, other, "small", "large")

    for pool in ("small", "large", "nothing"):
        forged = {"x-forebay-cluster": f"pool/{site.namespace}/{pool}"}
        assert site.ask("hello", **forged).headers.get("x-sim-server") == "small", pool
        assert other.ask("hello", **forged).headers.get("x-sim-server") == "large", pool


def test_a_policy_with_attach_and_one_with_targets_do_not_answer_for_each_other(site: Site) -> None:
    installation = site.behind.installation
    installation.add_envoy("own-0")
    try:
        site.apply(site.policy() + attached(f"{site.name}-own", "large"))
        all_accepted(site, site.name, f"{site.name}-own")
        site.wait_served_by("small")

        # The more specific host name is the other one's.
        answer = installation.wait_served("hello", 20, host=site.host)

        assert answer.headers["x-sim-server"] == "large"
        assert {site.server() for _ in range(10)} == {"small"}
    finally:
        installation.envoys.pop("own-0").kill()
        # A Service of Envoys without a pod would be waited for.
        installation.kube.delete("EndpointSlice", installation.namespace, f"{ENVOYS}-0")


def test_rules_told_apart_by_a_header_have_policies_of_their_own(site: Site) -> None:
    site.apply(site.own_route(extra=STRICT))
    strict = f"{site.name}-strict"
    site.apply(site.policy() + site.policy(strict, section="strict", otherwise="large"))

    all_accepted(site, site.name, strict)
    site.wait_served_by("small")
    wait_until(lambda: site.ask(**{"x-team": "legal"}).headers.get("x-sim-server") == "large", "the rule's policy", 30)

    assert {site.server() for _ in range(5)} == {"small"}
    assert {site.ask(**{"x-team": "legal"}).headers["x-sim-server"] for _ in range(5)} == {"large"}


def test_a_more_specific_policy_comes_and_goes_and_every_decision_finds_its_route(site: Site) -> None:
    wide = f"{site.name}-gw"
    site.apply(site.policy(wide, kind="Gateway"))
    site.programmed(wide)
    site.wait_served_by("small")

    with under_load(site.ask) as load:
        site.apply(site.policy(otherwise="large"))
        all_accepted(site, wide, site.name)
        site.wait_served_by("large")
        (ancestor,) = site.ancestors(wide)
        programmed = next(found for found in ancestor["conditions"] if found["type"] == "Programmed")
        assert (programmed["status"], programmed["reason"]) == ("False", "Overridden")
        assert (
            f"HTTPRoute {site.namespace}/{site.name} is policy {site.namespace}/{site.name}'s" in programmed["message"]
        )
        site.delete("routingpolicy", site.name)
        site.wait_served_by("small")
        site.programmed(wide)
        time.sleep(4.0)  # what is left of the other one goes 3 s later

    assert not load.failed, site.told_of(load)
    assert site.server() == "small"
