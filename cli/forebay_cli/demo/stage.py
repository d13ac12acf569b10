"""What the demo runs on: six servers, the operator, the data plane and Envoy, started in order and stopped in peace."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from forebay_cli.demo.ask import Door
from forebay_cli.demo.cases import Request
from forebay_cli.demo.faults.scene import Scene
from forebay_cli.demo.manifests import copy_example, example_pools
from forebay_cli.demo.servers import Fleet
from forebay_cli.demo.show import Show
from forebay_cli.up.layout import make_plan
from forebay_cli.up.supervisor import NotReady, Supervisor

START_SECONDS: Final = 90.0
MODELS: Final = Request(kind="models")


@contextlib.asynccontextmanager
async def running(show: Show, directory: Path, port: int, workers: int) -> AsyncIterator[Scene]:
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
