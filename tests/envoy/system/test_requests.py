"""What clients get, through the whole product: bad input, foreign headers, and clients nobody here wrote."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import time
from typing import Any

import openai
import pytest
from stack import Stack, pool

pytestmark = pytest.mark.envoy

POLICY = """apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: door}
spec:
  models: [auto]
  maxRequestBytes: 1Mi
  signals:
  - {name: word, keyword: {any: [magic]}}
  - {name: mail, regex: {pattern: '[a-z]+@[a-z]+', scope: Conversation}}
  strategies:
  - {name: cheap, direct: {pools: [{name: small}]}}
  - {name: dear, reasoning: High, direct: {pools: [{name: big}], fallback: [{name: small}]}}
  rules:
  - {name: no, when: 'request.text.contains("forbidden")', reject: {status: 403, message: Not here.}}
  - {name: hello, when: 'request.text == "ping"', respond: {message: pong}}
  - {name: stay, when: signals.mail.matched, constrain: {boundary: Private}}
  - {name: spell, when: signals.word.matched, use: dear}
  default: {use: cheap}
---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: jobs}
spec:
  attach: {pathPrefix: /jobs}
  maxRequestBytes: 1Mi
  strategies:
  - {name: bulk, direct: {pools: [{name: small}, {name: big}], select: {algorithm: RoundRobin}}}
  default: {use: bulk}
"""
BIG = """capabilities: [Tools, JSONSchema, Vision, Reasoning]
    reasoning: {parameter: ReasoningEffort, levels: {High: high}}"""


@pytest.fixture(scope="module")
def door(stack: Stack) -> Stack:
    small = stack.serve("small", "org/small-7b", tokens=8)
    big = stack.serve("big", "big", tokens=8)
    pools = pool("small", "small", small.port, upstream="org/small-7b", extra="capabilities: [Tools, JSONSchema]")
    stack.write("pools.yaml", pools + pool("big", "big", big.port, boundary="Public", extra=BIG))
    stack.write("policy.yaml", POLICY)
    stack.up(workers=2)
    return stack


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


CHAT = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
DEEP = b'{"model":"auto","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD: dict[str, tuple[bytes, int, str | None]] = {
    "invalid JSON": (b'{"model": auto}', 400, None),
    "truncated JSON": (b'{"model":"auto","messages":[{"role":"user","con', 400, None),
    "empty body": (b"", 400, None),
    "a list": (b"[1,2]", 400, None),
    "invalid UTF-8": (b'{"model":"auto","messages":[{"role":"user","content":"\xff\xfe"}]}', 400, None),
    "100,000 nested brackets": (DEEP, 400, None),
    "duplicate keys": (b'{"model":"big","model":"auto","messages":[{"role":"user","content":"x"}]}', 400, "model"),
    "a huge number": (b'{"model":"auto","messages":[{"role":"user","content":"x"}],"max_tokens":1e400}', 400, "max_tokens"),
    "a huge integer": (b'{"model":"auto","max_tokens":%d,"messages":[{"role":"user","content":"x"}]}' % 10**60, 400, "max_tokens"),
    "a wrong type": (b'{"model":"auto","messages":[{"role":"user","content":5}]}', 400, "messages[0].content"),
    "no model": (b'{"messages":[{"role":"user","content":"x"}]}', 400, "model"),
    "a model that is no text": (b'{"model":7,"messages":[]}', 400, "model"),
    "no messages": (b'{"model":"auto"}', 400, "messages"),
    "an unknown model": (b'{"model":"gpt-99","messages":[{"role":"user","content":"x"}]}', 404, "model"),
    "over the limit": (json.dumps({**CHAT, "pad": "x" * (2 << 20)}).encode(), 413, None),
}  # fmt: skip


def error_of(response: Any) -> dict[str, Any]:
    assert response.headers["content-type"].startswith("application/json"), response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    return dict(error)


@pytest.mark.parametrize("prefix", ["", "/jobs"])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_an_error_object_and_the_next_request_works(door: Stack, case: str, prefix: str) -> None:
    body, status, param = BAD[case]
    response = door.post(body, f"{prefix}/v1/chat/completions")
    assert response.status_code == status, response.text
    error = error_of(response)
    if param is not None:
        assert error["param"] == param
    assert door.chat(path=f"{prefix}/v1/chat/completions").status_code == 200


@pytest.mark.parametrize("prefix", ["", "/jobs"])
def test_a_gzip_bomb_is_refused_quickly(door: Stack, prefix: str) -> None:
    bomb = gz(b'{"model":"auto","pad":"' + b"0" * (64 << 20) + b'"}')
    started = time.monotonic()
    response = door.post(bomb, f"{prefix}/v1/chat/completions", headers={"content-encoding": "gzip"})
    assert response.status_code in (400, 413), response.text
    error_of(response)
    assert time.monotonic() - started < 10
    assert door.chat(path=f"{prefix}/v1/chat/completions").status_code == 200


def test_a_gzipped_body_is_read(door: Stack) -> None:
    response = door.post(gz(json.dumps(CHAT).encode()), headers={"content-encoding": "gzip"})
    assert response.status_code == 200
    assert response.headers["x-forebay-pool"] == "default/small"


LYING: dict[str, tuple[bytes, dict[str, str], str]] = {
    "gzip that is none": (json.dumps(CHAT).encode(), {"content-encoding": "gzip"}, "leave that header out"),
    "gzip that was cut short": (gz(json.dumps(CHAT | {"pad": "x" * 500}).encode())[:60], {"content-encoding": "gzip"}, "send it whole"),
    "nothing at all": (b"", {"content-encoding": "gzip"}, "send a JSON object"),
    "identity that is gzip": (gz(json.dumps(CHAT).encode()), {"content-encoding": "identity"}, "send 'content-encoding: gzip'"),
    "no word of gzip": (gz(json.dumps(CHAT).encode()), {}, "send 'content-encoding: gzip'"),
}  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "/jobs"])
@pytest.mark.parametrize("case", LYING)
def test_a_body_that_is_not_coded_as_its_header_says_is_answered_with_the_header_and_the_fix(
    door: Stack, case: str, prefix: str
) -> None:
    body, headers, fix = LYING[case]
    response = door.post(body, f"{prefix}/v1/chat/completions", headers=headers)
    assert response.status_code == 400, response.text
    message = error_of(response)["message"]
    assert fix in message
    assert not body or "content-encoding" in message


def test_multipart_is_415_and_says_what_to_send(door: Stack) -> None:
    response = door.client.post("/v1/chat/completions", files={"file": b"x"})
    assert response.status_code == 415
    assert "application/json" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/v1/models/nobody", 404),
        ("HEAD", "/v1/models", 200),
        ("HEAD", "/v1/nothing", 404),
        ("OPTIONS", "/v1/chat/completions", 204),
        ("HEAD", "/jobs/v1/models", 200),
    ],
)
def test_paths_and_methods_have_their_status(door: Stack, method: str, path: str, status: int) -> None:
    response = door.client.request(method, path)
    assert response.status_code == status
    if status >= 400 and method != "HEAD":
        error_of(response)
    if method == "HEAD":
        assert response.content == b""


def test_a_rule_decides_and_the_answer_says_which(door: Stack) -> None:
    response = door.chat("do magic")
    assert response.status_code == 200
    shown = {key: response.headers[f"x-forebay-{key}"] for key in ("rule", "strategy", "pool", "model")}
    assert shown == {"rule": "spell", "strategy": "dear", "pool": "default/big", "model": "big"}
    assert response.headers["x-forebay-decision-id"]
    assert "spell" in response.headers["x-forebay-reason"]


def test_the_upstream_gets_its_own_model_name_and_reasoning_and_every_other_byte(door: Stack) -> None:
    body = b'{ "messages":[{"role":"user","content":"magic \\u00e9","model":"x"}], "model" : "auto","seed":1.50, "x":{"model":"y"} }'
    assert door.post(body).status_code == 200
    seen = door.sims["big"].last(1)[0]
    sent = seen.body.encode() if isinstance(seen.body, str) else seen.body
    assert sent == body.replace(b'"model" : "auto"', b'"model" : "big"').replace(
        b"} }", b'},"reasoning_effort":"high" }'
    ) or json.loads(sent) == {**json.loads(body), "model": "big", "reasoning_effort": "high"}
    assert b'"content":"magic \\u00e9","model":"x"' in sent
    assert b'"seed":1.50, "x":{"model":"y"}' in sent


def test_a_private_text_stays_inside_and_an_explicit_public_model_is_refused(door: Stack) -> None:
    response = door.chat("magic for me@home")
    assert response.headers["x-forebay-pool"] == "default/small"
    refused = door.chat("mail me@home", model="big")
    assert refused.status_code == 403
    error_of(refused)


def test_reject_and_respond_need_no_model(door: Stack) -> None:
    before = {name: sim.requests_total for name, sim in door.sims.items()}
    refused = door.chat("forbidden")
    assert (refused.status_code, error_of(refused)["message"]) == (403, "Not here.")
    assert refused.headers["x-forebay-rule"] == "no"
    assert door.chat("ping").json()["choices"][0]["message"]["content"] == "pong"
    assert {name: sim.requests_total for name, sim in door.sims.items()} == before


def test_an_explicit_model_is_decided_by_envoy_alone(door: Stack) -> None:
    response = door.chat("magic", model="big", path="/jobs/v1/chat/completions")
    assert response.status_code == 200
    assert response.headers["x-forebay-pool"] == "default/big"
    assert response.headers["x-forebay-rule"] == "explicit-model"
    seen = door.sims["big"].last(1)[0]
    assert seen.path == "/v1/chat/completions"


def test_clients_cannot_choose_the_pool_and_nothing_of_ours_reaches_an_upstream(door: Stack) -> None:
    forged = {
        "x-forebay-cluster": "pool/default/big",
        "x-forebay-hops": "|default/big=big@|",
        "x-forebay-decision-id": "forged",
    }
    response = door.chat("hello", headers=forged)
    assert response.headers["x-forebay-pool"] == "default/small"
    assert response.headers["x-forebay-decision-id"] != "forged"
    for text in ("hello", "magic"):
        door.chat(text, headers=forged)
    for server in door.sims.values():
        for seen in server.last(20):
            assert not [name for name, _ in dict(seen.headers).items() if name.lower().startswith("x-forebay-")]


def test_client_credentials_and_cookies_do_not_reach_an_upstream(door: Stack) -> None:
    secret = {"authorization": "Bearer mine", "cookie": "session=1", "x-api-key": "k", "api-key": "k"}
    for path, model, text in (("", "auto", "hello"), ("", "auto", "magic"), ("/jobs", "big", "x")):
        assert door.chat(text, model=model, path=f"{path}/v1/chat/completions", headers=secret).status_code == 200
    for server in door.sims.values():
        for seen in server.last(20):
            assert not {name.lower() for name in dict(seen.headers)} & set(secret)


def test_the_openai_client_works_plain_and_streamed(door: Stack) -> None:
    client = door.openai()
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=[{"role": "user", "content": "hi"}])
    assert raw.headers["x-forebay-pool"] == "default/small"
    assert raw.parse().choices[0].message.content
    chunks = list(
        client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "magic"}], stream=True)
    )
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_the_openai_client_works_with_responses_embeddings_completions_and_models(door: Stack) -> None:
    client = door.openai()
    assert client.responses.create(model="auto", input="hello").output_text
    events = [event.type for event in client.responses.create(model="auto", input="hello", stream=True)]
    assert events[-1] == "response.completed"
    assert client.embeddings.create(model="auto", input=["a", "b"]).data[1].embedding
    assert client.completions.create(model="auto", prompt="once upon").choices[0].text
    assert {model.id for model in client.models.list()} == {"auto", "small", "big"}
    assert client.models.retrieve("big").id == "big"


def test_the_openai_client_sees_typed_errors(door: Stack) -> None:
    client = door.openai()
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "x"}])
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "forbidden"}])


def test_the_respond_rule_streams_too(door: Stack) -> None:
    stream = door.openai().chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "ping"}], stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "pong"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_works(door: Stack) -> None:
    url = f"{door.running.plan.addresses.listeners[0]}/v1/chat/completions"
    done = subprocess.run(
        ["curl", "-sS", "-i", "-H", "Expect: 100-continue", "--json", json.dumps(CHAT), url],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "x-forebay-pool: default/small" in done.stdout
    assert '"choices"' in done.stdout


def test_metrics_count_decisions_without_prompts(door: Stack) -> None:
    door.chat("a very particular prompt")
    pages = [door.client.get(f"http://127.0.0.1:{port}/metrics").text for port in door.running.plan.addresses.metrics]
    assert any("forebay_decisions_total" in page for page in pages)
    assert not any("particular" in page for page in pages)
    logs = "".join(path.read_text(errors="replace") for path in door.running.plan.logs.iterdir())
    assert "particular" not in logs
