"""Policies, pools, routes and gateways are edited, deleted and made again while requests come in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from forebay_operator.gateway.naming import POLICY

from ..kube import place
from ..load import Load, under_load
from ..waiting import wait_until
from .behind import POOLS, Site
from .manifests import gateway
from .manifests import route as own_route

DELETIONS: Final = 4


@contextmanager
def none_lost(site: Site, *, but: str = "") -> Iterator[Load]:
    """Requests while the block runs, and a little longer: every one is answered with 200, or with the status `but`."""
    with under_load(site.ask) as load:
        yield load
        site.wait_former_gone()
        seen = load.answers.total()
        wait_until(lambda: load.answers.total() > seen + 20, "requests after all of it", 30)
    lost = {answer: count for answer, count in load.failed.items() if answer != but}
    assert not lost, site.told_of(load)


def attached(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    site.wait_served_by("small")


def test_a_policy_that_is_edited_loses_no_request(site: Site) -> None:
    attached(site)
    with none_lost(site):
        for pool in ("large", "small", "large"):
            site.apply(site.policy(otherwise=pool))
            site.programmed()
            site.wait_served_by(pool)


def test_a_policy_that_is_deleted_and_made_again_loses_no_request(site: Site) -> None:
    attached(site)
    with none_lost(site):
        for _ in range(DELETIONS):
            site.delete("routingpolicy", site.name)
            site.wait_served_by("theirs")
            site.apply(site.policy())
            site.programmed()
            assert _shown(site), "Programmed, and nothing shows its requests"
            site.wait_served_by("small")


def test_a_pool_that_is_edited_loses_no_request(site: Site) -> None:
    attached(site)
    slower = POOLS.partition("---")[0] + "  resilience: {requestTimeout: 90s}\n"
    try:
        with none_lost(site):
            site.apply(slower)
            site.kube.wait_condition("ModelPool", site.namespace, "small", "Programmed")
            site.programmed()
    finally:
        site.apply(POOLS.partition("---")[0])


def test_a_pool_that_is_deleted_and_made_again_loses_no_request_of_other_pools(site: Site) -> None:
    attached(site)
    _, large, _ = POOLS.split("---")
    try:
        with none_lost(site):
            site.delete("modelpool", "large")
            refused = site.wait(site.name, "ResolvedRefs", "False")
            assert refused["reason"] == "PoolNotFound"
            time.sleep(2.0)
    finally:
        site.apply(large)
    site.programmed()
    site.wait_served_by("large", "Prove the theorem.")


def test_a_route_that_is_edited_loses_no_request(site: Site) -> None:
    attached(site)
    second = f"second.{site.host}"
    hosts = f"{site.host}, {second}"
    with none_lost(site):
        site.apply(site.own_route(host=hosts))
        wait_until(
            lambda: site.ask(host=second).headers.get("x-sim-server") == "small", "the policy is on the new host", 30
        )
        site.programmed()
        site.apply(site.own_route())
        wait_until(lambda: site.ask(host=second).status_code == 404, "the host is gone", 30)
        site.programmed()


def test_a_rule_that_is_added_to_a_route_has_the_policy_and_loses_no_request(site: Site) -> None:
    attached(site)
    rule = """  - name: second
    matches: [{path: {type: PathPrefix, value: /second}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
    backendRefs: [{name: theirs, port: 8000}]
"""
    url = f"http://127.0.0.1:{site.port}/second/v1/chat/completions"
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}

    def server() -> str:
        answer = httpx.post(url, json=body, headers={"host": site.host}, trust_env=False, timeout=10.0)
        return answer.headers.get("x-sim-server", "")

    with none_lost(site):
        site.apply(site.own_route(extra=rule))
        wait_until(lambda: server() == "small", "the policy is on the new rule", 30)
        site.programmed()


def test_a_rule_in_front_of_the_others_gives_them_other_numbers_and_loses_no_request(site: Site) -> None:
    attached(site)
    route = site.own_route()
    first = f"""  rules:
  - name: first
    matches: [{{path: {{type: PathPrefix, value: /first}}}}]
    filters: [{{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: /}}}}}}]
    backendRefs: [{{name: theirs, port: 8000}}]
{route.partition("  rules:")[2].lstrip(chr(10))}"""
    with none_lost(site) as load:
        for _ in range(3):
            site.apply(route.partition("  rules:")[0] + first)
            site.programmed()
            time.sleep(2.0)
            site.apply(route)
            site.programmed()
            time.sleep(2.0)
    assert set(load.servers) == {"small"}, load.servers


def test_a_route_that_comes_under_a_gateways_policy_never_meets_its_own_server(site: Site) -> None:
    wide, host = f"{site.name}-gw", f"second.{site.host}"
    site.apply(site.policy(wide, kind="Gateway"))
    site.programmed(wide)
    site.wait_served_by("small")

    with under_load(lambda: site.ask(host=host)) as load:
        site.apply(own_route(f"{site.name}-b", site.name, "theirs", host=host))
        wait_until(lambda: site.ask(host=host).headers.get("x-sim-server") == "small", "the policy is on it", 30)
        site.programmed(wide)
    assert set(load.servers) == {"small"}, load.servers
    assert set(load.failed) <= {"404"}, load.answers


def test_a_route_that_is_deleted_is_gone_and_comes_back(site: Site) -> None:
    attached(site)
    with none_lost(site, but="404") as load:
        site.delete("httproute", site.name)
        wait_until(lambda: site.ask().status_code == 404, "a request is told that there is no route", 30)
        assert site.wait(site.name, "Accepted", "False")["reason"] == "TargetNotFound"
        site.apply(site.own_route())
        site.programmed()
        site.wait_served_by("small")
    assert load.answers["404"]


def test_a_gateway_that_is_deleted_comes_back_with_its_policy(site: Site) -> None:
    attached(site)
    site.delete("gateway", site.name)
    site.wait(site.name, "Programmed", "False")

    site.apply(gateway(site.name, site.port))

    site.programmed()
    site.wait_served_by("small")


def test_what_is_changed_by_hand_is_repaired_and_an_event_says_so(site: Site) -> None:
    attached(site)
    (extension,) = [name for kind, _, name in map(_parts, site.behind.generated()) if kind == "EnvoyExtensionPolicy"]
    (generated,) = [name for kind, _, name in map(_parts, site.behind.generated()) if kind == "HTTPRoute"]
    where = f"{place('EnvoyExtensionPolicy', site.namespace)}/{extension}"
    opened = [{"op": "replace", "path": "/spec/extProc/0/failOpen", "value": True}]

    patched = site.kube.http.patch(
        where, content=json.dumps(opened), headers={"content-type": "application/json-patch+json"}
    )

    assert patched.status_code == 200, patched.text
    wait_until(lambda: not _opened(site, extension), "the extension policy is repaired", 30)
    with none_lost(site, but="404"):
        site.delete("httproute", generated)
        wait_until(lambda: site.kube.get("HTTPRoute", site.namespace, generated) is not None, "the route is back", 30)
        site.wait_served_by("small")

    def told() -> bool:
        return any(
            event.get("reason") == "Repaired"
            and site.name in str(event.get("involvedObject") or event.get("regarding"))
            for event in site.kube.list("Event", site.namespace)
        )

    wait_until(told, "an Event says so", 10)


def test_deleting_the_last_policy_leaves_nothing(site: Site) -> None:
    attached(site)
    assert site.behind.generated()

    site.delete("routingpolicy", site.name)

    site.behind.wait_nothing_generated()
    site.wait_served_by("theirs")


def _parts(generated: str) -> tuple[str, str, str]:
    kind, namespace, name = generated.split("/")
    return kind, namespace, name


def _shown(site: Site) -> list[dict[str, Any]]:
    """The targets of what shows the policy's requests to data planes."""
    stored = site.kube.list("EnvoyExtensionPolicy", site.namespace)
    own = [found for found in stored if found["metadata"]["labels"].get(POLICY) == site.name]
    return [ref for found in own for ref in found["spec"].get("targetRefs", ())]


def _opened(site: Site, extension: str) -> bool:
    stored = site.kube.get("EnvoyExtensionPolicy", site.namespace, extension)
    return stored is None or bool(stored["spec"]["extProc"][0].get("failOpen"))
