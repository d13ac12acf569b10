"""Steps of one process that run side by side until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(stopping: asyncio.Event, *steps: Callable[[], Awaitable[None]]) -> None:
    """Run the steps until told to stop. A step that fails ends them all: nothing may fall silent."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_run(step)) for step in steps]
        await stopping.wait()
        for task in tasks:
            task.cancel()


async def _run(step: Callable[[], Awaitable[None]]) -> None:
    await step()
