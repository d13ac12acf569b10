"""Policies attached to Gateways and HTTPRoutes: where requests go, and what status says of it."""

from __future__ import annotations

from .behind import Site, untouched


def test_requests_go_where_the_policy_says(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()

    site.wait_served_by("small")

    assert [site.asked(text) for text in ("hello", "Prove the theorem.")] == ["small", "large"]
    assert site.asked("simulate it") == "model llm-d/simulated", "with the model's upstream name in the body"
    accepted = site.wait(site.name, "Accepted")
    assert accepted["reason"] == "Accepted"
    (ancestor,) = site.ancestors(site.name)
    assert ancestor["controllerName"] == "forebay.dev/operator"
    assert ancestor["ancestorRef"]["name"] == site.name
    assert {found["type"]: found["status"] for found in ancestor["conditions"]} == {
        "Accepted": "True",
        "Programmed": "True",
    }


def test_a_policy_on_a_gateway_is_for_all_its_routes(site: Site) -> None:
    site.apply(site.own_route() + site.policy(kind="Gateway"))
    site.programmed()

    site.wait_served_by("small")
    assert site.asked("Prove the theorem.") == "large"


def test_the_teams_own_route_is_never_changed(site: Site) -> None:
    before = untouched(site.kube.get("HTTPRoute", site.namespace, site.name))
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")
    site.delete("routingpolicy", site.name)
    site.wait_served_by("theirs")

    assert untouched(site.kube.get("HTTPRoute", site.namespace, site.name)) == before


def test_a_client_cannot_choose_the_pool(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")

    forged = site.ask("hello", **{"x-forebay-cluster": f"pool/{site.namespace}/large"})

    assert forged.headers["x-sim-server"] == "small"
