"""Composition root of Envoy's launcher."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Final

from forebay_operator.launch.admin import Admin
from forebay_operator.launch.envoy import Envoy
from forebay_operator.launch.files import write_files
from forebay_operator.launch.operators import Operators
from forebay_operator.launch.options import Options
from forebay_operator.launch.standin import StandIn

LOG: Final = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1.0


async def run(options: Options) -> int:
    """Until Envoy ends; its status. SIGTERM and SIGINT drain it, a second one ends it at once. Raises OSError."""
    admin = Admin(options.admin)
    envoy, stand_in = Envoy(options, admin), StandIn(options.last_good_dir)
    tasks: list[asyncio.Task[None]] = []
    _drain_on_signals(envoy, tasks)
    address = await stand_in.start()
    try:
        await envoy.start(await asyncio.to_thread(write_files, options, address))
        tasks.append(asyncio.create_task(_stand_in(options, stand_in, admin), name="stand in"))
        return await envoy.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await stand_in.stop()


def _drain_on_signals(envoy: Envoy, tasks: list[asyncio.Task[None]]) -> None:
    """From the first moment on: the first process of a container is sent signals that it alone can answer."""
    told = False

    def stop() -> None:
        nonlocal told
        if told:
            envoy.hurry()
        else:
            told = True
            tasks.append(asyncio.create_task(envoy.stop(), name="stop Envoy"))

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _stand_in(options: Options, stand_in: StandIn, admin: Admin) -> None:
    """Offer the last good configuration while no operator leads; done once one does and Envoy is live."""
    operators = Operators(options.operators, options.security)
    loop = asyncio.get_running_loop()
    seen_at = loop.time()
    while True:
        try:
            if await operators.any_leads():
                seen_at = loop.time()
                stand_in.withdraw()
                if await admin.is_live():
                    return
            elif loop.time() - seen_at >= options.patience:
                stand_in.offer()
        except Exception:  # Envoy waits for nobody else: look again
            LOG.exception("looking for an operator failed")
        await asyncio.sleep(LOOK_SECONDS)
