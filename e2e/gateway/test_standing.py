"""What a policy says where it does not stand alone, or not on what it names: conflicts, other classes, missing targets."""

from __future__ import annotations

import time

from ..isolation import HOST
from ..load import under_load
from ..waiting import wait_until
from .behind import Site
from .manifests import gateway, policy, route

FOREIGN_CLASS = """---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: somebody-elses}
spec: {controllerName: example.com/gateways}
"""


def test_of_two_policies_on_one_gateway_the_older_one_wins(site: Site) -> None:
    older, younger = f"{site.name}-z", f"{site.name}-a"
    site.apply(site.policy(older, kind="Gateway"))
    site.programmed(older)
    time.sleep(1.1)  # ages are in whole seconds, and the younger one's name comes first
    site.apply(site.policy(younger, kind="Gateway", otherwise="large"))

    refused = site.wait(younger, "Accepted", "False")

    assert refused["reason"] == "Conflicted"
    assert older in refused["message"]
    site.wait_served_by("small")
    site.wait(older, "Accepted")
    with under_load(site.ask) as load:
        site.delete("routingpolicy", older)
        site.programmed(younger)
        site.wait_served_by("large")
    assert not load.failed, site.told_of(load)


def test_a_policy_on_a_route_has_it_and_the_gateways_has_the_others(site: Site) -> None:
    other = f"other.{site.host}"
    second = route(f"{site.name}-b", site.name, "theirs", host=other)
    site.apply(second + site.policy(f"{site.name}-all", kind="Gateway") + site.policy(otherwise="large"))
    site.programmed(f"{site.name}-all")
    site.programmed()

    site.wait_served_by("large")
    wait_until(lambda: site.ask(host=other).headers.get("x-sim-server") == "small", "the other route is served", 30)


def test_a_shadow_policy_stands_beside_and_changes_nothing(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")  # Envoy Gateway says that it has accepted a thing a little before its Envoy has it
    shadow = policy(f"{site.name}-s", site.name, otherwise="large", extra="  mode: Shadow\n")
    site.apply(shadow)

    site.wait(f"{site.name}-s", "Programmed")

    site.wait(site.name, "Accepted")
    assert {site.server() for _ in range(5)} == {"small"}


def test_a_policy_may_come_before_its_gateway_and_route(site: Site) -> None:
    site.delete("httproute", site.name)
    site.delete("gateway", site.name)
    site.apply(site.policy() + site.policy(f"{site.name}-gw", kind="Gateway"))
    for name in (site.name, f"{site.name}-gw"):
        assert site.wait(name, "Accepted", "False")["reason"] == "TargetNotFound"
        assert site.ancestors(name) == [] or site.ancestors(name)[0]["conditions"][0]["status"] == "False"

    site.apply(gateway(site.name, site.port) + site.own_route())

    site.programmed()
    site.wait_served_by("small")


def test_a_gateway_of_another_class_is_not_ours_to_programme(site: Site) -> None:
    name = f"{site.name}-o"
    site.apply(FOREIGN_CLASS + gateway(name, 1, class_name="somebody-elses") + route(name, name, "theirs"))
    site.apply(policy(name, name, kind="Gateway") + policy(f"{name}-route", name))

    for refused in (name, f"{name}-route"):
        assert site.wait(refused, "Accepted", "False")["reason"] == "Invalid"
    assert site.behind.generated() == []


def test_a_listener_that_is_removed_takes_its_policy_off(site: Site) -> None:
    two = f"  - {{name: second, protocol: HTTP, port: {site.port}, hostname: second.example.com}}\n"
    both = gateway(site.name, site.port, extra=two)
    site.apply(both + route(f"{site.name}-b", site.name, "theirs", host="second.example.com"))
    site.apply(site.policy(kind="Gateway", section="second"))
    site.programmed()
    wait_until(
        lambda: site.ask(host="second.example.com").headers.get("x-sim-server") == "small", "the listener's route", 30
    )
    assert site.server() == "theirs", "the other listener has no policy"

    site.apply(gateway(site.name, site.port))

    assert site.wait(site.name, "Accepted", "False")["reason"] == "TargetNotFound"
    site.behind.wait_nothing_generated()
    assert site.server() == "theirs"
    site.apply(both)
    site.programmed()


def test_a_policy_in_another_namespace_needs_a_grant(site: Site) -> None:
    pools = "".join(
        f"""---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {{name: {name}}}
spec:
  backend: {{addresses: [{{host: {HOST}, port: {site.behind.ports[name]}}}]}}
  models: [{{name: {name}-model}}]
  telemetry: {{engine: vLLM}}
"""
        for name in ("small", "large", "simulated")
    )
    remote = policy("remote", site.name).replace(f"name: {site.name}}}]", f"name: {site.name}, namespace: team}}]")
    site.kube.apply(pools + remote, namespace="other")
    refused = site.kube.wait_condition("RoutingPolicy", "other", "remote", "ResolvedRefs", "False")
    assert refused["reason"] == "RefNotPermitted"
    grant = """
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: remote}
spec:
  from: [{group: forebay.dev, kind: RoutingPolicy, namespace: other}]
  to: [{group: gateway.networking.k8s.io, kind: HTTPRoute}]
"""

    site.apply(grant)

    site.kube.wait_condition("RoutingPolicy", "other", "remote", "Programmed")
    site.wait_served_by("small")
    site.delete("referencegrant", "remote")
    site.wait_served_by("theirs")
    refused = site.kube.wait_condition("RoutingPolicy", "other", "remote", "ResolvedRefs", "False")
    assert refused["reason"] == "RefNotPermitted"
