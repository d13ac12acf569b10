"""EnvoyPatchPolicies: what a Gateway's Envoy reports to the data planes, and what is said where it may not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from ..kube import condition_of
from ..waiting import free_port, wait_until
from .behind import Behind, Site
from .envoy_gateway import EnvoyGateway
from .manifests import gateway, policy, route

TAKEN_SECONDS = 30.0


def counted(behind: Behind, metric: str = "forebay_outcomes_total", **labels: str) -> float:
    """What the data plane has counted with these labels."""
    at = behind.installation.data_plane_metrics["dp-0"]
    text = httpx.get(f"http://127.0.0.1:{at}/metrics", trust_env=False).text
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith(f"{metric}{{") and all(part in line for part in wanted)
    )


def lost(site: Site) -> str:
    """What the site's policy says that it does without."""
    stored = site.kube.get("RoutingPolicy", site.namespace, site.name) or {}
    return str(condition_of(stored, "FullySupported").get("message", ""))


def wait_taken(site: Site) -> None:
    """Until Envoy Gateway has taken the patches."""
    wait_until(lambda: lost(site) and "outcomes" not in lost(site), "the patches are taken", TAKEN_SECONDS)


def wait_told(site: Site, words: str) -> None:
    wait_until(lambda: words in lost(site), f"{words!r} is said; it says {lost(site)!r}", TAKEN_SECONDS)


def assert_outcomes_arrive(site: Site, ask: Callable[[], httpx.Response] | None = None) -> None:
    """Each of a few requests is counted once, by pool and status."""

    def count() -> float:
        return counted(site.behind, pool=f"{site.namespace}/large", status="2xx")

    wait_until(lambda: (ask or _proof(site))().headers.get("x-sim-server") == "large", "it is served", 20)
    before, under_way = _settled(count), counted(site.behind, "forebay_inflight")
    for _ in range(5):
        assert (ask or _proof(site))().status_code == 200
    wait_until(lambda: count() >= before + 5, f"outcomes arrive; {count() - before} have", 10)
    assert count() == before + 5
    wait_until(lambda: counted(site.behind, "forebay_inflight") <= under_way, "none of them counts as under way", 10)


def _settled(count: Callable[[], float]) -> float:
    """The count once what was under way has come: it has been the same for a while."""

    def same() -> tuple[float] | None:
        first = count()
        time.sleep(0.5)  # five times as long as Envoy keeps entries back
        return (first,) if count() == first else None

    return wait_until(same, "no more outcomes come", 10)[0]


def _proof(site: Site) -> Callable[[], httpx.Response]:
    return lambda: site.ask("Prove the theorem.")


@contextmanager
def restarted(site: Site, **settings: Any) -> Iterator[None]:
    """With Envoy Gateway so; afterwards as it was."""
    runs: EnvoyGateway = site.behind.envoy_gateway
    runs.restart(**settings)
    try:
        yield
    finally:
        runs.restart()


def test_outcomes_come_back_from_a_gateways_envoy(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    wait_taken(site)

    assert_outcomes_arrive(site)

    (stored,) = site.kube.list("EnvoyPatchPolicy", site.namespace)
    assert stored["metadata"]["ownerReferences"][0]["kind"] == "Gateway"


def test_patches_that_are_changed_by_hand_are_as_they_were_again(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()
    wait_taken(site)
    (stored,) = site.kube.list("EnvoyPatchPolicy", site.namespace)
    name = stored["metadata"]["name"]

    site.kube.kubectl(
        "patch", "envoypatchpolicy", name, "-n", site.namespace, "--type=merge", "-p", '{"spec": {"jsonPatches": []}}'
    )

    def repaired() -> bool:
        now = site.kube.get("EnvoyPatchPolicy", site.namespace, name) or {}
        return bool(now.get("spec") == stored["spec"])

    wait_until(repaired, "they are as they were", 20)
    notes = [str(event.get("note") or event.get("message")) for event in site.kube.list("Event", site.namespace)]
    assert any(name in note and "was changed by somebody" in note for note in notes)


def test_requests_that_no_policy_takes_are_not_reported(site: Site) -> None:
    other = f"other.{site.host}"
    site.apply(site.policy() + route(f"{site.name}-b", site.name, "theirs", host=other))
    site.programmed()
    wait_taken(site)
    assert_outcomes_arrive(site)
    wait_until(lambda: site.ask(host=other).headers.get("x-sim-server") == "theirs", "the other route is served", 20)
    before = _settled(lambda: counted(site.behind))

    for _ in range(5):
        assert site.ask(host=other).status_code == 200
    assert site.ask("Prove the theorem.").status_code == 200

    wait_until(lambda: counted(site.behind) > before, "the last request's outcome arrives", 10)
    assert counted(site.behind) == before + 1


def test_listeners_that_share_a_port_are_told_once_and_those_of_another_port_too(site: Site) -> None:
    port = free_port()
    more = (
        f"  - {{name: also, protocol: HTTP, port: {site.port}, hostname: also.example.org}}\n"
        f"  - {{name: second, protocol: HTTP, port: {port}}}\n"
    )
    elsewhere = route(f"{site.name}-b", site.name, "theirs", host="also.example.org")
    site.apply(gateway(site.name, site.port, extra=more) + elsewhere + site.policy(kind="Gateway"))
    site.programmed()
    wait_taken(site)

    assert_outcomes_arrive(site)
    assert_outcomes_arrive(site, lambda: site.ask("Prove the theorem.", host="also.example.org"))
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    body = {"model": "auto", "messages": [{"role": "user", "content": "Prove the theorem."}]}
    assert_outcomes_arrive(site, lambda: httpx.post(url, json=body, headers={"host": site.host}, trust_env=False))


def test_a_policy_says_what_is_lost_where_patches_are_off(site: Site) -> None:
    site.apply(site.policy(extra="  failOpen: {pool: large, model: large-model}\n"))
    site.programmed()
    wait_taken(site)

    with restarted(site, patches=False):
        wait_told(site, "extensionApis.enableEnvoyPatchPolicy: true")
        assert "not to pool team/large" in lost(site)
        site.programmed()
        site.wait_served_by("small")
        with without_data_plane(site):
            site.wait_served_by("theirs")

    wait_taken(site)
    assert_outcomes_arrive(site)


def test_listeners_are_found_under_their_newer_names_too(site: Site) -> None:
    site.apply(site.policy())
    site.programmed()

    with restarted(site, flags=["XDSNameSchemeV2"]):
        wait_taken(site)
        assert_outcomes_arrive(site)

    wait_taken(site)
    assert_outcomes_arrive(site)


def test_patches_that_lead_nowhere_take_no_gateway_down(site: Site) -> None:
    site.apply(site.policy() + BROKEN.replace("NAME", site.name))
    site.programmed()
    wait_taken(site)

    def refused() -> str:
        stored = site.kube.get("EnvoyPatchPolicy", site.namespace, f"{site.name}-broken") or {}
        conditions = [c for entry in stored.get("status", {}).get("ancestors", []) for c in entry["conditions"]]
        return next((c["message"] for c in conditions if c["type"] == "Programmed" and c["status"] == "False"), "")

    wait_until(refused, "Envoy Gateway says what it has left out", 20)
    assert_outcomes_arrive(site)
    with restarted(site):
        assert_outcomes_arrive(site)
    site.delete("envoypatchpolicy", f"{site.name}-broken")


BROKEN = """---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyPatchPolicy
metadata: {name: NAME-broken}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: NAME}
  type: JSONPatch
  jsonPatches:
  - type: type.googleapis.com/envoy.config.listener.v3.Listener
    name: team/NAME/http
    operation: {op: add, jsonPath: "$..filters[?(@.name == 'nothing')].typed_config", path: /access_log/-, value: {}}
  - type: type.googleapis.com/envoy.config.listener.v3.Listener
    name: team/NAME/http
    operation:
      op: add
      jsonPath: "$..filters[?(@.name == 'envoy.filters.network.http_connection_manager')].typed_config"
      path: /access_log/-
      value:
        name: envoy.access_loggers.http_grpc
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig
          common_config:
            log_name: nowhere
            grpc_service: {envoy_grpc: {cluster_name: nowhere}}
            transport_api_version: V3
"""
"""A patch that finds no place, and an access log to a cluster that is not there, as ours would be without its own."""


def test_while_no_data_plane_answers_requests_go_to_the_bypass_with_its_model(site: Site) -> None:
    site.apply(site.policy(extra="  failOpen: {pool: simulated, model: sim-model}\n"))
    site.programmed()
    wait_taken(site)
    site.wait_served_by("small")

    with without_data_plane(site):
        wait_until(lambda: site.ask().headers.get("x-forebay-decision") == "bypassed", "the bypass serves", 20)
        answers = [site.ask("hello", model) for model in ("auto", "anything")]
        other = httpx.get(f"http://127.0.0.1:{site.port}/v1/models", headers={"host": site.host}, trust_env=False)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.json()["model"] for answer in answers} == {"llm-d/simulated"}, "with its upstream name in the body"
    assert {answer.headers["x-forebay-pool"] for answer in answers} == {"team/simulated"}
    assert other.headers.get("x-sim-server") == "theirs", (
        "what is no call of the model goes to the route's own backends"
    )
    site.wait_served_by("small")


def test_only_routes_of_a_policy_with_a_bypass_have_it(site: Site) -> None:
    own, other = f"other.{site.host}", f"third.{site.host}"
    more = route(f"{site.name}-b", site.name, "theirs", host=own) + route(
        f"{site.name}-c", site.name, "theirs", host=other
    )
    site.apply(more + site.policy(extra="  failOpen: {pool: large, model: large-model}\n"))
    site.apply(policy(f"{site.name}-b", f"{site.name}-b"))
    site.programmed()
    site.programmed(f"{site.name}-b")
    wait_taken(site)
    wait_until(lambda: site.ask(host=own).headers.get("x-sim-server") == "small", "the other policy's is served", 20)

    with without_data_plane(site):
        wait_until(lambda: site.server() == "large", "the bypass serves", 20)
        assert site.ask(host=own).status_code in (503, 504), "its policy fails closed"
        assert site.ask(host=other).headers.get("x-sim-server") == "theirs", "no policy has it"


@contextmanager
def without_data_plane(site: Site) -> Iterator[None]:
    process, _ = site.behind.installation.data_planes["dp-0"]
    process.kill()
    try:
        yield
    finally:
        process.start()
