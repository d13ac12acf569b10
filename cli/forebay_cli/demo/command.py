"""`forebay demo`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Final

import typer

from forebay_api.manifest import ManifestsRefused
from forebay_cli.console import EXIT_FINDINGS, Output, give_up, print_json, stderr, stdout
from forebay_cli.demo.admin import credentials_seen
from forebay_cli.demo.ask import CALLER_KEY, Door
from forebay_cli.demo.cases import CASES, Request
from forebay_cli.demo.faults import FAULTS, Fault, Scene
from forebay_cli.demo.latency import Stopwatch
from forebay_cli.demo.load import RATE
from forebay_cli.demo.manifests import ExampleMissing, copy_example, example_pools
from forebay_cli.demo.results import CaseResult, Result, judge
from forebay_cli.demo.servers import Fleet
from forebay_cli.demo.show import Show
from forebay_cli.up.ports import PortTaken
from forebay_cli.up.supervisor import NotReady, Supervisor, make_plan

START_SECONDS: Final = 30.0
STOPPED: Final = 130
"""Exit status after Ctrl-C, as shells have it."""
MODELS: Final = Request(kind="models")
ADDED: Final = (
    "added: median time to an answer of one token through Forebay, less the same request sent straight to the server"
)


class Stopped(Exception):
    """Somebody pressed Ctrl-C before the end."""


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Only the requests; no load and no faults.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(help="Port to send requests to; 0 takes a free one.", min=0, max=65535)] = 0,
    workers: Annotated[int, typer.Option(help="Data-plane processes.", min=1, max=16)] = 2,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="table for people, json: one document at the end.")
    ] = Output.table,
) -> None:
    """Start everything on this machine with simulated servers, send real requests, break things, show what happened.

    Ends with 0 only if every request went where it should and every fault was survived as promised.

    Examples:

        forebay demo

        forebay demo --quick --keep --port 10080

        forebay demo --output json > demo.json
    """
    show = Show(stderr() if output is Output.json else stdout())
    try:
        result = asyncio.run(_demonstrate(show, quick=quick, keep=keep, port=port, workers=workers))
    except Stopped:
        show.say("stopped; nothing is left running")
        raise typer.Exit(STOPPED) from None
    except (PortTaken, ManifestsRefused, ExampleMissing, NotReady, RuntimeError) as error:
        give_up(str(error), EXIT_FINDINGS)
    if output is Output.json:
        print_json(result)
    if not result.ok:
        raise typer.Exit(EXIT_FINDINGS)


async def _demonstrate(show: Show, *, quick: bool, keep: bool, port: int, workers: int) -> Result:
    work = asyncio.create_task(_run(show, quick, port, workers, stop := Stop() if keep else None))
    loop = asyncio.get_running_loop()
    asked = 0

    def interrupt() -> None:
        nonlocal asked
        asked += 1
        if stop is not None and stop.keeping:
            stop.set()
        elif asked == 1:
            work.cancel()  # once: what was started is stopped in peace, however often the key is pressed

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        return await work
    except asyncio.CancelledError:
        raise Stopped from None


class Stop(asyncio.Event):
    """Set when the demo need not be kept up any longer; `keeping` once everything has been shown."""

    keeping = False


async def _run(show: Show, quick: bool, port: int, workers: int, stop: Stop | None) -> Result:
    began = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="forebay-demo-"))
    worth_keeping = False
    try:
        async with _running(show, directory, port, workers) as scene:
            started = time.monotonic() - began
            cases, more = await _cases(show, scene)
            faults = [] if quick else await _faults(show, scene)
            mismatches = (
                *(f"{case.title}: {mismatch}" for case in cases for mismatch in case.mismatches),
                *more,
                *(f"{fault.title}: {mismatch}" for fault in faults for mismatch in fault.mismatches),
            )
            result = Result(
                ok=not mismatches,
                seconds=round(time.monotonic() - began, 1),
                started_in_seconds=round(started, 1),
                cases=tuple(cases),
                faults=tuple(faults),
                mismatches=mismatches,
            )
            worth_keeping = not result.ok
            show.verdict(result)
            if stop is not None:
                show.kept(scene.supervisor.plan)
                stop.keeping = True
                await stop.wait()
            return result
    except (NotReady, RuntimeError):
        worth_keeping = True
        raise
    finally:
        if worth_keeping:
            show.say(f"manifests and logs are kept in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)
            if stop is None:
                show.farewell()


@contextlib.asynccontextmanager
async def _running(show: Show, directory: Path, port: int, workers: int) -> AsyncIterator[Scene]:
    """Six servers, the operator, the data plane and Envoy, live; all stopped again at the end."""
    pools = example_pools()
    fleet = Fleet(pools, directory)
    supervisor: Supervisor | None = None
    door: Door | None = None
    show.heading("Starting")
    try:
        with show.busy(f"{len(fleet.servers)} simulated inference servers, two a pool: small, large, frontier"):
            await fleet.start()
        copy_example(directory, fleet.places(), key=fleet.key, ca_file=fleet.ca_file, workers=workers)
        plan = make_plan(directory, port=port, workers=workers, log="warning")
        supervisor = Supervisor(plan, on_exit=show.died)
        with show.busy(f"Envoy, the operator and {plan.workers} data-plane workers, from examples/assistant"):
            supervisor.start()
            await supervisor.wait_programmed(START_SECONDS)
            door = Door(plan.addresses.listeners[0])
            await _answers(door)
        show.say(f"ready: {plan.addresses.listeners[0]}/v1")
        upstream = {model.name: model.upstream_name or model.name for pool in pools for model in pool.spec.models}
        yield Scene(fleet, supervisor, door, upstream)
    finally:
        if door is not None:
            await door.close()
        if supervisor is not None:
            await supervisor.stop()
        await fleet.stop()


async def _answers(door: Door) -> None:
    """Wait for the first answer: that everything is configured does not say yet that every socket is there."""
    deadline = time.monotonic() + START_SECONDS
    while (answer := await door.ask(MODELS)).status != 200:
        if time.monotonic() > deadline:
            raise NotReady(f"no answer within {START_SECONDS:g} s: {answer.status} {answer.said}")
        await asyncio.sleep(0.05)


async def _cases(show: Show, scene: Scene) -> tuple[list[CaseResult], list[str]]:
    """Every case in turn, and what was wrong with more than one of them."""
    show.heading(f"{len(CASES)} requests with the official `openai` client")
    show.say(ADDED, "dim")
    show.case_header()
    stopwatch = Stopwatch(scene.door, scene.fleet, scene.upstream)
    results = []
    try:
        for case in CASES:
            answer = await scene.door.ask(case.request)
            result = judge(case, answer, await stopwatch.added_ms(case.request, answer))
            show.case(result, case.shows)
            results.append(result)
        await stopwatch.settle()
    finally:
        await stopwatch.close()
    leaks = await _leaks(scene)
    if leaks:
        for leak in leaks:
            show.say(leak, "red")
    else:
        show.say("The caller's own API key reached none of the servers; Envoy gave the frontier its key, and only it.")
    return results, leaks


async def _leaks(scene: Scene) -> list[str]:
    """Credentials where they should not be."""
    leaks = []
    for name, seen in (await credentials_seen(scene.fleet)).items():
        if any(CALLER_KEY in value for value in seen):
            leaks.append(f"{name} was sent the caller's own key")
        if "frontier" not in name and any(scene.fleet.key in value for value in seen):
            leaks.append(f"{name} was sent the frontier's key")
    return leaks


async def _faults(show: Show, scene: Scene) -> list[Fault]:
    show.heading(f"Under a steady load of {RATE:g} requests a second, half of them streamed")
    faults = []
    for fault in FAULTS:
        with show.working(fault.__name__.replace("_", " ")):
            told = await fault(scene)
        show.fault(told)
        faults.append(told)
    show.say("")
    show.faults(faults)
    return faults
