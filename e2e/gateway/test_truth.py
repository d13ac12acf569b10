"""A policy's status says what is so: nothing is Programmed that Envoy Gateway refuses, that a listener does not serve, or
that a data plane has not taken; and what is not the policy's is left alone while it changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from ..kube import condition_of
from ..load import Load, under_load
from ..process import Process
from ..waiting import free_port, wait_until
from .behind import Site, untouched
from .manifests import gateway, route

SOMEBODY_ELSES = """---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {name}}}]
  extProc:
  - backendRefs: [{{name: theirs, port: 8000}}]
    failOpen: true
"""


@contextmanager
def none_lost(site: Site) -> Iterator[Load]:
    with under_load(site.ask) as load:
        yield load
    assert load.answers, "somebody has asked"
    assert not load.failed, site.told_of(load)


@contextmanager
def gone(process: Process) -> Iterator[None]:
    process.kill()
    try:
        yield
    finally:
        process.start()


def test_what_envoy_gateway_refuses_is_not_programmed_and_its_words_are_told(site: Site) -> None:
    site.apply(SOMEBODY_ELSES.format(name=site.name))
    wait_until(lambda: _accepted(site), "somebody else's extension policy has the route", 30)
    # The older one gets the target, by whole seconds; of two of one second that whose name comes first, which is ours.
    time.sleep(1.1)
    site.apply(site.policy())

    refused = wait_until(lambda: _programmed(site, "Rejected"), "the refusal is told", 30)

    assert "EnvoyExtensionPolicy" in refused["message"]
    assert site.wait(site.name, "Accepted")["reason"] == "Accepted"
    (ancestor,) = site.ancestors(site.name)
    said = {found["type"]: found["status"] for found in ancestor["conditions"]}
    assert said == {"Accepted": "True", "Programmed": "False"}
    site.delete("envoyextensionpolicy", site.name)
    site.programmed()
    site.wait_served_by("small")


def test_behind_a_listener_that_is_not_programmed_nothing_is(site: Site) -> None:
    secure = (
        f"  - {{name: secure, protocol: HTTPS, port: {free_port()}, "
        "tls: {mode: Terminate, certificateRefs: [{name: nobody-has-made-it}]}}\n"
    )
    site.apply(gateway(site.name, site.port, extra=secure) + site.policy(kind="Gateway"))

    waits = site.wait(site.name, "Programmed", "False")
    wait_until(lambda: "is not programmed" in _message(site, "Programmed"), "the listener is named", 30)

    assert waits["reason"] == "Pending"
    assert f"listener secure of Gateway {site.namespace}/{site.name}" in _message(site, "Programmed")
    site.apply(gateway(site.name, site.port))
    site.programmed()
    site.wait_served_by("small")


def test_nothing_is_programmed_before_every_data_plane_has_taken_it(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    process, _ = site.behind.installation.data_planes["dp-0"]

    with gone(process):
        site.apply(site.policy(otherwise="large"))
        waits = site.wait(site.name, "Programmed", "False")
        assert waits["observedGeneration"] >= 1
        assert waits["reason"] in ("Pending", "NoDataPlane")
    site.programmed()
    site.wait_served_by("large", seconds=60)


def test_a_gateway_that_is_edited_loses_no_request(site: Site) -> None:
    site.apply(site.policy(kind="Gateway"))
    site.programmed()
    site.wait_served_by("small")
    second = free_port()
    more = f"  - {{name: second, protocol: HTTP, port: {second}}}\n"

    def server() -> str:
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{second}/v1/chat/completions",
                json={"model": "auto", "messages": [{"role": "user", "content": "hello"}]},
                headers={"host": site.host}, trust_env=False, timeout=10.0,
            )  # fmt: skip
        except httpx.TransportError:
            return ""
        return answer.headers.get("x-sim-server", "")

    with none_lost(site):
        site.apply(gateway(site.name, site.port, extra=more))
        wait_until(lambda: server() == "small", "the new listener has the policy", 30)
        site.programmed()
        site.apply(gateway(site.name, site.port))
        wait_until(lambda: server() == "", "the listener has gone", 30)
        site.programmed()


def test_another_route_with_the_same_host_is_left_as_it_is_and_served_throughout(site: Site) -> None:
    name = f"{site.name}-b"
    site.apply(route(name, site.name, "theirs", host=site.host, path="/plain"))

    def ask() -> httpx.Response:
        return httpx.get(
            f"http://127.0.0.1:{site.port}/plain", headers={"host": site.host}, trust_env=False, timeout=10.0
        )

    wait_until(lambda: ask().status_code == 404, "the team's server answers, which knows no such path", 30)
    before = untouched(site.kube.get("HTTPRoute", site.namespace, name))
    answers: list[tuple[int, str]] = []
    for step in (site.policy(), site.policy(otherwise="large")):
        site.apply(step)
        site.programmed()
        answers.append((ask().status_code, ask().headers.get("x-forebay-decision", "")))
    with none_lost(site):
        site.delete("httproute", name)
        site.apply(route(name, site.name, "theirs", host=site.host, path="/plain"))
        wait_until(lambda: ask().headers.get("server") is not None, "it is served again", 30)

    assert set(answers) == {(404, "")}, "no policy is asked there"
    after = untouched(site.kube.get("HTTPRoute", site.namespace, name))
    assert before["spec"] == after["spec"]


def _stored(site: Site, name: str) -> dict[str, object]:
    return site.kube.get("RoutingPolicy", site.namespace, name) or {}


def _message(site: Site, type_: str) -> str:
    return str(condition_of(_stored(site, site.name), type_).get("message", ""))


def _programmed(site: Site, reason: str) -> dict[str, str] | None:
    found = condition_of(_stored(site, site.name), "Programmed")
    return found if found.get("reason") == reason else None


def _accepted(site: Site) -> bool:
    stored = site.kube.get("EnvoyExtensionPolicy", site.namespace, site.name) or {}
    entries = stored.get("status", {}).get("ancestors", [])
    return any(c["type"] == "Accepted" and c["status"] == "True" for entry in entries for c in entry["conditions"])
