"""Fallback pools after a failure behind Envoy Gateway: where an EnvoyProxy lets Envoys have internal listeners, and where not.

The first pool is `large`; the one behind it answers to another model's name and to no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from forebay_operator.gateway.envoy_gateway.patches.internal import SNIPPET

from ..isolation import HOST
from ..load import under_load
from ..waiting import free_port, wait_until
from .behind import SIMULATED, Site
from .manifests import envoy_proxy, gateway
from .test_patches import TAKEN_SECONDS, counted, lost, wait_taken, wait_told

UNTRIED = "is not tried at the strategy's fallback pools"
CAREFUL = "pools: [{name: large}]"
PROOF = "Prove the theorem."


def proxied(site: Site, extra: str = "") -> str:
    """The site's Gateway with its EnvoyProxy."""
    return gateway(site.name, site.port, extra=extra, proxy=site.name)


def chained(site: Site, *fallback: str, more: str = "") -> str:
    """The site's policy, with proofs going from `large` to these pools."""
    named = ", ".join(f"{{name: {pool}}}" for pool in fallback)
    made = site.policy(extra=more).replace(CAREFUL, f"{CAREFUL}, fallback: [{named}]")
    assert named in made
    return made


@pytest.fixture
def open_site(site: Site) -> Site:
    """A site whose Envoy has started with the extension."""
    site.delete(f"gateways.gateway.networking.k8s.io/{site.name}")
    wait_until(lambda: site.server() == "599", "its Envoy has gone", 20)
    site.apply(envoy_proxy(site.name, extension=True) + proxied(site))
    site.wait_served_by("theirs")
    return site


@contextmanager
def failing(site: Site, server: str, **fault: Any) -> Iterator[None]:
    """With a server that fails so."""
    url = f"http://{HOST}:{site.behind.ports[server]}/sim/faults"
    try:
        httpx.put(url, json=fault, trust_env=False).raise_for_status()
        yield
    finally:
        httpx.put(url, json={"mode": "none"}, trust_env=False).raise_for_status()


def wait_chained(site: Site) -> None:
    """Until Envoy Gateway has taken the chains and its Envoy serves them: only a room says who has answered."""
    site.programmed()
    wait_until(lambda: lost(site) and UNTRIED not in lost(site), "the chains are taken", TAKEN_SECONDS)
    with failing(site, "large", mode="status"):
        wait_until(lambda: site.ask(PROOF).is_success, "the chain is served", 20)


def tried(site: Site, **headers: str) -> tuple[int, str, str, str]:
    """Status, model in the answer, and who has answered, as the answer's headers say."""
    answer = site.ask(PROOF, **headers)
    told = answer.headers.get("x-forebay-pool", ""), answer.headers.get("x-forebay-model", "")
    return answer.status_code, answer.json().get("model", "") if answer.is_success else "", *told


def test_a_request_that_fails_at_its_pool_is_answered_by_the_next_one_with_its_own_models_name(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "simulated", "small"))
    wait_chained(site)
    first = (200, "large-model", "team/large", "large-model")
    second = (200, SIMULATED, "team/simulated", "sim-model")

    assert tried(site) == first
    for fault in ({"mode": "status"}, {"mode": "status", "status": 429}, {"mode": "reset"}):
        with failing(site, "large", **fault):
            assert tried(site) == second, fault
    assert tried(site) == first
    with failing(site, "large", mode="status"):
        site.behind.installation.servers["simulated"].kill()
        try:
            assert tried(site) == (200, "small-model", "team/small", "small-model")
        finally:
            site.behind.installation.servers["simulated"].start()
    with failing(site, "large", mode="status", status=400):
        assert tried(site)[0] == 400, "an answer that blames the request is no failure"


def test_streams_too_and_the_openai_client_sees_none_of_it(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "simulated"))
    wait_chained(site)

    with failing(site, "large", mode="status"):
        stream = site.client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": PROOF}], stream=True
        )
        chunks = list(stream)

    assert {chunk.model for chunk in chunks} == {SIMULATED}
    assert len(chunks) > 1


def test_no_header_of_ours_and_no_credential_of_a_client_goes_on_to_a_pool(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "small"))
    wait_chained(site)

    tried(site, authorization="Bearer sk-client", cookie="a=b")
    with failing(site, "large", mode="status"):
        tried(site, authorization="Bearer sk-client", cookie="a=b")

    for server in ("large", "small"):
        url = f"http://{HOST}:{site.behind.ports[server]}/sim/last?n=20"
        requests = httpx.get(url, trust_env=False).json()["requests"]
        seen = json.dumps([request["headers"] for request in requests if request["method"] == "POST"]).lower()
        assert site.host in seen
        assert not [word for word in ("x-forebay", "sk-client", "cookie") if word in seen]


def test_outcomes_count_for_the_pool_that_has_answered(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "small"))
    wait_chained(site)
    wait_taken(site)
    strategy = {"pool": f"{site.namespace}/small", "status": "2xx"}

    with failing(site, "large", mode="status"):
        before = counted(site.behind, **strategy)
        for _ in range(3):
            assert site.ask(PROOF).is_success
        wait_until(lambda: counted(site.behind, **strategy) >= before + 3, "outcomes arrive", 10)


def test_without_the_extension_a_policy_says_what_to_add_and_nothing_is_written(site: Site) -> None:
    site.apply(chained(site, "small"))
    site.programmed()
    wait_told(site, UNTRIED)
    assert "neither Gateway" in lost(site) or "EnvoyProxy" in lost(site)
    site.apply(envoy_proxy(site.name, extension=False) + proxied(site))
    wait_told(site, f"add to the spec of EnvoyProxy {site.namespace}/{site.name}: {SNIPPET}")
    wait_taken(site)

    assert len(site.kube.list("EnvoyPatchPolicy", site.namespace)) == 1, "that of outcomes"
    assert tried(site)[:2] == (200, "large-model")
    with failing(site, "large", mode="status"):
        assert tried(site)[0] == 503


def test_an_envoy_that_has_started_without_it_serves_as_before(site: Site) -> None:
    """The EnvoyProxy says so now, and no Envoy has read it yet."""
    site.apply(chained(site, "small"))
    site.programmed()
    wait_told(site, UNTRIED)
    with under_load(lambda: site.ask(PROOF)) as load:
        site.apply(envoy_proxy(site.name, extension=True) + proxied(site))
        wait_until(lambda: UNTRIED not in lost(site), "the chains are taken", TAKEN_SECONDS)
        wait_until(lambda: refused(site) > 0, "its Envoy refuses internal listeners", 20)
        seen = load.answers.total()
        wait_until(lambda: load.answers.total() > seen + 20, "requests go on", 30)
    assert not load.failed, site.told_of(load)

    with failing(site, "large", mode="status"):
        assert tried(site)[0] == 503
    port = free_port()
    site.apply(proxied(site, extra=f"  - {{name: second, protocol: HTTP, port: {port}}}\n"))
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    body = {"model": "auto", "messages": [{"role": "user", "content": PROOF}]}

    def served() -> bool:
        try:
            answer = httpx.post(url, json=body, headers={"host": site.host}, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.headers.get("x-sim-server") == "large"

    wait_until(served, "a listener that comes meanwhile is served", 30)
    assert tried(site)[:2] == (200, "large-model")

    site.behind.envoy_gateway.restart()  # and its Envoys with it, as a Deployment's rollout would
    wait_chained(site)
    with failing(site, "large", mode="status"):
        assert tried(site)[:2] == (200, "small-model")


def refused(site: Site) -> int:
    """How many updates of listeners its Envoy has refused."""
    admin = site.behind.envoy_gateway.admin(f"{site.namespace}/{site.name}")
    text = httpx.get(f"{admin}/stats?filter=lds.update_rejected", trust_env=False).text
    return int(text.rpartition(":")[2])


def test_when_the_extension_comes_and_goes_no_request_is_lost(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "small"))
    wait_chained(site)

    with under_load(lambda: site.ask(PROOF)) as load:
        site.apply(envoy_proxy(site.name, extension=False))
        wait_told(site, SNIPPET)
        wait_until(lambda: len(site.kube.list("EnvoyPatchPolicy", site.namespace)) == 1, "its patches go", 20)
        site.apply(envoy_proxy(site.name, extension=True))
        wait_until(lambda: UNTRIED not in lost(site), "the chains are taken", TAKEN_SECONDS)
    assert not load.failed, site.told_of(load)
    wait_chained(site)


def test_pools_of_a_chain_are_edited_while_the_first_one_fails_and_no_request_is_lost(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "small"))
    wait_chained(site)

    with failing(site, "large", mode="status"), under_load(lambda: site.ask(PROOF)) as load:
        for *fallback, model in (("simulated", SIMULATED), ("simulated", "small", SIMULATED), ("small", "small-model")):
            site.apply(chained(site, *fallback))
            wait_until(lambda model=model: tried(site)[1] == model, "the newest chain is served", 30)
            site.programmed()
    assert not load.failed, site.told_of(load)


def test_the_last_policy_takes_its_chains_with_it(open_site: Site) -> None:
    site = open_site
    site.apply(chained(site, "small"))
    wait_chained(site)
    assert len(site.kube.list("EnvoyPatchPolicy", site.namespace)) == 2

    site.delete("routingpolicy", site.name)

    site.behind.wait_nothing_generated()
    site.wait_served_by("theirs", PROOF)


def test_each_pools_credential_is_its_own_and_the_users_rewrites_hold(open_site: Site) -> None:
    """The user's route takes a prefix off, and has a second rule."""
    site = open_site
    rewriting = """  - matches: [{path: {type: PathPrefix, value: /team}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]
    backendRefs: [{name: theirs, port: 8000}]
"""
    site.apply(KEYED + site.own_route(extra=rewriting))
    site.apply(chained(site, "keyed"))
    wait_chained(site)
    url = f"http://127.0.0.1:{site.port}/team/v1/chat/completions"
    body = {"model": "auto", "messages": [{"role": "user", "content": PROOF}]}
    headers = {"host": site.host, "authorization": "Bearer sk-client"}

    def answer() -> httpx.Response:
        return httpx.post(url, json=body, headers=headers, timeout=10.0, trust_env=False)

    try:
        wait_until(lambda: answer().headers.get("x-forebay-pool") == "team/large", "the second rule is served", 20)
        with failing(site, "large", mode="status"):
            served = answer()
        assert (served.status_code, served.headers["x-forebay-pool"]) == (200, "team/keyed")
        assert served.json()["model"] == "small-model"
        assert last_authorization(site, "small") == "Bearer abc"

        site.apply(site.policy().replace(CAREFUL, "pools: [{name: keyed}], fallback: [{name: large}]"))
        site.programmed()
        first = (200, "small-model", "team/keyed", "keyed-model")
        wait_until(lambda: tried(site) == first, "a pool with a credential goes first", 20)
        assert last_authorization(site, "small") == "Bearer abc"
        with failing(site, "small", mode="status"):
            wait_until(lambda: tried(site)[:2] == (200, "large-model"), "the next one answers", 20)
        assert last_authorization(site, "large") == "None", "and is sent no other pool's"
    finally:
        site.delete("routingpolicy", site.name)
        site.delete("modelpool/keyed", "secret/key")


def last_authorization(site: Site, server: str) -> str:
    url = f"http://{HOST}:{site.behind.ports[server]}/sim/last?n=20"
    requests = httpx.get(url, trust_env=False).json()["requests"]
    posts = [request["headers"] for request in requests if request["method"] == "POST"]
    return str(posts[0].get("authorization"))


KEYED = """---
apiVersion: forebay.dev/v1alpha1
kind: ModelPool
metadata: {name: keyed}
spec:
  backend: {service: {name: small, port: 8000}}
  models: [{name: keyed-model, upstreamName: small-model}]
  telemetry: {engine: vLLM}
  credentials: [{secretRef: {name: key, key: token}}]
---
apiVersion: v1
kind: Secret
metadata: {name: key, labels: {forebay.dev/credential: "true"}}
stringData: {token: abc, credential: Bearer abc}
"""
