"""The door to the API server: bounded in time and size, and every fault an ApiError."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from forebay_operator.cluster import connection
from forebay_operator.cluster.connection import Api, ApiError, Login

KUBECONFIG = """
clusters: [{name: c, cluster: {server: SERVER}}]
users: [{name: u, user: {tokenFile: token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


class Server:
    """Answers with what `answer` makes, and remembers the tokens that it was shown."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.requests: list[Any] = []
        self.answer: Any = lambda request: web.json_response({})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.headers.get("authorization", ""))
        self.requests.append(request)
        found = self.answer(request)
        return found if isinstance(found, web.StreamResponse) else await found


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server, tmp_path: Path) -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    (tmp_path / "config").write_text(KUBECONFIG.replace("SERVER", f"http://127.0.0.1:{port}"))
    (tmp_path / "token").write_text("first\n")
    made = Api(Login(tmp_path / "config"))
    yield made
    await made.close()
    await runner.cleanup()


async def fault(api: Api) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await api.get("/x")
    return caught.value


async def test_what_the_server_refuses_is_told_in_its_own_words(api: Api, server: Server) -> None:
    told = {"reason": "Invalid", "message": "spec.x: no"}
    server.answer = lambda request: web.json_response(told, status=422)
    error = await fault(api)
    assert (error.status, error.reason, str(error)) == (422, "Invalid", "422 Invalid: spec.x: no")
    assert not error.overloaded


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_is_told_apart(api: Api, server: Server, status: int) -> None:
    server.answer = lambda request: web.Response(text="<html>", status=status)
    assert (await fault(api)).overloaded


async def test_a_token_that_was_replaced_on_disk_is_read_when_the_old_one_is_refused(
    api: Api, server: Server, tmp_path: Path
) -> None:
    await api.get("/x")
    (tmp_path / "token").write_text("second")
    server.answer = lambda request: web.json_response({}, status=401 if "first" in server.tokens[-1] else 200)
    await api.get("/x")
    assert server.tokens == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_token_that_is_refused_is_tried_twice_and_no_more(api: Api, server: Server) -> None:
    server.answer = lambda request: web.json_response({}, status=401)
    assert (await fault(api)).status == 401
    assert len(server.tokens) == 2


async def test_credentials_that_cannot_be_read_are_a_fault_of_that_call(api: Api, tmp_path: Path) -> None:
    (tmp_path / "token").unlink()
    error = await fault(api)
    assert error.status == 0
    assert "no credentials" in str(error)
    (tmp_path / "token").write_text("back")
    await api.get("/x")


async def test_a_server_that_does_not_answer_is_waited_for_only_so_long(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 0.2)

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1.0)
        return web.Response()

    server.answer = never
    error = await fault(api)
    assert (error.status, error.reason) == (0, "TimeoutError")


async def test_an_endless_answer_is_cut_off(api: Api, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 10_000)

    async def chunked(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(100):
            await answer.write(b"x" * 1000)
        return answer

    server.answer = chunked
    assert (await fault(api)).reason == "TooLarge"


async def test_an_answer_that_is_no_json_is_a_fault(api: Api, server: Server) -> None:
    server.answer = lambda request: web.Response(text="<html>")
    assert (await fault(api)).reason == "BadAnswer"


async def test_a_long_collection_is_read_page_by_page(api: Api, server: Server) -> None:
    def page(request: web.Request) -> web.Response:
        second = request.query.get("continue") == "more"
        item = {"metadata": {"namespace": "ai", "name": "b" if second else "a", "uid": "1"}}
        return web.json_response({"items": [item], "metadata": {} if second else {"continue": "more"}})

    server.answer = page
    found = [name async for _, name, _ in api.names("/pools", {"labelSelector": "x"})]
    assert found == ["a", "b"]
    assert all(request.query["labelSelector"] == "x" for request in server.requests)


@pytest.mark.parametrize(
    ("text", "why"),
    [("clusters: [", "no usable kubeconfig"), ("{}", "KeyError"), (KUBECONFIG.replace("tokenFile: token", "exec: {}"), "exec is not")],
    ids=["no YAML", "empty", "a program"],
)  # fmt: skip
async def test_a_kubeconfig_that_cannot_be_used_is_told(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "config").write_text(text)
    api = Api(Login(tmp_path / "config"))
    assert why in str(await fault(api))
