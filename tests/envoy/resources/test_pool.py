"""Pools: credentials, retries on other endpoints, ejection, TLS to bought endpoints, names and addresses."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, native, policy, pool
from ..harness import Forward, Rig, Upstream, failing, hanging_up, running_rig, wait_until

pytestmark = pytest.mark.envoy

POOLS = ("plain", "keyed", "keyless", "open", "pair", "named", "v6", "bought", "misnamed", "untrusted")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``ca.pem`` and two servers' certificates: one signed by it for good.test, one by nobody it knows."""
    folder = tmp_path_factory.mktemp("certificates")
    base = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    run = [
        [*base, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test ca"],
        [*base, "-keyout", "good.key", "-out", "good.pem", "-subj", "/CN=good.test", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-addext", "subjectAltName=DNS:localhost"],
        [*base, "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=x", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-addext", "subjectAltName=DNS:other.test"],
        [*base, "-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost"],
    ]  # fmt: skip
    for command in run:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = _has_ipv6()


class Servers:
    """What the pools of this module consist of."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.one, self.two = rig.upstream(), rig.upstream()
        self.v6 = rig.upstream(host="::1") if IPV6 else self.one
        self.bought, self.misnamed, self.untrusted = (
            rig.upstream(tls=_context(folder, name)) for name in ("good", "other", "self")
        )


def _context(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.sni_callback = lambda socket, sni, _: SNI.append(sni)  # type: ignore[assignment]
    return context


SNI: list[str | None] = []


@pytest.fixture(scope="module")
def started(certificates: Path) -> Iterator[tuple[Rig, Servers]]:
    with running_rig() as rig:
        servers = Servers(rig, certificates)
        fast = {"connectTimeout": "500ms", "requestTimeout": "2s", "streamIdleTimeout": "300ms"}
        ejecting = fast | {"outlierDetection": {"consecutiveFailures": 2, "ejectionTime": "30s"}, "retries": 1}

        def external(server: Upstream) -> dict[str, object]:
            return {"backend": {"external": {"hostname": "localhost", "port": server.port}}, "resilience": fast}

        pools = {
            "plain": pool(servers.one.port, resilience=fast),
            "keyed": pool(servers.one.port),
            "keyless": pool(servers.one.port),
            "open": pool(servers.one.port, forwardClientCredentials=True),
            "pair": pool(servers.one.port, servers.two.port, resilience=ejecting),
            "named": pool(servers.one.port, host="localhost"),
            "v6": pool(servers.v6.port, host="::1"),
            "bought": pool(**external(servers.bought)),
            "misnamed": pool(**external(servers.misnamed)),
            "untrusted": pool(**external(servers.untrusted)),
        }
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {"ai/p": policy(*POOLS[:8]), "ai/q": policy(*POOLS[8:], attach={"hostnames": ["q.test"]})},
            {f"ai/{name}": spec for name, spec in pools.items()},
            native={"ai/p": (native("keyless", "ai/keyless"), native("keyed", "ai/keyed"))},
            secrets={"ai/keyed": "sk-keyed", "ai/bought": "sk-bought"},
            missing_secrets=frozenset({"ai/keyless"}),
            trust_ca=str(certificates / "ca.pem"),
        )
        rig.start(assemble(made))
        yield rig, servers


@pytest.fixture
def rig(started: tuple[Rig, Servers]) -> Rig:
    started[0].reset()
    for upstream in started[0].upstreams:
        upstream.start() if upstream._runner is None else None
    return started[0]


@pytest.fixture
def servers(started: tuple[Rig, Servers]) -> Servers:
    return started[1]


def send_to(rig: Rig, name: str, **metadata: str) -> None:
    told = {"pool": f"ai/{name}", "model": "small", "decision-id": "d1", **metadata}
    rig.processor.decide = lambda _: Forward(cluster=f"pool/ai/{name}", metadata=told)


CREDENTIALS = {
    "authorization": "Bearer mine",
    "cookie": "a=b",
    "x-api-key": "k",
    "api-key": "k",
    "proxy-authorization": "p",
    "x-goog-api-key": "k",
    "ocp-apim-subscription-key": "k",
    "x-auth-token": "t",
    "x-forwarded-access-token": "t",
    "x-amz-security-token": "t",
    "openai-organization": "org-1",
    "openai-project": "proj-1",
}


def test_the_callers_credentials_do_not_reach_an_upstream(rig: Rig, servers: Servers) -> None:
    send_to(rig, "plain")
    assert rig.chat(headers=CREDENTIALS).status_code == 200
    assert not CREDENTIALS.keys() & servers.one.last.headers.keys()


def test_another_spelling_of_a_credential_does_not_reach_an_upstream(rig: Rig, servers: Servers) -> None:
    send_to(rig, "open")
    headers = {"x_api_key": "k", "X_Api-Key": "k", "x-forwarded-client-cert": "By=me"}
    assert rig.chat(headers=headers).status_code == 200
    assert not {"x_api_key", "x_api-key", "x-forwarded-client-cert"} & servers.one.last.headers.keys()


def test_unless_the_pool_opts_in(rig: Rig, servers: Servers) -> None:
    send_to(rig, "open")
    rig.chat(headers=CREDENTIALS)
    assert CREDENTIALS.items() <= servers.one.last.headers.items()


def test_the_pools_credential_replaces_the_callers(rig: Rig, servers: Servers) -> None:
    send_to(rig, "keyed")
    rig.chat(headers=CREDENTIALS)
    assert servers.one.last.headers["authorization"] == "Bearer sk-keyed"
    rig.chat({"model": "keyed"})
    assert servers.one.last.headers["authorization"] == "Bearer sk-keyed"


@pytest.mark.parametrize("model", ["auto", "keyless"])
def test_a_pool_without_its_credential_answers_503_and_says_so(rig: Rig, servers: Servers, model: str) -> None:
    send_to(rig, "keyless")
    answer = rig.chat({"model": model})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["code"] == "credential_missing"
    assert "ai/keyless" in answer.json()["error"]["message"]
    assert not servers.one.seen


def test_headers_of_ours_reach_neither_upstream_nor_data_plane_from_outside(rig: Rig, servers: Servers) -> None:
    send_to(rig, "plain")
    rig.chat(headers={"x-forebay-cluster": "pool/ai/open", "X-Forebay-Hops": "|", "x-envoy-max-retries": "9"})
    asked = rig.processor.asked[0].headers
    assert not [name for name in asked if name.startswith("x-forebay-") or name == "x-envoy-max-retries"]
    assert not [name for name in servers.one.last.headers if name.startswith(("x-forebay-", "x-envoy-"))]


def test_an_upstream_cannot_speak_in_our_name(rig: Rig, servers: Servers) -> None:
    from aiohttp import web

    async def forging(_: web.Request, __: object) -> web.StreamResponse:
        return web.Response(headers={"x-forebay-rule": "forged", "x-forebay-pool": "forged"})

    servers.one.handler = forging
    send_to(rig, "plain")
    answer = rig.chat()
    assert answer.headers["x-forebay-pool"] == "ai/plain"
    assert "x-forebay-rule" not in answer.headers


def test_decisions_of_the_data_plane_explain_themselves(rig: Rig) -> None:
    send_to(rig, "plain", rule="r", strategy="s", reason="because")
    headers = rig.chat().headers
    shown = {
        name: headers[f"x-forebay-{name}"] for name in ("decision-id", "rule", "strategy", "pool", "model", "reason")
    }
    assert list(shown.values()) == ["d1", "r", "s", "ai/plain", "small", "because"]


@pytest.mark.parametrize(
    "name", ["named", pytest.param("v6", marks=pytest.mark.skipif(not IPV6, reason="this machine has no IPv6"))]
)
def test_names_and_ipv6_addresses_are_reached(rig: Rig, name: str) -> None:
    send_to(rig, name)
    assert rig.chat().status_code == 200


def test_a_bought_endpoint_is_reached_by_tls_under_its_own_name(rig: Rig, servers: Servers) -> None:
    SNI.clear()
    send_to(rig, "bought")
    answer = rig.chat(headers={"authorization": "Bearer mine", "x-forwarded-for": "10.1.2.3"})
    assert answer.status_code == 200
    seen = servers.bought.last.headers
    assert (seen["host"], seen["authorization"], SNI) == ("localhost", "Bearer sk-bought", ["localhost"])
    assert not [name for name in seen if name.startswith("x-forwarded")]


@pytest.mark.parametrize("name", ["misnamed", "untrusted"])
def test_a_certificate_that_does_not_hold_is_refused(rig: Rig, servers: Servers, name: str) -> None:
    send_to(rig, name)
    answer = rig.chat(headers={"host": "q.test"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "upstream_unavailable"
    assert not getattr(servers, name).seen


def test_errors_of_an_upstream_pass_unchanged(rig: Rig, servers: Servers) -> None:
    servers.one.handler = failing(404)
    send_to(rig, "plain")
    answer = rig.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "theirs")


def test_a_server_that_is_gone_is_an_error_object_with_the_decision(rig: Rig, servers: Servers) -> None:
    servers.one.stop()
    send_to(rig, "plain")
    answer = rig.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_unavailable")
    assert answer.headers["x-forebay-decision-id"] == "d1"
    assert answer.headers["x-forebay-pool"] == "ai/plain"


@pytest.mark.parametrize("stream", [True, False])
def test_a_silent_server_is_given_up(rig: Rig, servers: Servers, stream: bool) -> None:
    import asyncio
    import time

    from aiohttp import web

    async def silent(_: web.Request, __: object) -> web.StreamResponse:
        await asyncio.sleep(20)
        return web.Response()

    servers.one.handler = silent
    send_to(rig, "plain", **({"stream": "true"} if stream else {}))
    took = []
    for _ in range(3):
        began = time.monotonic()
        answer = rig.chat()
        took.append(time.monotonic() - began)
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    # A stream by the time that it may be idle, any other by the time that the whole may take.
    assert min(took) < 1.5 if stream else 1.5 < min(took) < 10


@pytest.mark.parametrize("how", ["503", "reset", "refused"])
def test_a_failed_attempt_is_tried_on_another_endpoint(rig: Rig, servers: Servers, how: str) -> None:
    first = servers.one
    if how == "refused":
        first.stop()
    else:
        first.handler = hanging_up if how == "reset" else failing(503)
    send_to(rig, "pair")
    assert [rig.chat().status_code for _ in range(12)] == [200] * 12
    assert len(servers.two.seen) == 12
    # Two failures in a row eject the endpoint; the last one standing is never ejected.
    ejected = r"cluster\.pool/ai/pair\.outlier_detection\.ejections_active$"
    wait_until(lambda: list(rig.stats(ejected).values()) == [1], "one endpoint is ejected")
    servers.two.handler = failing(500)
    assert rig.chat().status_code == 500
    _heal(rig)


def _heal(rig: Rig) -> None:
    """Ejection outlives a test: wait on nothing, start the pool's cluster anew by publishing it without and with it."""
    snapshot = rig.ads._snapshot
    kept = {url: dict(named) for url, named in snapshot.resources.items()}
    cluster_url = next(url for url in kept if url.endswith(".Cluster"))
    del kept[cluster_url]["pool/ai/pair"]
    gone = r"cluster\.pool/ai/pair\.membership_total$"
    rig.ads.publish(type(snapshot)(kept))
    wait_until(lambda: not rig.stats(gone), "the cluster is gone")
    rig.ads.publish(snapshot)
    wait_until(lambda: list(rig.stats(gone).values()) == [2], "the cluster is back")
