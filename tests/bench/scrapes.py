"""How many metrics pages a second one core reads, next to the bare GET of the same page. Prints a table.

The server is a process of its own that sends prepared bytes; only this process's CPU time counts. Every round runs all
variants, one after the other: GET (aiohttp, the body thrown away), scrape (`fetch`: GET, search, reading), search alone.
Then the real scraper reads 200 endpoints once a second, pool states included, and says what share of a core that takes.

    python tests/bench/scrapes.py --seconds 2 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from forebay_api.pool import PoolSpec
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape.fetch import fetch
from forebay_operator.scrape.mapping import ENGINES
from forebay_operator.scrape.reading import read_load
from forebay_operator.scrape.sample import Sample
from forebay_operator.scrape.scraper import Scraper
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import Target, scrape_targets

CONCURRENCY: Final = 8
HOSTS: Final = tuple(f"127.0.0.{n}" for n in range(1, 201))
"""Endpoints: each an address of the loopback network, with a connection of its own."""
DATA: Final = Path(__file__).parents[1] / "reconcile" / "scrape" / "data"
ENGINE: Final = {"sglang": "SGLang", "triton": "Triton"}


def pages() -> dict[str, bytes]:
    """Pages by name, all of real engines. `vllm-dp2` is of two engines behind one server, `vllm-dp8` is it made to eight."""
    two = (DATA / "vllm-two-engines.txt").read_bytes()
    return {
        "vllm": (DATA / "vllm.txt").read_bytes(),
        "vllm-dp2": two,
        "vllm-dp8": b"".join(_eight(line) for line in two.splitlines(keepends=True)),
        "sglang": (DATA / "sglang.txt").read_bytes(),
        "triton": (DATA / "triton.txt").read_bytes(),
    }


def _eight(line: bytes) -> bytes:
    engines = range(2, 8) if b'engine="1"' in line else ()
    return line + b"".join(line.replace(b'engine="1"', b'engine="%d"' % engine) for engine in engines)


async def serve() -> None:
    """Answer `GET /NAME` with that page until killed; the port is printed first."""
    answers = {
        name.encode(): b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: %d\r\n\r\n%s"
        % (len(page), page)
        for name, page in pages().items()
    }

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(answers[head.split(b" ", 2)[1].lstrip(b"/")])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    first, *others = HOSTS
    server = await asyncio.start_server(answer, first, 0)
    port = server.sockets[0].getsockname()[1]
    for host in others:
        await asyncio.start_server(answer, host, port)
    print(port, flush=True)
    await server.serve_forever()


async def cost(step: Callable[[], Awaitable[None]], seconds: float) -> float:
    """CPU microseconds of this process for one step, several being under way at once."""
    done = 0
    until = time.perf_counter() + seconds
    started = time.process_time()

    async def lane() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await step()
            done += 1

    await asyncio.gather(*(lane() for _ in range(CONCURRENCY)))
    return (time.process_time() - started) / done * 1e6


def variants(session: aiohttp.ClientSession, port: int, name: str, page: bytes) -> Mapping[str, Callable[[], Any]]:
    names = ENGINES[ENGINE.get(name, "vLLM")].names
    target = Target(
        *("p", f"127.0.0.1:{port}", names, "http", "127.0.0.1", port, f"/{name}"),
        interval=5.0,
        stale_after=5.0,
        serving=True,
    )

    async def get() -> None:
        async with session.get(f"http://127.0.0.1:{port}/{name}") as answer:
            await answer.read()

    async def scrape() -> None:
        assert (await fetch(session, target, time.time)).outcome == "Read"

    async def search() -> None:
        assert read_load(page, names, time.time()) is not None

    return {"GET": get, "scrape": scrape, "search": search}


async def measure(port: int, seconds: float, rounds: int) -> None:
    print(f"| {'page':9} | {'bytes':>7} | GET us | scrape us | search us | scrapes/s a core | GETs/s a core |")
    print("|---|---|---|---|---|---|---|")
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        for name, page in pages().items():
            steps = variants(session, port, name, page)
            took: dict[str, list[float]] = {variant: [] for variant in steps}
            for _ in range(rounds):
                for variant, step in steps.items():
                    took[variant].append(await cost(step, seconds))
            get, scrape, search = (statistics.median(took[variant]) for variant in ("GET", "scrape", "search"))
            print(
                f"| {name:9} | {len(page):7} | {get:6.0f} | {scrape:9.0f} | {search:9.0f} "
                f"| {1e6 / scrape:16.0f} | {1e6 / get:13.0f} |",
                flush=True,
            )


async def share(port: int, seconds: float) -> None:
    """The real scraper over 200 endpoints at one second: its share of a core."""
    pools = {
        f"ai/pool-{n}": msgspec.convert(
            {
                "backend": {"addresses": [{"host": host, "port": port}]},
                "models": [{"name": "m"}],
                "telemetry": {"engine": "vLLM", "path": "/vllm-dp2"},
            },
            PoolSpec,
        )
        for n, host in enumerate(HOSTS)
    }
    backends = fixed_backends(pools)
    states = PoolStates()
    states.configure(pools, backends)
    seen: list[Sample] = []

    def observe(sample: Sample) -> None:
        states.observe(sample)
        seen.append(sample)

    scraper = Scraper(observe)
    scraper.set_targets(scrape_targets(pools, backends))
    task = asyncio.create_task(scraper.run())
    await asyncio.sleep(2)
    seen.clear()
    started, began = time.process_time(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        await asyncio.sleep(0.1)
        states.tick(time.time())
    spent, passed = time.process_time() - started, time.perf_counter() - began
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    read = sum(sample.outcome == "Read" for sample in seen)
    print(
        f"\n{len(HOSTS)} endpoints at 1 s, {len(pages()['vllm-dp2'])} bytes a page: {len(seen) / passed:.0f} scrapes/s, "
        f"{read} of {len(seen)} read, {spent / passed:.0%} of a core"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each variant and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args()
    if found.serve:
        asyncio.run(serve())
        return
    with subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            asyncio.run(measure(port, found.seconds, found.rounds))
            asyncio.run(share(port, found.seconds * 5))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
