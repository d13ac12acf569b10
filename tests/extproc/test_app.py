"""The data plane as a process: started from its last good copy, served by, stopped by a signal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc.aio
import msgspec
import pytest
from streams import POLICY, POOLS, Envoy, a_policy, body, chat, headers, said

from forebay_api.pool import PoolSpec
from forebay_api.wire import POLICY_TYPE, POOL_TYPE, REVISION_TYPE, PolicyResource, PoolResource, Revision
from forebay_extproc import last_good
from forebay_extproc.discovery import Item, Update
from forebay_extproc.inventory import Inventory
from forebay_extproc.options import parse_options, suggest_threads


def an_item(name: str, value: msgspec.Struct) -> Item:
    data = msgspec.msgpack.encode(value)
    return Item(name, sha256(data).hexdigest()[:16], data)


def keep_a_copy(path: Path, pools: Mapping[str, PoolSpec] = POOLS) -> None:
    """Write what a data plane keeps of the configuration that was published last."""
    policies = [an_item(POLICY, PolicyResource(name=POLICY, spec=a_policy()))]
    items = [an_item(name, PoolResource(name=name, spec=spec)) for name, spec in pools.items()]
    named = [{item.name: item.version for item in each} for each in (policies, items)]
    inventory = Inventory()
    inventory.take(Update(POLICY_TYPE, "", tuple(policies)))
    inventory.take(Update(POOL_TYPE, "", tuple(items)))
    revision = Revision(id="kept", policies=named[0], pools=named[1])
    inventory.take(Update(REVISION_TYPE, "", (an_item("current", revision),)))
    candidate = inventory.candidate()
    assert candidate is not None
    last_good.write(path, candidate)


PATIENCE = 60.0


class Process:
    """A data plane in a process of its own; `lines` are what it logged so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def event(self, name: str) -> dict[str, Any]:
        """The next log line with this event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stderr.readline():
                self.lines.append(json.loads(line))
                if self.lines[-1]["event"] == name:
                    return self.lines[-1]
        raise AssertionError(f"no {name!r} among {self.lines}")


@contextlib.asynccontextmanager
async def a_process(*arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "forebay_extproc", *arguments, stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_without_an_operator_the_last_good_copy_serves_until_a_signal(tmp_path: Path) -> None:
    copy = tmp_path / "last-good"
    keep_a_copy(copy)
    arguments = ("--listen", "127.0.0.1:0", "--listen", f"unix:{tmp_path}/dp.sock", "--operator", f"unix:{tmp_path}/no")
    more = ("--last-good", str(copy), "--metrics-port", "0", "--replica", "r7", "--log", "decisions")
    async with a_process(*arguments, *more) as running:
        addresses = (await running.event("listening"))["grpc"]
        await running.event("configured")
        for address in addresses:
            async with grpc.aio.insecure_channel(address) as channel:
                reply = await Envoy(channel).ask(chat("a secret wish"))
                assert (said(reply)["revision"], said(reply)["replica"]) == ("kept", "r7")
        record = (await running.event("decision"))["record"]
        assert record["id"]
        assert record["pool"] == "ai/small"
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.process.wait(), PATIENCE) == 0
        assert running.process.stderr is not None
        rest = await running.process.stderr.read()
        assert b"secret" not in rest + json.dumps(running.lines).encode()


async def test_a_stop_waits_for_a_request_whose_body_is_on_its_way(tmp_path: Path) -> None:
    copy = tmp_path / "last-good"
    keep_a_copy(copy)
    arguments = ("--listen", f"unix:{tmp_path}/dp.sock", "--operator", f"unix:{tmp_path}/no", "--last-good", str(copy))
    async with a_process(*arguments) as running:
        await running.event("configured")
        async with grpc.aio.insecure_channel(f"unix:{tmp_path}/dp.sock") as channel:
            call = Envoy(channel).open()
            await call.write(headers())
            await call.read()
            running.process.send_signal(signal.SIGTERM)
            await running.event("stopping")
            await call.write(body())
            assert said(await call.read())["pool"] == "ai/small"
        assert await asyncio.wait_for(running.process.wait(), PATIENCE) == 0


async def test_five_hundred_idle_connections_keep_no_probe_from_a_process(tmp_path: Path) -> None:
    arguments = ("--listen", f"unix:{tmp_path}/dp.sock", "--operator", f"unix:{tmp_path}/no", "--metrics-port", "0")
    async with a_process(*arguments) as running:
        port = (await running.event("listening"))["metrics_port"]
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(500)]
        slowest = 0.0
        for _ in range(20):
            # As many come as are left.
            idle += [await asyncio.open_connection("127.0.0.1", port) for _ in range(25)]
            began = asyncio.get_running_loop().time()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200")
            slowest = max(slowest, asyncio.get_running_loop().time() - began)
            writer.close()
        for _, writer in idle:
            writer.transport.abort()
        assert slowest < 1.0


@contextlib.contextmanager
def few_files(soft: int) -> Iterator[None]:
    """Processes that start meanwhile may have so many files, until they ask for more."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def open_files(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


async def test_connections_that_say_nothing_keep_neither_envoy_nor_probes_out(tmp_path: Path) -> None:
    copy = tmp_path / "last-good"
    keep_a_copy(copy)
    arguments = ("--listen", "127.0.0.1:0", "--operator", f"unix:{tmp_path}/no", "--last-good", str(copy))
    with few_files(256):
        starting = a_process(*arguments, "--metrics-port", "0")
        running = await starting.__aenter__()
    try:
        listening = await running.event("listening")
        address, port = listening["grpc"][0], listening["metrics_port"]
        await running.event("configured")
        host, _, number = address.rpartition(":")
        silent = [await asyncio.open_connection(host, int(number)) for _ in range(400)]
        async with grpc.aio.insecure_channel(address) as channel:
            assert said(await asyncio.wait_for(Envoy(channel).ask(), 20))["pool"] == "ai/small"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 200")
        writer.close()
        # Nor are they kept for long.
        async with asyncio.timeout(30):
            while open_files(running.process.pid) > 200:  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0.2)
        for _, each in silent:
            each.transport.abort()
    finally:
        await starting.__aexit__(None, None, None)


async def test_an_address_that_cannot_be_had_is_named_and_the_status_is_1(tmp_path: Path) -> None:
    async with a_process("--listen", f"unix:{tmp_path}/no/folder.sock", "--operator", f"unix:{tmp_path}/no") as running:
        why = (await running.event("cannot start"))["why"]
        assert f"unix:{tmp_path}/no/folder.sock" in why
        assert await asyncio.wait_for(running.process.wait(), PATIENCE) == 1


def test_peers_are_the_others() -> None:
    options = parse_options(
        [
            "--listen",
            "unix:a",
            "--operator",
            "unix:o",
            "--replica",
            "r0",
            "--peers",
            "r0=unix:a",
            "--peers",
            "r1=unix:b",
        ]
    )
    assert options.peers == {"r1": "unix:b"}


@pytest.mark.parametrize(
    ("option", "value"),
    [("--peers", "r1"), ("--metrics-port", "70000"), ("--grace", "-1"), ("--log", "loud"), ("--encoder-threads", "0")],
)
def test_a_wrong_option_is_refused_by_name(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(["--listen", "unix:a", "--operator", "unix:o", option, value])
    assert caught.value.code == 2
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (3, 2), (64, 2)])
def test_encoders_leave_a_core_to_the_event_loop_and_envoy(cores: int, threads: int) -> None:
    assert suggest_threads(cores) == threads
