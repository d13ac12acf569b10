"""When `forebay up` says "live": not before Envoy has found a worker that is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from forebay_api.status import PolicyStatus
from forebay_cli.up.plan import Addresses, Plan
from forebay_cli.up.reach import healthy_workers, wait_reached
from forebay_cli.up.supervisor import Supervisor
from forebay_operator.envoy.clusters import DATA_PLANE
from forebay_operator.telling.report import Report

ANSWER = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ncluster.data-plane.membership_healthy: %d\n"


class Admin:
    """Envoy's admin interface, as far as it is asked; `healthy` workers are well."""

    def __init__(self) -> None:
        self.healthy = 0
        self.asked: list[bytes] = []
        self.address = ""
        self.first = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readline())
        self.first.set()
        writer.write(ANSWER % self.healthy)
        await writer.drain()
        writer.close()


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    made = Admin()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.address = "{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield made


def test_the_statistic_is_that_of_the_data_planes_cluster() -> None:
    assert healthy_workers(f"cluster.{DATA_PLANE}.membership_healthy: 2\n".encode()) == 2
    assert healthy_workers(b"cluster.other.membership_healthy: 2\n") == 0
    assert healthy_workers(b"") == 0


async def test_waiting_ends_with_the_first_healthy_worker(admin: Admin) -> None:
    waiting = asyncio.create_task(wait_reached(admin.address, 10))
    await asyncio.wait_for(admin.first.wait(), 10)
    assert not waiting.done()
    admin.healthy = 1
    assert await waiting
    assert b"membership_healthy" in admin.asked[0]


async def test_waiting_is_bounded(admin: Admin) -> None:
    assert not await wait_reached(admin.address, 0.2)
    assert not await wait_reached("127.0.0.1:1", 0.2)


async def test_live_is_said_once_a_request_can_be_decided(admin: Admin, tmp_path: Path) -> None:
    addresses = Addresses(("http://127.0.0.1:1",), admin.address, "unix:/o", ("unix:/0",), (1,))
    heard: asyncio.Queue[Report] = asyncio.Queue()
    supervisor = Supervisor(Plan(tmp_path, tmp_path, addresses, (1,)), on_report=heard.put_nowait)
    pending = Report(revision="a", programmed=False, policies={}, pools={}, errors=())
    live = msgspec.structs.replace(pending, programmed=True, policies={"default/p": PolicyStatus()})

    supervisor._take(msgspec.json.encode(pending))
    supervisor._take(msgspec.json.encode(live))
    assert not (await heard.get()).programmed
    await asyncio.wait_for(admin.first.wait(), 10)
    assert heard.empty()
    admin.healthy = 1

    assert (await asyncio.wait_for(heard.get(), 10)).programmed
    asked = len(admin.asked)
    supervisor._take(msgspec.json.encode(live))
    assert heard.get_nowait().programmed
    assert len(admin.asked) == asked


async def test_news_while_it_waits_takes_the_place_of_what_was_held_back(admin: Admin, tmp_path: Path) -> None:
    addresses = Addresses(("http://127.0.0.1:1",), admin.address, "unix:/o", ("unix:/0",), (1,))
    heard: list[Report] = []
    supervisor = Supervisor(Plan(tmp_path, tmp_path, addresses, (1,)), on_report=heard.append)
    live = Report(revision="a", programmed=True, policies={"default/p": PolicyStatus()}, pools={}, errors=())

    supervisor._take(msgspec.json.encode(live))
    supervisor._take(msgspec.json.encode(msgspec.structs.replace(live, revision="b", programmed=False)))
    admin.healthy = 1
    await asyncio.sleep(0.2)

    assert [(report.revision, report.programmed) for report in heard] == [("b", False)]
