"""Who may ask the data plane for what over mutual TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from streams import (
    POLICY,
    POOLS,
    PROCESS,
    STREAM_LOGS,
    Envoy,
    a_policy,
    chat,
    headers,
    log_message,
    said,
    until,
)

from forebay_extproc.options import parse_options
from forebay_extproc.outcomes.peers import METHOD
from forebay_extproc.plane import DataPlane
from forebay_transport.security import PlaintextRefused

from ..authority import Authority

DENIED = grpc.StatusCode.PERMISSION_DENIED


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "tls")
    for role in ("operator", "data-plane", "envoy"):
        made.issue(role)
    return made


@pytest.fixture
async def address(authority: Authority) -> AsyncIterator[str]:
    plane = DataPlane("r0", security=authority.security("data-plane"))
    addresses = await plane.start(("127.0.0.1:0",), "127.0.0.1", None)
    await plane.configure("r1", {POLICY: a_policy()}, POOLS)
    yield addresses.grpc[0]
    await plane.stop(0.5)


@asynccontextmanager
async def dial(authority: Authority, role: str, address: str) -> AsyncIterator[grpc.aio.Channel]:
    channel = authority.security(role).open_channel(address, "forebay-data-plane")
    try:
        yield channel
    finally:
        await channel.close()


async def test_envoy_is_answered(authority: Authority, address: str) -> None:
    async with dial(authority, "envoy", address) as channel:
        assert said(await Envoy(channel).ask(chat()))["pool"] == "ai/small"
        await Envoy(channel).log()


@pytest.mark.parametrize("role", ["operator", "data-plane"])
async def test_nobody_else_is_told_a_decision_or_writes_outcomes(authority: Authority, role: str, address: str) -> None:
    async with dial(authority, role, address) as channel:
        for path, message in ((PROCESS, headers()), (STREAM_LOGS, log_message())):
            call = channel.stream_stream(path, type(message).SerializeToString)()
            # Refused before it has said anything. A write as well would race with that, and the client's library puts its
            # own error in place of the status then.
            async with asyncio.timeout(60):
                assert await call.code() is DENIED


async def test_peers_report_and_envoy_does_not(authority: Authority, address: str) -> None:
    async with dial(authority, "data-plane", address) as channel:
        assert await channel.unary_unary(METHOD)(b"\x80") == b""
    async with dial(authority, "envoy", address) as channel:
        with pytest.raises(grpc.aio.AioRpcError, match="data plane"):
            await channel.unary_unary(METHOD)(b"\x80")


async def test_health_is_for_every_certificate_of_the_ca(authority: Authority, address: str) -> None:
    for role in ("operator", "envoy"):
        async with dial(authority, role, address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_outcomes_reach_a_peer_over_tls(authority: Authority) -> None:
    security = authority.security("data-plane")
    first = DataPlane("r0", security=security)
    [listening] = (await first.start(("127.0.0.1:0",), "127.0.0.1", None)).grpc
    second = DataPlane("r1", {"r0": listening}, security=security)
    await second.start(("127.0.0.1:0",), "127.0.0.1", None)
    first.ledger.enter("d1", "ai/small", "m", "q1")
    second._peers.tell("r0", ["d1"])
    await until(lambda: not sum(first.ledger.by_pool().values()))
    await asyncio.gather(first.stop(0.1), second.stop(0.1))


async def test_it_does_not_listen_beyond_this_machine_without_tls() -> None:
    plane = DataPlane("r0")
    with pytest.raises(PlaintextRefused, match="--tls-cert"):
        await plane.start(("0.0.0.0:0",), "127.0.0.1", None)
    await plane.stop(0)


@pytest.mark.parametrize(
    ("option", "value"), [("--listen", "0.0.0.0:1"), ("--operator", "operator.example:1"), ("--peers", "r1=10.0.0.1:1")]
)
def test_plaintext_over_a_network_is_refused_on_the_command_line_unless_it_is_allowed(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--listen", "unix:a", "--operator", "unix:o", option, value]
    with pytest.raises(SystemExit):
        parse_options(arguments)
    assert f"{option} {value.removeprefix('r1=')}: this can be reached over a network" in capsys.readouterr().err
    assert parse_options([*arguments, "--insecure"]).security.insecure
