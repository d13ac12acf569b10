"""Bad input gets an OpenAI-style error object that names the field, and the next request works."""

from __future__ import annotations

import asyncio
import gzip
import json

import openai
import pytest

SAY = [{"role": "user", "content": "Say something."}]
CHAT = "/v1/chat/completions"


async def test_an_unknown_model_is_not_found(start_sim, connect):
    client = connect(await start_sim())
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="gpt-9", messages=SAY)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert "gpt-9" in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"model": "qwen3-8b"',
        b"[]",
        b"null",
        b'"text"',
        b'{"model": "\xff"}',
        b"[" * 100_000,
        b'{"model": ' * 100_000,
        b'{"n": 1e999}',
        b'{"n": NaN}',
        b'{"model": "\\ud800"}',
    ],
)
async def test_what_is_no_json_object_gets_400_and_the_connection_lives_on(start_sim, http, chat_body, body):
    server = await start_sim()
    answer = await http.post(server.url + CHAT, content=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert set(error) == {"message", "type", "param", "code"}
    assert (await http.post(server.url + CHAT, json=chat_body)).status_code == 200


@pytest.mark.parametrize(
    ("path", "change", "param"),
    [
        (CHAT, {"model": 7}, "model"),
        (CHAT, {"model": None}, "model"),
        (CHAT, {"messages": "hello"}, "messages"),
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": [{"content": "no role"}]}, "role"),
        (CHAT, {"max_tokens": 0}, "max_tokens"),
        (CHAT, {"n": 1000}, "n"),
        (CHAT, {"stream": "yes"}, "stream"),
        (CHAT, {"tool_choice": "required"}, "tools"),
        (CHAT, {"tool_choice": {"type": "function", "function": {"name": "nope"}}}, "tool_choice"),
        (CHAT, {"response_format": {"type": "yaml"}}, "response_format.type"),
        (
            CHAT,
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"pattern": "a+"}}}},
            "response_format",
        ),
        ("/v1/completions", {"prompt": []}, "prompt"),
        ("/v1/completions", {"prompt": [{}]}, "prompt"),
        ("/v1/responses", {"input": 3}, "input"),
        ("/v1/embeddings", {"input": []}, "input"),
        ("/v1/embeddings", {"input": "x", "encoding_format": "hex"}, "encoding_format"),
        ("/v1/embeddings", {"input": "x", "dimensions": 0}, "dimensions"),
    ],
)
async def test_a_wrong_field_is_named(start_sim, http, chat_body, path, change, param):
    server = await start_sim()
    answer = await http.post(server.url + path, json={**chat_body, **change})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


async def test_a_missing_field_is_named(start_sim, http):
    server = await start_sim()
    answer = await http.post(server.url + CHAT, json={"model": "qwen3-8b"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages")


async def test_numbers_and_depths_at_the_edge_never_break_the_server(start_sim, http, chat_body):
    server = await start_sim()
    whole = json.dumps(chat_body)[:-1]
    for extra in ("9" * 400, "9" * 5000, '{"a":' * 500 + "1" + "}" * 500, '{"a":' * 960 + "1" + "}" * 960):
        for path in (CHAT, "/v1/responses"):
            body = f'{whole}, "input": "x", "temperature": {extra}}}'
            assert (await http.post(server.url + path, content=body)).status_code in (200, 400)


async def test_a_prompt_beyond_the_context_window_is_refused(start_sim, connect):
    client = connect(await start_sim(max_model_len=100))
    long = [{"role": "user", "content": "word " * 100}]
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="qwen3-8b", messages=long)
    assert caught.value.code == "context_length_exceeded"


async def test_a_body_over_the_limit_gets_413(start_sim, http, chat_body):
    server = await start_sim(max_body_bytes=1000)
    answer = await http.post(server.url + CHAT, json={**chat_body, "user": "x" * 2000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_a_gzip_bomb_gets_413(start_sim, http):
    server = await start_sim(max_body_bytes=100_000)
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await http.post(server.url + CHAT, content=bomb, headers={"content-encoding": "gzip"})
    assert answer.status_code == 413


async def test_a_200_kb_document_passes(start_sim, http, chat_body):
    server = await start_sim()
    body = {**chat_body, "messages": [{"role": "user", "content": "é" * 100_000}]}
    answer = await http.post(server.url + CHAT, json=body)
    assert answer.json()["usage"]["prompt_tokens"] == 50_000


async def test_unknown_paths_and_methods_get_error_objects(start_sim, http):
    server = await start_sim()
    unknown = await http.get(f"{server.url}/v1/nothing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_path")
    wrong = await http.get(server.url + CHAT)
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert (await http.head(f"{server.url}/health")).status_code == 200


async def test_a_required_key_guards_the_api_and_nothing_else(start_sim, http, chat_body):
    server = await start_sim(require_key="sesame")
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "sesame"}, {"authorization": "Bearer é"}):
        raw = {name: value.encode() for name, value in headers.items()}
        answer = await http.post(server.url + CHAT, json=chat_body, headers=raw)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert "sesame" not in answer.text
    answer = await http.post(server.url + CHAT, json=chat_body, headers={"authorization": "Bearer sesame"})
    assert answer.status_code == 200
    assert (await http.get(f"{server.url}/health")).status_code == 200
    assert (await http.get(f"{server.url}/metrics")).status_code == 200


async def test_a_client_that_asks_before_it_sends_a_body_is_told_to_go_on(start_sim, chat_body):
    server = await start_sim()
    body = json.dumps(chat_body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: sim\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode())
    assert await asyncio.wait_for(reader.readline(), 30.0) == b"HTTP/1.1 100 Continue\r\n"
    assert await reader.readline() == b"\r\n"
    writer.write(body)
    assert await asyncio.wait_for(reader.readline(), 30.0) == b"HTTP/1.1 200 OK\r\n"
    writer.close()
