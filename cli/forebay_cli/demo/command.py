"""`forebay demo`."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from forebay_api.manifest import ManifestsRefused
from forebay_cli.console import EXIT_FINDINGS, Output, give_up, print_json, stderr, stdout
from forebay_cli.demo.acts import cause_faults, send_cases
from forebay_cli.demo.manifests import ExampleMissing
from forebay_cli.demo.results import Result
from forebay_cli.demo.show import Show
from forebay_cli.demo.stage import running
from forebay_cli.up.ports import PortTaken
from forebay_cli.up.supervisor import NotReady

STOPPED: Final = 130
"""Exit status after Ctrl-C, as shells have it."""


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
    except BrokenPipeError:
        raise  # whoever read along has gone
    except (PortTaken, ManifestsRefused, ExampleMissing, NotReady, RuntimeError, OSError) as error:
        give_up(str(error), EXIT_FINDINGS)
    if not keep:
        show.farewell()
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
        async with running(show, directory, port, workers) as scene:
            started = time.monotonic() - began
            cases, more = await send_cases(show, scene)
            faults = [] if quick else await cause_faults(show, scene)
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
