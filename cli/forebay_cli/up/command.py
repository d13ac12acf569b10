"""`forebay up DIR`."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from forebay_api.manifest import ManifestsRefused
from forebay_cli.console import Output, give_up, print_json, stderr, stdout
from forebay_cli.up.claim import AlreadyRunning
from forebay_cli.up.layout import make_plan
from forebay_cli.up.plan import Plan
from forebay_cli.up.ports import PortTaken
from forebay_cli.up.status import Changes, print_addresses, status_line, where
from forebay_cli.up.supervisor import Supervisor
from forebay_operator.telling.report import Report


class Level(enum.StrEnum):
    """What a data plane logs at least."""

    error = "error"
    warning = "warning"
    info = "info"
    decisions = "decisions"
    debug = "debug"


def up(
    directory: Annotated[Path, typer.Argument(help="Directory of manifests, with an optional forebay.yaml.")],
    port: Annotated[
        int | None, typer.Option(help="Port of the first listener; 0 takes a free one.", min=0, max=65535)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Data-plane processes; forebay.yaml's number by default.", min=1, max=64)
    ] = None,
    log: Annotated[Level, typer.Option(help="What the data plane logs.")] = Level.warning,
    output: Annotated[
        Output,
        typer.Option("--output", "-o", help="table for people, json: a line of addresses, then one line a change."),
    ] = Output.table,
) -> None:
    """Run Envoy, the operator and the data plane on this machine, from a directory of manifests.

    The directory is watched: an edit is live within a second, and a mistake in it changes nothing.

    Examples:

        forebay up examples/assistant

        forebay up examples/assistant --port 8080 --workers 4
    """
    if not directory.is_dir():
        give_up(
            f"{directory} is a file: name its directory" if directory.exists() else f"there is no directory {directory}"
        )
    try:
        plan = make_plan(directory.resolve(), port=port, workers=workers, log=log.value)
    except (PortTaken, ManifestsRefused) as error:
        give_up(str(error))
    try:
        asyncio.run(_run(plan, output))
    except AlreadyRunning as error:
        give_up(str(error))


async def _run(plan: Plan, output: Output) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    news: asyncio.Queue[Report] = asyncio.Queue()
    supervisor = Supervisor(plan, on_report=news.put_nowait, on_exit=partial(_tell_exit, plan))
    supervisor.start()
    for taken in plan.taken_ports:
        stderr().print(f"port {taken} is in use: another one is taken; --port insists on one", markup=False)
    with contextlib.ExitStack() as stack:
        try:
            following = asyncio.create_task(_follow(news, stack.enter_context(_display(plan, output))))
            following.add_done_callback(lambda _done: stopping.set())  # whoever read along has gone
            await stopping.wait()
        finally:
            await supervisor.stop()
        if following.done():
            following.result()
        following.cancel()


def _tell_exit(plan: Plan, name: str, code: int, pause: float) -> None:
    again = f"{name} ended with status {code}; starting it again in {pause:g} s"
    stderr().print(f"{again}; {plan.logs} may say why", markup=False)


async def _follow(news: asyncio.Queue[Report], show: Callable[[Report], None]) -> None:
    while True:
        show(await news.get())


@contextlib.contextmanager
def _display(plan: Plan, output: Output) -> Iterator[Callable[[Report], None]]:
    """Say where everything listens; what it yields says how it stands, on a terminal in one line that changes."""
    if output is Output.json:
        print_json(where(plan), indent=False)
        yield partial(print_json, indent=False)
        return
    console = stdout()
    print_addresses(console, plan)
    if console.is_terminal:
        with Live(Text("starting"), console=console, refresh_per_second=4) as live:
            yield lambda report: live.update(Text(status_line(report)))
    else:
        yield Changes(partial(console.print, markup=False)).tell
