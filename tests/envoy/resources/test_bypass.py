"""The data plane dead or slow: failOpen policies answer from one pool with the right model, the others with errors."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, native, policy, pool
from ..harness import Forward, Rig, Upstream, running_rig, wait_until

pytestmark = pytest.mark.envoy

OPEN = {"host": "open.test"}
MODEL = 'sm"all\\x'


@pytest.fixture(scope="module")
def started() -> Iterator[Rig]:
    with running_rig() as rig:
        small, other = rig.upstream(), rig.upstream()
        attach = {"hostnames": ["open.test"]}
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {
                "ai/team": policy(
                    "lesser",
                    attach={**attach, "pathPrefix": "/team"},
                    failOpen={"pool": "lesser", "model": "small"},
                ),
                "ai/closed": policy("small", "other"),
                "ai/open": policy(
                    "small", "other", attach=attach, maxRequestBytes="2Mi", failOpen={"pool": "small", "model": "small"}
                ),
            },
            {
                "ai/small": pool(small.port, models=({"name": "small", "upstreamName": MODEL},)),
                "ai/lesser": pool(small.port, models=({"name": "small", "endpoints": ["ChatCompletions"]},)),
                "ai/other": pool(other.port),
            },
            native={"ai/open": (native("other", "ai/other"),)},
            secrets={"ai/small": "sk-small"},
        )
        rig.start(assemble(made))
        yield rig


@pytest.fixture
def dead(started: Rig) -> Rig:
    started.reset()
    started.processor.stop()
    return started


@pytest.fixture
def alive(started: Rig) -> Rig:
    started.reset()
    if started.processor._server is None:
        started.processor.start()
    wait_until(lambda: list(started.stats(r"cluster\.data-plane\.membership_healthy$").values()) == [1], "healthy")
    wait_until(lambda: not any(started.stats(r"cluster\.data-plane\..*ejections_active$").values()), "not ejected")
    return started


@pytest.fixture
def small(started: Rig) -> Upstream:
    return started.upstreams[0]


def test_without_fail_open_a_dead_data_plane_is_503(dead: Rig, small: Upstream) -> None:
    began = time.monotonic()
    answer = dead.chat()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "decision_unavailable")
    assert answer.headers["content-type"] == "application/json"
    assert time.monotonic() - began < 2, "nobody waits for a decision that cannot come"
    assert not small.seen


def test_with_fail_open_its_pool_answers_with_its_model(dead: Rig, small: Upstream) -> None:
    answer = dead.chat({"model": "auto", "x": {"model": "nested"}}, headers=OPEN)
    assert answer.status_code == 200
    assert small.last.json == {"model": MODEL, "x": {"model": "nested"}}
    assert small.last.headers["authorization"] == "Bearer sk-small"
    assert int(small.last.headers["content-length"]) == len(small.last.body)


def test_the_bypass_says_so(dead: Rig) -> None:
    headers = dead.chat(headers=OPEN).headers
    shown = {name: headers[f"x-forebay-{name}"] for name in ("decision", "pool", "model")}
    assert shown == {"decision": "bypassed", "pool": "ai/small", "model": "small"}
    assert headers["x-forebay-decision-id"]
    assert "x-forebay-rule" not in headers


def test_a_callers_routing_header_is_gone_with_the_data_plane_dead(dead: Rig, small: Upstream) -> None:
    answer = dead.chat(headers={"x-forebay-cluster": "pool/ai/other", "cookie": "a=b", **OPEN})
    assert answer.headers["x-forebay-pool"] == "ai/small"
    assert not [name for name in small.last.headers if name.startswith("x-forebay") or name == "cookie"]
    assert dead.chat(headers={"x-forebay-cluster": "pool/ai/other"}).status_code == 503
    assert not dead.upstreams[1].seen


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/metrics"),
        ("POST", "/v1/load_lora_adapter"),
        ("GET", "/v1/models"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/chat/completions/../../metrics"),
        ("POST", "/v1/embeddings"),
    ],
)
def test_only_posts_to_the_models_endpoints_are_bypassed(dead: Rig, small: Upstream, method: str, path: str) -> None:
    answer = dead.client.request(method, f"/team{path}", headers=OPEN, json={"model": "auto"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "decision_unavailable")
    assert not small.seen
    posted = dead.client.post("/team/v1/chat/completions", headers=OPEN, json={"model": "auto"})
    assert (posted.status_code, small.last.path) == (200, "/v1/chat/completions")


def test_what_is_never_bypassed_is_asked_about_all_the_same(alive: Rig, small: Upstream) -> None:
    alive.processor.decide = lambda _: Forward(cluster="pool/ai/lesser")
    assert alive.client.get("/team/v1/models", headers=OPEN).status_code == 200
    assert small.last.path == "/v1/models"


def test_explicit_models_need_no_data_plane(dead: Rig) -> None:
    answer = dead.chat({"model": "other"}, headers=OPEN)
    assert (answer.status_code, answer.headers["x-forebay-pool"]) == (200, "ai/other")
    assert answer.headers["x-forebay-decision"] == "Envoy"


def rewritten(rig: Rig, body: bytes, **options: object) -> bytes:
    rig.upstreams[0].reset()
    assert rig.chat(body, headers=OPEN, **options).status_code == 200
    return rig.upstreams[0].last.body


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (b'{"model":"a"}', b'{"model":%s}'),
        (b' \n{ "model"\t: "a\\"b" , "n":1}\n', b' \n{ "model"\t: %s , "n":1}\n'),
        (b'{"a":["model",{"model":"x"}],"model":"a"}', b'{"a":["model",{"model":"x"}],"model":%s}'),
        (b'{"a":"\\"model\\":\\"x\\"","model":"a"}', b'{"a":"\\"model\\":\\"x\\"","model":%s}'),
        (b'{"\\u006dod\\u0065l":"a"}', b'{"\\u006dod\\u0065l":%s}'),
        (b'{"model":"a","model":"b"}', b'{"model":%s,"model":%s}'),
        (b'{"model":"x\\\\","model2":"y"}', b'{"model":%s,"model2":"y"}'),
        (b'{"modell":"a"}', b'{"model":%s,"modell":"a"}'),
        (b"{ }", b'{"model":%s }'),
        (b'{"x":"model"}', b'{"model":%s,"x":"model"}'),
        (b'{"model":5}', b'{"model":5}'),
        (b"[1]", b"[1]"),
        (b'{"model":"a', b'{"model":"a'),
        (b"not json", b"not json"),
    ],
)
def test_only_the_top_level_model_is_written(dead: Rig, sent: bytes, arrives: bytes) -> None:
    body = rewritten(dead, sent)
    assert body.count(b"\\u0022") == arrives.count(b"%s")
    quoted = b'"sm\\u0022all\\u005cx"'
    assert body == arrives.replace(b"%s", quoted)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("model"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("model"), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(st.text(max_size=6), json_values, max_size=4),
    model=st.text(max_size=8),
    ascii_only=st.booleans(),
)
def test_the_rewrite_changes_the_model_and_nothing_else(
    dead: Rig, body: dict[str, object], model: str, ascii_only: bool
) -> None:
    body["model"] = model
    sent = json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert json.loads(rewritten(dead, sent)) == body | {"model": MODEL}


@pytest.mark.parametrize(
    "filler",
    [
        b'"' + b"y" * 200_000 + b'"',
        b'"' + b'\\"' * 100_000 + b'"',
        b"[" * 100_000 + b"]" * 100_000,
        b"[" + b"{}," * 70_000 + b"1]",
    ],
    ids=["long string", "escapes", "brackets", "objects"],
)
def test_large_bodies_are_rewritten_in_linear_time(dead: Rig, filler: bytes) -> None:
    began = time.monotonic()
    body = rewritten(dead, b'{"x":' + filler + b',"model":"auto"}')
    assert body.startswith(b'{"x":' + filler + b',"model":"sm')
    assert time.monotonic() - began < 10, "minutes, were it quadratic"


def test_a_gzip_body_is_rewritten_inflated(dead: Rig, small: Upstream) -> None:
    headers = {**OPEN, "content-encoding": "gzip"}
    assert dead.chat(gzip.compress(b'{"model":"auto"}'), headers=headers).status_code == 200
    assert small.last.json == {"model": MODEL}


def test_a_body_over_the_limit_stays_413(dead: Rig, small: Upstream) -> None:
    for size in ((2 << 20) + 1, 9 << 20):
        answer = dead.chat(b" " * size, headers=OPEN)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
    assert not small.seen


def test_the_data_plane_is_asked_again_once_it_is_back(alive: Rig, small: Upstream) -> None:
    alive.processor.decide = lambda _: Forward(cluster="pool/ai/other")
    answer = alive.chat(headers=OPEN)
    assert answer.status_code == 200
    assert "x-forebay-decision" not in answer.headers
    assert not small.seen
    assert len(alive.upstreams[1].seen) == 1


def test_a_slow_data_plane_is_504_or_the_bypass_after_two_seconds(alive: Rig, small: Upstream) -> None:
    alive.processor.delay = 10
    for headers, status in (({}, 504), (OPEN, 200)):
        began = time.monotonic()
        answer = alive.chat(headers=headers)
        assert answer.status_code == status
        assert 1.9 < time.monotonic() - began < 9
    assert answer.headers["x-forebay-decision"] == "bypassed"
    assert small.last.json["model"] == MODEL
