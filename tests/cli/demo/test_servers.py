"""The demo's servers: six processes, the bought ones behind one TLS port that a dead one does not close."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from forebay_cli.demo.ask import Door
from forebay_cli.demo.cases import chat
from forebay_cli.demo.manifests import example_pools
from forebay_cli.demo.servers import Fleet

ASKED = chat("Hello!", model="frontier-1", max_tokens=1)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    fleet = Fleet(example_pools(), tmp_path)
    try:
        await fleet.start()
        yield fleet
    finally:
        await fleet.stop()


async def test_the_bought_pool_is_one_tls_address_that_wants_its_key_and_survives_a_killed_server(fleet: Fleet) -> None:
    assert len(fleet.servers) == 6
    assert len(fleet.places().private) == 4
    first, second = (server.name for server in fleet.of("frontier"))
    assert fleet.url(first) == fleet.url(second)
    async with Door(fleet.url(first), key="not the key", trust=fleet.trust()) as stranger:
        assert (await stranger.ask(ASKED)).status == 401
    async with Door(fleet.url(first)) as distrustful:
        assert (await distrustful.ask(ASKED)).status == 0
    await fleet.kill(first)
    async with Door(fleet.url(first), key=fleet.key, trust=fleet.trust()) as door:
        answer = await door.ask(ASKED)
        assert (answer.status, answer.server) == (200, second)
