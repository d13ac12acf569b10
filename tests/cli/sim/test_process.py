"""The command as a process: its announcement, its options, its end."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import sys
import time

import httpx
import pytest

from forebay_cli.sim.config import ConfigError, SimConfig
from forebay_cli.sim.faults import FaultError, parse_fault
from forebay_cli.sim.process import SimProcess


async def test_a_process_announces_its_address_and_ends_with_0_on_sigterm(http, chat_body):
    server = SimProcess("--model", "qwen3-8b", "--name", "large-1", "--fault", "status,status=418,count=1")
    async with server:
        assert server.announced.models == ("qwen3-8b",)
        url = f"{server.base_url}/chat/completions"
        assert [(await http.post(url, json=chat_body)).status_code for _ in range(2)] == [418, 200]
        assert (await http.get(f"{server.url}/health")).headers["x-sim-server"] == "large-1"
    assert await server.stop() == 0


async def test_sigterm_lets_short_streams_finish_and_cuts_long_ones_within_two_seconds(http, chat_body):
    async def read(url: str, body: dict[str, object], begun: asyncio.Event) -> bool:
        got = ""
        try:
            async with http.stream("POST", url, json=body) as answer:
                begun.set()  # an early header says that the server has taken the request on
                async for piece in answer.aiter_text():
                    got += piece
        except httpx.TransportError:
            return False
        return got.endswith("data: [DONE]\n\n")

    async with SimProcess("--model", "qwen3-8b", "--ttft", "1s", "--per-token", "1s", "--early-headers") as server:
        url = f"{server.base_url}/chat/completions"
        body = {**chat_body, "stream": True}
        begun = [asyncio.Event(), asyncio.Event()]
        long = asyncio.create_task(read(url, body, begun[0]))
        async with asyncio.timeout(30.0):
            await begun[0].wait()
            short = asyncio.create_task(read(url, {**body, "max_tokens": 1}, begun[1]))
            await begun[1].wait()
        started = time.perf_counter()
        assert await server.stop() == 0
        assert time.perf_counter() - started < 5.0
        assert (await short, await long) == (True, False)


async def test_a_process_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match="--ttft"):
        await SimProcess("--model", "m", "--ttft", "soon").start()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
async def test_https_with_the_given_certificate(start_sim, chat_body, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=sim"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    server = await start_sim(tls_cert=str(cert), tls_key=str(key))
    assert server.url.startswith("https://")
    async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(cert))) as client:
        assert (await client.post(f"{server.base_url}/chat/completions", json=chat_body)).status_code == 200


async def test_a_taken_port_is_named(start_sim):
    server = await start_sim()
    with pytest.raises(ConfigError, match=str(server.port)):
        await start_sim(port=server.port)


def test_help_shows_examples_and_needs_no_server_package():
    script = (
        "import sys; sys.modules['aiohttp'] = sys.modules['uvloop'] = None; sys.argv = ['sim', '--help'];"
        "import typer; from forebay_cli.sim.command import sim; typer.run(sim)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "forebay sim --model" in shown.stdout


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"models": ()}, "models"),
        ({"models": ("a", "a")}, "models"),
        ({"ttft": "5"}, "ttft"),
        ({"per_token": "1us"}, "per_token"),
        ({"ttft": "2h"}, "ttft"),
        ({"tokens": 0}, "tokens"),
        ({"concurrency": 0}, "concurrency"),
        ({"jitter": 1.5}, "jitter"),
        ({"port": 70_000}, "port"),
        ({"name": "two words"}, "name"),
        ({"tls_cert": "cert.pem"}, "tls_key"),
        ({"require_key": ""}, "require_key"),
    ],
)
def test_a_bad_setting_is_refused_by_name(fields, named):
    with pytest.raises(ConfigError) as caught:
        SimConfig(**{"models": ("m",), **fields})
    assert caught.value.field == named


def test_a_fault_reads_from_a_command_line():
    fault = parse_fault("status,status=429,count=3")
    assert (fault.mode, fault.status, fault.count) == ("status", 429, 3)
    assert parse_fault('{"mode": "slow", "delay": "1s"}').delay_seconds == 1.0
    assert parse_fault("none").mode == "none"


@pytest.mark.parametrize("text", ["", "explode", "status,429", "status,status=200", "{", "slow,delay=soon"])
def test_a_bad_fault_on_a_command_line_is_refused(text):
    with pytest.raises(FaultError):
        parse_fault(text)


async def test_faults_reset_connections_on_uvloop_too(http, chat_body):
    """The process runs on uvloop, whose sockets and write order differ from those of the tests' own loop."""
    async with SimProcess("--model", "qwen3-8b", "--fault", "reset_mid_stream,after_tokens=3") as server:
        got = b""
        body = {**chat_body, "stream": True}
        try:
            async with http.stream("POST", f"{server.base_url}/chat/completions", json=body) as answer:
                async for part in answer.aiter_raw():
                    got += part
        except httpx.ReadError:
            got += b"reset"
        assert got.endswith(b"reset")
        assert got.count(b'"content":') == 4
        await http.put(f"{server.url}/sim/faults", json={"mode": "reset"})
        host, port = server.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/models HTTP/1.1\r\nHost: sim\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 30.0)
        writer.close()


async def test_a_killed_process_is_gone(http):
    async with SimProcess("--model", "qwen3-8b") as server:
        assert await server.kill() == -9
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{server.url}/health")
