"""Which policy a request meets: by host, then by path prefix, falling through to less specific hosts."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, policy, pool
from ..harness import Asked, Forward, Rig, running_rig

pytestmark = pytest.mark.envoy

ATTACHED = {
    "any": {"hostnames": ["*"]},
    "deep": {"hostnames": ["*"], "pathPrefix": "/deep/er"},
    "suffix": {"hostnames": ["*.example.com"], "pathPrefix": "/s"},
    "longer": {"hostnames": ["*.a.example.com"], "pathPrefix": "/s"},
    "exact": {"hostnames": ["api.example.com"], "pathPrefix": "/team"},
    "longest": {"hostnames": ["api.example.com"], "pathPrefix": "/team/b"},
}


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """Every policy can reach one pool of its own name only, so the pool that answers names the policy."""
    with running_rig() as rig:
        servers = {name: rig.upstream() for name in ATTACHED}
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {f"ai/{name}": policy(name, attach=attach) for name, attach in ATTACHED.items()},
            {f"ai/{name}": pool(server.port) for name, server in servers.items()},
        )
        rig.start(assemble(made))
        yield rig


def ask(rig: Rig, host: str, path: str) -> httpx.Response:
    """The data plane is told to try every pool; only the attachment's own has a route."""
    rig.reset()
    return rig.chat(path=path, headers={"host": host})


def reached(rig: Rig, host: str, path: str) -> str:
    """Name of the policy whose routes this host and path meet."""
    for index, name in enumerate(ATTACHED):
        rig.reset()
        rig.processor.decide = lambda _, name=name: Forward(cluster=f"pool/ai/{name}")  # type: ignore[misc]
        if rig.chat(path=path, headers={"host": host}).status_code == 200:
            assert rig.upstreams[index].seen
            return name
    return ""


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("other.test", "/v1/chat/completions", "any"),
        ("other.test", "/deep/er/v1/chat/completions", "deep"),
        ("other.test", "/deep/erotica/v1", "any"),
        ("x.example.com", "/s/v1/chat/completions", "suffix"),
        ("x.example.com", "/v1/chat/completions", "any"),
        ("x.a.example.com", "/s/v1", "longer"),
        ("x.a.example.com:8443", "/deep/er/v1", "deep"),
        ("example.com", "/s/v1", "any"),
        ("api.example.com", "/team/v1", "exact"),
        ("api.example.com:10080", "/team/b/v1", "longest"),
        ("api.example.com", "/s/v1", "suffix"),
        ("api.example.com", "/teams/v1", "any"),
        ("API.Example.Com", "/team", "exact"),
    ],
)
def test_a_request_meets_the_most_specific_policy(rig: Rig, host: str, path: str, name: str) -> None:
    assert reached(rig, host, path) == name


@pytest.mark.parametrize(
    ("host", "sent", "arrives"),
    [
        ("api.example.com", "/team/v1/models?a=b", "/v1/models?a=b"),
        ("api.example.com", "/team", "/"),
        ("api.example.com", "/team/", "/"),
        ("api.example.com", "/team/b/v1/models/a%2Fb", "/v1/models/a%2Fb"),
        ("other.test", "//v1///x", "/v1/x"),
    ],
)
def test_the_upstream_sees_the_path_without_the_prefix(rig: Rig, host: str, sent: str, arrives: str) -> None:
    rig.reset()
    name = "longest" if "/b/" in sent else "exact" if host.startswith("api") else "any"
    rig.processor.decide = lambda _: Forward(cluster=f"pool/ai/{name}")
    request = rig.client.build_request("GET", "/x", headers={"host": host})
    request.url = request.url.copy_with(raw_path=sent.encode())
    assert rig.client.send(request).status_code == 200
    assert next(u for u in rig.upstreams if u.seen).last.path == arrives


def test_data_plane_and_upstream_see_the_host_without_its_port(rig: Rig) -> None:
    rig.reset()
    asked: list[Asked] = []

    def decide(request: Asked) -> Forward:
        asked.append(request)
        return Forward(cluster="pool/ai/any")

    rig.processor.decide = decide
    assert rig.chat(headers={"host": "localhost:10080"}).json()["host"] == "localhost"
    assert asked[0].headers[":authority"] == "localhost"


def test_the_data_plane_sees_the_path_with_its_prefix(rig: Rig) -> None:
    ask(rig, "api.example.com", "/team/v1/chat/completions")
    assert rig.processor.asked[0].headers[":path"] == "/team/v1/chat/completions"


def test_a_pool_outside_the_policy_has_no_route(rig: Rig) -> None:
    rig.reset()
    rig.processor.decide = lambda _: Forward(cluster="pool/ai/exact")
    answer = rig.chat(headers={"host": "other.test"})
    assert answer.status_code == 503
    assert not any(u.seen for u in rig.upstreams)


def test_where_no_policy_is_attached_the_answer_is_404_without_asking() -> None:
    with running_rig() as rig:
        server = rig.upstream()
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {"ai/p": policy("small", attach={"hostnames": ["here.test"], "pathPrefix": "/x"})},
            {"ai/small": pool(server.port)},
        )
        rig.start(assemble(made))
        for host, path in (("here.test", "/y"), ("there.test", "/x")):
            answer = rig.chat(b"{" * (2 << 20), path=path, headers={"host": host})
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/json"
            assert answer.json()["error"]["code"] == "no_policy"
        assert rig.client.head("/x").status_code == 404
        assert rig.processor.streams == 0
