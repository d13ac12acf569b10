"""Envoy's launcher without an Envoy: its options, its files, whom it asks, and what it offers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import grpc.aio
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from forebay_operator.lastgood.shards import shards
from forebay_operator.launch.files import write_files
from forebay_operator.launch.memory import heap_bytes
from forebay_operator.launch.operators import Operators
from forebay_operator.launch.options import parse_options
from forebay_operator.launch.standin import StandIn
from forebay_operator.resources import Resource, Snapshot
from forebay_operator.xds import XdsServer
from forebay_operator.xds.type_urls import CLUSTER
from forebay_operator.xds.wire import SERVICE
from forebay_transport.security import PLAINTEXT

from ...authority import Authority

METHOD = f"/{SERVICE}/DeltaAggregatedResources"


async def one_leads(operators: Operators) -> bool:
    """Asked until one says so, as each is given a second for it; False where none does."""
    try:
        async with asyncio.timeout(60):
            while not await operators.any_leads():
                pass
    except TimeoutError:
        return False
    return True


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "tls")
    for role in ("operator", "envoy", "data-plane"):
        made.issue(role)
    return made


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--operator", "operator.example:1"], "--operator operator.example:1: this can be reached over a network"),
        (["--operator", "unix:o", "--admin", "0.0.0.0:1"], "--admin 0.0.0.0:1: it can stop Envoy"),
        (["--operator", "unix:o", "--stats", "nowhere"], "'nowhere' is no address"),
        (["--operator", "unix:o", "--drain", "-1"], "'-1' is not a number of seconds"),
        (["--operator", "unix:o", "--tls-cert", "x"], "--tls-key, --tls-ca: needed"),
        ([], "--operator"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(arguments)
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_what_stands_behind_two_dashes_is_envoys() -> None:
    options = parse_options(["--operator", "unix:o", "--", "--concurrency", "4"])
    assert options.extra == ("--concurrency", "4")


def test_its_files_name_the_certificates_and_hold_none(authority: Authority, tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = parse_options(
        ["--operator", "operator.example:18000", "--state", str(state), *authority.options("envoy")]
    )
    config = write_files(options, "127.0.0.1:7")
    assert state.stat().st_mode & 0o777 == 0o700
    cluster = json.loads(config.read_text())["staticResources"]["clusters"][0]
    assert [group.get("priority", 0) for group in cluster["loadAssignment"]["endpoints"]] == [0, 1]
    written = "".join(path.read_text() for path in state.iterdir())
    assert str(authority.files("envoy").key) in written
    assert "PRIVATE KEY" not in written


async def test_an_operator_that_stands_by_does_not_lead(authority: Authority) -> None:
    server = XdsServer(security=authority.security("operator"), leading=False)
    [address] = await server.start(["127.0.0.1:0"])
    operators = Operators(["127.0.0.1:1", address], authority.security("envoy"))
    assert not await operators.any_leads()
    server.lead(True)
    assert await one_leads(operators)
    await server.stop(0)
    assert not await operators.any_leads()


async def test_a_stand_in_offers_nothing_until_there_is_something_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in = StandIn(tmp_path)
    address = await stand_in.start()
    operators = Operators([address], PLAINTEXT)
    assert not stand_in.offer()
    assert "there is no last good configuration here" in caplog.text
    for shard in shards(Snapshot.of([Resource("c", CLUSTER, b"1")]), Snapshot({}), "forebay"):
        assert not stand_in.offer(), "the index comes last"
        (tmp_path / shard.key).write_bytes(shard.value)
    assert stand_in.offer()
    assert await one_leads(operators), "to Envoy it looks like an operator that leads"

    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(
            METHOD,
            request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
        )()
        await call.write(discovery_pb2.DeltaDiscoveryRequest(type_url=CLUSTER, node={"id": "envoy/a"}))
        assert [resource.name for resource in (await call.read()).resources] == ["c"]
        stand_in.withdraw()
        assert await call.code() is grpc.StatusCode.UNAVAILABLE
    await stand_in.stop()


@pytest.mark.parametrize(
    ("file", "text", "heap"),
    [
        ("memory.max", "2147483648\n", (2 << 30) - (256 << 20)),
        ("memory.max", "268435456\n", 128 << 20),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "1073741824\n", 768 << 20),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
        ("cgroup.procs", "1\n", None),
    ],
)
def test_envoys_heap_is_what_the_containers_limit_leaves(
    tmp_path: Path, file: str, text: str, heap: int | None
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert heap_bytes(tmp_path) == heap
