"""Fallback over pools: each hop has its own model name, and only the pools that a decision allows are asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
from aiohttp import web

from forebay_operator.envoy.assemble import assemble

from ..builders import inputs, policy, pool
from ..harness import Forward, Rig, Seen, failing, hanging_up, running_rig

pytestmark = pytest.mark.envoy

BODY = b'{"model": "auto", "n": 1}'
CHAIN = "chain/ai/p/main/ai/one"
HOPS = "|ai/one=m1@|ai/two=m2@10:6:%22second%22|ai/three=m3@0:0:%20,10:6:%22third%22,16:8:%2C%22n%22%3A2|"


@pytest.fixture(scope="module")
def started() -> Iterator[Rig]:
    with running_rig() as rig:
        one, two, three, missing = (rig.upstream() for _ in range(4))
        once = {"resilience": {"retries": 0, "requestTimeout": "5s"}}
        made = inputs(
            rig.port,
            (rig.processor.address,),
            {
                "ai/p": policy("one", fallback=("two", "three")),
                "ai/q": policy("missing", fallback=("two",), attach={"hostnames": ["q.test"]}),
            },
            {
                "ai/one": pool(one.port, **once),
                "ai/two": pool(two.port, **once),
                "ai/three": pool(three.port, forwardClientCredentials=True, **once),
                "ai/missing": pool(missing.port),
            },
            secrets={"ai/two": "sk-two"},
            missing_secrets=frozenset({"ai/missing"}),
        )
        rig.start(assemble(made))
        yield rig


@pytest.fixture
def rig(started: Rig) -> Rig:
    started.reset()
    for upstream in started.upstreams:
        upstream.start() if upstream._runner is None else None
    allow(started, HOPS)
    return started


def allow(rig: Rig, hops: str, cluster: str = CHAIN) -> None:
    told = {"decision-id": "d1", "pool": "ai/one", "model": "m1", "rule": "r"}
    rig.processor.decide = lambda _: Forward(cluster=cluster, hops=hops, metadata=told)


def counts(rig: Rig) -> list[int]:
    return [len(upstream.seen) for upstream in rig.upstreams[:3]]


def served(answer: httpx.Response) -> tuple[str, str]:
    return answer.headers["x-forebay-pool"], answer.headers["x-forebay-model"]


def test_the_first_pool_answers_when_it_can(rig: Rig) -> None:
    answer = rig.chat(BODY)
    assert (answer.status_code, counts(rig), served(answer)) == (200, [1, 0, 0], ("ai/one", "m1"))
    assert rig.upstreams[0].last.body == BODY


@pytest.mark.parametrize("how", ["503", "500", "429", "reset", "refused"])
def test_a_pool_that_fails_is_followed_by_the_next_with_its_own_edits(rig: Rig, how: str) -> None:
    first = rig.upstreams[0]
    if how == "refused":
        first.stop()
    else:
        first.handler = hanging_up if how == "reset" else failing(int(how))
    answer = rig.chat(BODY)
    assert (answer.status_code, served(answer)) == (200, ("ai/two", "m2"))
    assert rig.upstreams[1].last.body == b'{"model": "second", "n": 1}'
    assert answer.headers["x-forebay-rule"] == "r"
    assert answer.headers["x-forebay-decision-id"] == "d1"


def test_an_answer_that_blames_the_request_is_no_failure(rig: Rig) -> None:
    rig.upstreams[0].handler = failing(400)
    assert rig.chat(BODY).status_code == 400
    assert counts(rig) == [1, 0, 0]


def test_several_edits_apply_in_order(rig: Rig) -> None:
    rig.upstreams[0].handler = rig.upstreams[1].handler = failing(503)
    assert rig.chat(BODY).status_code == 200
    assert rig.upstreams[2].last.body == b' {"model": "third","n":2}'


def test_a_pool_that_is_not_named_is_never_asked(rig: Rig) -> None:
    allow(rig, "|ai/one=m1@|ai/three=m3@|")
    rig.upstreams[0].handler = failing(503)
    for _ in range(20):
        assert served(rig.chat(BODY)) == ("ai/three", "m3")
    assert counts(rig) == [20, 0, 20]


def test_when_nobody_allowed_can_the_answer_is_an_error_object(rig: Rig) -> None:
    allow(rig, "|ai/one=m1@|")
    rig.upstreams[0].handler = failing(503)
    answer = rig.chat(BODY)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "no_pool_available"
    assert answer.headers["content-type"] == "application/json"
    assert counts(rig) == [1, 0, 0]


@pytest.mark.parametrize(
    "hops", ["", "|", "|ai/on=m@|", "|ai/one.b=m@|", "ai/one=m1@", "|ai/one=m1|", "|ai/one=m1@0:999:x|"]
)
def test_without_a_fitting_hop_nobody_is_asked(rig: Rig, hops: str) -> None:
    allow(rig, hops)
    assert rig.chat(BODY).status_code == 503
    assert counts(rig) == [0, 0, 0]


def test_a_model_name_may_hold_separators(rig: Rig) -> None:
    allow(rig, "|ai/one=@cf/meta=llama%41@|")
    assert served(rig.chat(BODY)) == ("ai/one", "@cf/meta=llama%41")


def test_each_hop_has_its_own_credential_and_none_sees_our_headers(rig: Rig) -> None:
    rig.upstreams[0].handler = rig.upstreams[1].handler = failing(503)
    rig.chat(BODY, headers={"authorization": "Bearer mine", "cookie": "a=b"})
    one, two, three = (upstream.last.headers for upstream in rig.upstreams[:3])
    assert "authorization" not in one
    assert two["authorization"] == "Bearer sk-two"
    assert three["authorization"] == "Bearer mine"
    assert "cookie" not in one | two
    assert not [h for h in one | two | three if h.startswith(("x-forebay-", "x-envoy-"))]


def test_a_pool_whose_credential_is_missing_is_passed_over(rig: Rig) -> None:
    allow(rig, "|ai/missing=m@|ai/two=m2@|", "chain/ai/q/main/ai/missing")
    answer = rig.chat(BODY, headers={"host": "q.test"})
    assert (answer.status_code, served(answer)) == (200, ("ai/two", "m2"))
    assert not rig.upstreams[3].seen


def test_a_stream_that_breaks_after_its_first_byte_is_not_tried_again(rig: Rig) -> None:
    first = threading.Event()

    async def breaking(request: web.Request, _: Seen) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await asyncio.to_thread(first.wait, 60)  # a reset takes along what was not read before it
        assert request.transport is not None
        request.transport.abort()
        return response

    rig.upstreams[0].handler = breaking
    with rig.client.stream("POST", "/v1/chat/completions", content=BODY) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_bytes()
        assert next(pieces) == b"data: 1\n\n"
        first.set()
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    assert counts(rig) == [1, 0, 0]


def test_a_large_body_is_edited_whole(rig: Rig) -> None:
    rig.upstreams[0].handler = failing(503)
    tail = b', "x": "' + b"y" * (4 << 20) + b'"}'
    assert rig.chat(b'{"model": "auto"' + tail).status_code == 200
    assert rig.upstreams[1].last.body == b'{"model": "second"' + tail
