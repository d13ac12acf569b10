"""The fence before the API server: no write begins without the Lease, and none lasts longer than it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from forebay_operator.cluster.connection import REQUEST_SECONDS, Api, ApiError, Login
from forebay_operator.cluster.leading.fence import Fence, NotLeading

KUBECONFIG = """
clusters: [{name: c, cluster: {server: SERVER}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


class Scene:
    """An API server that answers once `gate` is set, and a Fence that allows `left` seconds."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[tuple[str, float]] = []
        self.left = REQUEST_SECONDS
        self.most: list[float] = []
        self.api: Api

    def seconds(self, most: float) -> float:
        self.most.append(most)
        return self.left

    @property
    def fence(self) -> Fence:
        return Fence(self.api, self.seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        told = request.query.get("timeout", "")
        self.asked.append((request.method, float(told.removesuffix("ms") or 0) / 1000))
        await self.gate.wait()
        return web.json_response({"metadata": {}})


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (tmp_path / "config").write_text(KUBECONFIG.replace("SERVER", f"http://127.0.0.1:{runner.addresses[0][1]}"))
    made.api = Api(Login(tmp_path / "config"))
    yield made
    made.gate.set()
    await made.api.close()
    await runner.cleanup()


async def write_everything(fence: Fence) -> list[str]:
    """What each kind of write raises, in words; empty where all went through."""
    writes = (fence.create("/x", {}), fence.apply("/x", {}, manager="m"), fence.delete("/x", uid="u"))
    ends = await asyncio.gather(*writes, return_exceptions=True)
    return [f"{type(end).__name__} {end.reason}" for end in ends if isinstance(end, ApiError)]


async def test_who_does_not_lead_sends_nothing(scene: Scene) -> None:
    scene.left = 0.0
    assert await write_everything(scene.fence) == ["NotLeading NotLeading"] * 3
    assert scene.asked == []
    with pytest.raises(NotLeading):
        await scene.fence.create("/x", {})


async def test_a_write_lasts_as_long_as_the_lease_and_the_api_server_knows(scene: Scene) -> None:
    await scene.fence.get("/x")
    scene.asked.clear()
    scene.left = 3.0
    scene.gate.clear()
    assert await write_everything(scene.fence) == ["ApiError TimeoutError"] * 3
    assert sorted(scene.asked) == [("DELETE", 3.0), ("PATCH", 3.0), ("POST", 3.0)]


async def test_with_the_lease_fresh_a_write_has_the_time_of_any_request(scene: Scene) -> None:
    assert await write_everything(scene.fence) == []
    assert scene.most == [REQUEST_SECONDS] * 3
    assert {seconds for _, seconds in scene.asked} == {REQUEST_SECONDS}


async def test_reading_needs_no_lease(scene: Scene) -> None:
    scene.left = 0.0
    assert await scene.fence.get("/x") == {"metadata": {}}
