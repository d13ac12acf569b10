"""A real Envoy as the server's client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from forebay_operator.resources import Snapshot
from forebay_operator.xds import Kind, XdsServer

pytestmark = pytest.mark.envoy
Eventually = Callable[..., Awaitable[Any]]
PATIENCE = 60.0


@pytest.fixture
async def upstream() -> AsyncIterator[int]:
    """An HTTP server that says `hello`; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[XdsServer]:
    made = XdsServer(linger=0.2, ack_deadline=2.0)
    await made.start([f"unix:{tmp_path}/xds"])
    made.expect({"envoy/a": Kind.ENVOY})
    yield made
    await made.stop(0.2)


async def accepted(running: Any, kind: str) -> dict[str, int]:
    """Envoy's own counts of updates of one kind: attempts and successes, summed over its subscriptions."""
    stats = await running.stats(rf"{kind}.*\.update_(attempt|success|rejected)$")
    totals: dict[str, int] = {"attempt": 0, "success": 0, "rejected": 0}
    for name, value in stats.items():
        totals[name.rpartition("update_")[2]] += value
    return totals


async def test_a_set_of_resources_becomes_live_and_an_edit_sends_only_what_changed(
    server: XdsServer, envoy: Any, build: Any, upstream: int, tmp_path: Path, eventually: Eventually
) -> None:
    fixed = [build.cluster("c"), build.endpoints("c", upstream), build.listener("front", "table")]
    async with envoy("envoy/a", f"{tmp_path}/xds") as running:
        revision = server.publish(Snapshot.of([*fixed, build.routes("table", "c")]))
        assert (await server.wait(revision, PATIENCE)).complete
        answer = await eventually(lambda: running.get("front"))
        assert (answer.status_code, answer.text, answer.headers["x-routes"]) == (200, "hello", "v1")
        before = {kind: await accepted(running, kind) for kind in ("cds", "lds", "cluster.c", "rds")}

        revision = server.publish(Snapshot.of([*fixed, build.routes("table", "c", header="v2")]))
        assert (await server.wait(revision, PATIENCE)).complete
        assert (await running.get("front")).headers["x-routes"] == "v2"
        after = {kind: await accepted(running, kind) for kind in before}
        assert after["rds"]["success"] == before["rds"]["success"] + 1
        assert {kind: counts["success"] for kind, counts in after.items() if kind != "rds"} == {
            kind: counts["success"] for kind, counts in before.items() if kind != "rds"
        }


async def test_a_bad_listener_is_refused_with_its_text_while_the_rest_stays_live(
    server: XdsServer, envoy: Any, build: Any, upstream: int, tmp_path: Path, eventually: Eventually
) -> None:
    good = [build.cluster("c"), build.endpoints("c", upstream), build.routes("table", "c")]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bad = build.listener("side", "table", taken.getsockname()[1])
        async with envoy("envoy/a", f"{tmp_path}/xds") as running:
            revision = server.publish(Snapshot.of([*good, build.listener("front", "table"), bad]))
            found = await server.wait(revision, PATIENCE)
            assert (found.complete, found.missing) == (False, ("envoy/a",))
            [rejection] = server.rejections()
            assert rejection.name == "side"
            assert "Address already in use" in rejection.text
            assert (await eventually(lambda: running.get("front"))).text == "hello"

            changed = [*good[:2], build.routes("table", "c", header="v2")]
            server.publish(Snapshot.of([*changed, build.listener("front", "table"), bad]))
            await eventually(lambda: _header_is(running, "v2"))
            assert [each.name for each in server.rejections()] == ["side"], "not sent again, still shown"

            revision = server.publish(Snapshot.of([*changed, build.listener("front", "table")]))
            assert (await server.wait(revision, PATIENCE)).complete
            assert server.rejections() == ()


async def _header_is(running: Any, value: str) -> bool:
    return bool((await running.get("front")).headers["x-routes"] == value)


async def test_a_bad_cluster_keeps_its_routes_back_and_the_old_ones_serve(
    server: XdsServer, envoy: Any, build: Any, upstream: int, tmp_path: Path, eventually: Eventually
) -> None:
    fixed = [build.cluster("c"), build.endpoints("c", upstream), build.listener("front", "table")]
    async with envoy("envoy/a", f"{tmp_path}/xds") as running:
        await server.wait(server.publish(Snapshot.of([*fixed, build.routes("table", "c")])), PATIENCE)
        revision = server.publish(Snapshot.of([*fixed, build.bad_cluster("bad"), build.routes("table", "bad")]))
        found = await server.wait(revision, PATIENCE)
        assert "no.such.socket" in found.rejected["envoy/a"]
        assert (await running.get("front")).text == "hello"


async def test_a_changed_cluster_is_warm_at_once(
    server: XdsServer, envoy: Any, build: Any, upstream: int, tmp_path: Path, eventually: Eventually
) -> None:
    fixed = [build.endpoints("c", upstream), build.routes("table", "c"), build.listener("front", "table")]
    async with envoy("envoy/a", f"{tmp_path}/xds") as running:
        await server.wait(server.publish(Snapshot.of([*fixed, build.cluster("c")])), PATIENCE)
        revision = server.publish(Snapshot.of([*fixed, build.cluster("c", connect_ms=700)]))
        assert (await server.wait(revision, 12)).complete, "Envoy waits 15 s for endpoints that it is not sent again"
        assert (await running.get("front")).text == "hello"


async def test_envoy_serves_on_without_the_operator_and_is_sent_nothing_again_when_it_is_back(
    envoy: Any, build: Any, upstream: int, tmp_path: Path, eventually: Eventually
) -> None:
    resources = [build.cluster("c"), build.endpoints("c", upstream), build.listener("front", "table")]
    snapshot = Snapshot.of([*resources, build.routes("table", "c")])
    first = XdsServer()
    await first.start([f"unix:{tmp_path}/xds"])
    first.expect({"envoy/a": Kind.ENVOY})
    async with envoy("envoy/a", f"{tmp_path}/xds") as running:
        await first.wait(first.publish(snapshot), PATIENCE)
        await eventually(lambda: running.get("front"))
        before = {kind: await accepted(running, kind) for kind in ("cds", "lds", "cluster.c", "rds")}
        await first.stop(0.2)
        assert (await running.get("front")).text == "hello"

        second = XdsServer()
        second.expect({"envoy/a": Kind.ENVOY})
        revision = second.publish(snapshot)
        await second.start([f"unix:{tmp_path}/xds"])
        assert (await second.wait(revision, PATIENCE)).complete
        assert (await running.get("front")).text == "hello"
        after = {kind: await accepted(running, kind) for kind in before}
        assert {kind: counts["success"] for kind, counts in after.items()} == {
            kind: counts["success"] for kind, counts in before.items()
        }

        third = [*resources, build.routes("table", "c", header="v2")]
        assert (await second.wait(second.publish(Snapshot.of(third)), PATIENCE)).complete
        assert (await running.get("front")).headers["x-routes"] == "v2"
        await second.stop(0.2)


async def test_what_is_no_longer_used_goes_after_it_has_lingered(
    server: XdsServer, envoy: Any, build: Any, upstream: int, tmp_path: Path, eventually: Eventually
) -> None:
    front = build.listener("front", "table")
    async with envoy("envoy/a", f"{tmp_path}/xds") as running:
        old = [build.cluster("old"), build.endpoints("old", upstream), build.routes("table", "old"), front]
        await server.wait(server.publish(Snapshot.of(old)), PATIENCE)
        new = [build.cluster("new"), build.endpoints("new", upstream), build.routes("table", "new"), front]
        await server.wait(server.publish(Snapshot.of(new)), PATIENCE)
        assert (await running.get("front")).text == "hello"

        async def gone() -> bool:
            answer = await running.http.get(f"{running.admin}/clusters")
            return "old::" not in answer.text and "new::" in answer.text

        await eventually(gone)
        assert (await running.get("front")).text == "hello"
