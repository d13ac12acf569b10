"""What a server shows of the requests it received."""

from __future__ import annotations

import json

CHAT = "/v1/chat/completions"


async def test_the_last_request_is_shown_with_headers_and_body(start_sim, http, chat_body):
    server = await start_sim()
    await http.post(server.url + CHAT, json=chat_body, headers=[("x-a", "1"), ("X-A", "2")])
    shown = (await http.get(f"{server.url}/sim/last")).json()
    (request,) = shown["requests"]
    assert (shown["server"], shown["total"]) == ("small-1", 1)
    assert (request["method"], request["path"]) == ("POST", CHAT)
    assert json.loads(request["body"]) == chat_body
    assert request["headers"]["x-a"] == "1, 2"
    assert request["headers"]["content-type"] == "application/json"


async def test_only_the_last_twenty_are_kept_newest_first(start_sim, http, chat_body):
    server = await start_sim()
    for number in range(25):
        await http.post(server.url + CHAT, json={**chat_body, "seed": number})
    shown = (await http.get(f"{server.url}/sim/last", params={"n": 20})).json()
    assert shown["total"] == 25
    assert [json.loads(request["body"])["seed"] for request in shown["requests"]] == list(range(24, 4, -1))
    assert (await http.get(f"{server.url}/sim/last", params={"n": 21})).status_code == 400


async def test_a_long_body_is_cut_at_64_kib(start_sim, http, chat_body):
    server = await start_sim()
    await http.post(server.url + CHAT, json={**chat_body, "user": "x" * 100_000})
    request = server.last()[0]
    assert request.body_truncated
    assert len(request.body) == 65_536 < request.body_bytes


async def test_refused_requests_are_shown_and_scrapes_are_not(start_sim, http):
    server = await start_sim(require_key="sesame")
    await http.post(server.url + CHAT, content=b"{")
    await http.get(f"{server.url}/metrics")
    assert [(request.method, request.body) for request in server.last(20)] == [("POST", "{")]
