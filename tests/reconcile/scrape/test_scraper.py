"""The scraper against real servers: what it reads, what it makes of faults, and that it holds nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from forebay_api.pool import PoolSpec
from forebay_operator.backends.fixed import fixed_backends
from forebay_operator.scrape import targets as targets_module
from forebay_operator.scrape.fetch import MAX_PAGE_BYTES
from forebay_operator.scrape.reading import Reading
from forebay_operator.scrape.sample import Sample
from forebay_operator.scrape.scraper import Scraper
from forebay_operator.scrape.targets import Target, scrape_targets

from ...ports import free_port

Pool = Callable[..., PoolSpec]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATIENCE = 30.0
PAGE = 'vllm:num_requests_waiting{model_name="m"} 2\nvllm:num_requests_running{model_name="m"} 3\n'


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals here are short so that tests are; a machine with much else to do answers later than the next is due."""
    monkeypatch.setattr(targets_module, "TIMEOUT_SHARE", PATIENCE / 0.1)


class Servers:
    """Metrics servers on free ports, and from which connections each was asked."""

    def __init__(self) -> None:
        self._runners: dict[int, web.AppRunner] = {}
        self.peers: dict[int, set[Any]] = {}

    async def start(self, handler: Handler, port: int = 0) -> int:
        async def serve(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            self.peers.setdefault(port, set()).add(request.transport.get_extra_info("peername"))
            return await handler(request)

        app = web.Application()
        app.router.add_get("/metrics", serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        port = runner.addresses[0][1]
        self._runners[port] = runner
        return port

    async def stop(self, port: int) -> None:
        await self._runners.pop(port).cleanup()


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    started = Servers()
    yield started
    for port in list(started._runners):
        await started.stop(port)


class Seen:
    """A running scraper and its samples."""

    def __init__(self, **options: Any) -> None:
        self.samples: list[Sample] = []
        self.scraper = Scraper(self.samples.append, **options)
        self.task = asyncio.create_task(self.scraper.run())

    async def until(self, condition: Callable[[list[Sample]], bool]) -> list[Sample]:
        async with asyncio.timeout(PATIENCE):
            while not condition(self.samples):  # noqa: ASYNC110 - the samples come by a plain callback
                await asyncio.sleep(0.005)
        return self.samples

    async def first(self) -> Sample:
        return (await self.until(bool))[0]


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    running = Seen()
    yield running
    running.task.cancel()
    await asyncio.gather(running.task, return_exceptions=True)


@pytest.fixture
def targets(pool: Pool) -> Callable[..., tuple[Target, ...]]:
    def make(*ports: int, interval: str = "100ms", **telemetry: Any) -> tuple[Target, ...]:
        pools = {"ai/small": pool(*ports, telemetry={"engine": "vLLM", "interval": interval, **telemetry})}
        return scrape_targets(pools, fixed_backends(pools))

    return make


Targets = Callable[..., tuple[Target, ...]]


async def page(_: web.Request) -> web.Response:
    return web.Response(text=PAGE)


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


def answer(**options: Any) -> Handler:
    async def respond(_: web.Request) -> web.Response:
        return web.Response(**options)

    return respond


async def test_it_reads_each_endpoint_again_and_again_over_one_connection(
    servers: Servers, seen: Seen, targets: Targets
) -> None:
    port = await servers.start(page)
    seen.scraper.set_targets(targets(port))
    samples = await seen.until(lambda s: len(s) >= 4)
    assert {(s.pool, s.endpoint, s.outcome, s.reading) for s in samples} == {
        ("ai/small", f"127.0.0.1:{port}", "Read", Reading(2.0, 3.0))
    }
    assert [s.at for s in samples] == sorted(s.at for s in samples)
    assert len(servers.peers[port]) == 1


async def test_a_port_nobody_listens_on_is_an_endpoint_that_is_down(seen: Seen, targets: Targets) -> None:
    seen.scraper.set_targets(targets(free_port()))
    assert (await seen.first()).outcome == "Down"


async def test_a_metrics_port_nobody_listens_on_says_nothing_about_the_endpoint(seen: Seen, targets: Targets) -> None:
    seen.scraper.set_targets(targets(8001, port=free_port()))
    assert (await seen.first()).outcome == "Failed"


@pytest.mark.parametrize(
    ("handler", "detail"),
    [
        (hang, "no whole answer within"),
        (answer(status=500), "status 500 for /metrics"),
        (answer(status=302, headers={"location": "/metrics"}), "status 302"),
        (answer(body=b"\x00\xff" * 50), "lacks vllm:num_requests_waiting"),
        (answer(body=b"x" * (MAX_PAGE_BYTES + 1)), "longer than"),
        (answer(text="hello", headers={"content-encoding": "gzip"}), "lacks"),
    ],
)
async def test_an_answer_that_holds_no_load_is_a_failure_that_says_why(
    servers: Servers, seen: Seen, targets: Targets, monkeypatch: pytest.MonkeyPatch, handler: Handler, detail: str
) -> None:
    if handler is hang:
        monkeypatch.setattr(targets_module, "TIMEOUT_SHARE", 0.8)
    seen.scraper.set_targets(targets(await servers.start(handler)))
    sample = await seen.first()
    assert sample.outcome == "Failed"
    assert detail in sample.detail


async def test_an_unknown_host_is_a_failure(seen: Seen, targets: Targets) -> None:
    (target,) = targets(8001)
    seen.scraper.set_targets([msgspec.structs.replace(target, host="no such host", interval=2.0)])
    assert (await seen.first()).outcome == "Failed"


async def test_a_server_that_hangs_holds_up_no_other(servers: Servers, seen: Seen, targets: Targets) -> None:
    slow, quick = await servers.start(hang), await servers.start(page)
    seen.scraper.set_targets(targets(slow, quick))
    await seen.until(lambda s: sum(each.outcome == "Read" for each in s) >= 4)


async def test_targets_change_while_it_runs(servers: Servers, seen: Seen, targets: Targets) -> None:
    one, two = await servers.start(page), await servers.start(page)
    seen.scraper.set_targets(targets(one))
    await seen.first()
    seen.scraper.set_targets(targets(two))
    await seen.until(lambda s: any(each.endpoint.endswith(f":{two}") for each in s))
    seen.samples.clear()
    await seen.until(lambda s: len(s) >= 3)
    assert {each.endpoint for each in seen.samples} == {f"127.0.0.1:{two}"}


async def test_a_server_that_comes_back_is_read_again(servers: Servers, seen: Seen, targets: Targets) -> None:
    port = await servers.start(page)
    seen.scraper.set_targets(targets(port, staleAfter="400ms"))
    await seen.first()
    await servers.stop(port)
    await seen.until(lambda s: s[-1].outcome == "Down")
    await servers.start(page, port)
    await seen.until(lambda s: s[-1].outcome == "Read")


async def test_no_more_scrapes_are_under_way_than_allowed(servers: Servers, targets: Targets) -> None:
    under_way, most = 0, 0

    async def count(_: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return web.Response(text=PAGE)

    seen = Seen(concurrency=2)
    try:
        seen.scraper.set_targets(targets(*[await servers.start(count) for _ in range(6)]))
        await seen.until(lambda s: len(s) >= 12)
    finally:
        seen.task.cancel()
        await asyncio.gather(seen.task, return_exceptions=True)
    assert most == 2


async def test_a_fault_of_the_listener_ends_the_run_instead_of_going_unheard(
    servers: Servers, targets: Targets
) -> None:
    def fail(_: Sample) -> None:
        raise RuntimeError("a bug")

    scraper = Scraper(fail)
    scraper.set_targets(targets(await servers.start(page)))
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(scraper.run(), PATIENCE)
    assert raised.group_contains(RuntimeError, match="a bug")


async def test_trouble_is_logged_when_it_begins_and_when_it_ends(
    servers: Servers, seen: Seen, targets: Targets, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with caplog.at_level("INFO", "forebay_operator.scrape.scraper"):
        seen.scraper.set_targets(targets(port, staleAfter="200ms"))
        await seen.until(lambda s: len(s) >= 3)
        await servers.start(page, port)
        await seen.until(lambda s: s[-1].outcome == "Read")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_an_endpoint_that_is_down_is_looked_for_at_every_interval(seen: Seen, targets: Targets) -> None:
    seen.scraper.set_targets(targets(free_port(), interval="50ms", staleAfter="60s"))
    samples = await seen.until(lambda s: len(s) >= 10)
    assert samples[-1].at - samples[0].at < 12, "pauses that double come to 25 s"


async def test_over_the_budget_every_page_is_read_more_seldom_and_samples_say_so(
    servers: Servers, targets: Targets
) -> None:
    attempts: list[str] = []
    slow = Seen(budget=10, on_attempt=lambda outcome, seconds: attempts.append(outcome))
    slow.scraper.set_targets(targets(*[await servers.start(page) for _ in range(4)]))
    samples = await slow.until(lambda s: len(s) >= 24)
    slow.task.cancel()
    await asyncio.gather(slow.task, return_exceptions=True)
    for endpoint in {each.endpoint for each in samples}:
        times = [each.at for each in samples if each.endpoint == endpoint]
        # 0.4 s apart by their schedule, from which any of them may be late; 0.1 s without the budget.
        assert times[-1] - times[0] > 0.2 * (len(times) - 1)
    assert {each.stretch for each in samples} == {4.0}
    assert len(attempts) == len(samples)
