"""The data plane's process: the one place that reads options, connects to the operator and listens to signals.

About the interpreter. Everything but encoding and scraping runs on one uvloop event loop, so nothing there is locked.
The encoders' threads leave the interpreter free while they compute; what little it and a scrape run in Python may hold it
for SWITCH_SECONDS, not for the default 5 ms, which would be a quarter of a decision's budget. More cores are used by more
processes, each with its own address. The garbage collector's settings are in `plane`.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Sequence
from typing import Final

import uvloop

from forebay_extproc.aging import AGING_SECONDS
from forebay_extproc.channel import Operator
from forebay_extproc.configuration import Encoders
from forebay_extproc.inventory import ConfigSet
from forebay_extproc.load import LoadReporter
from forebay_extproc.options import Options, parse_options
from forebay_extproc.plane import DataPlane
from forebay_extproc.server import AddressInUse
from forebay_extproc.telemetry.logs import set_up
from forebay_extproc.watch import ConfigRefused, Watch

LOG: Final = logging.getLogger(__name__)
SWITCH_SECONDS: Final = 0.0005
MOST_FILES: Final = 65_536
"""Each connection is a file. Where a container starts with 1,024 and may have more, a thousand connections that say nothing
would keep Envoy and probes out."""


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raises AddressInUse or OSError where an address cannot be had."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    plane = DataPlane(
        options.replica,
        options.peers,
        encoders=Encoders(artefacts=options.artefacts),
        security=options.security,
        peer_service=options.peer_service,
        encoder_threads=options.encoder_threads,
        body_memory=options.body_memory,
    )
    operator = Operator(options.operators, options.security)

    async def configure(published: ConfigSet) -> None:
        errors = await plane.configure(published.revision, published.policies, published.pools)
        if errors:
            raise ConfigRefused(errors, rest_applied=True)

    watch = Watch(
        operator,
        options.node_id,
        on_config=configure,
        on_states=plane.observe,
        copy=options.last_good,
        shards=options.last_good_dir,
    )

    async def age() -> None:
        heard = loop.time()
        while True:
            await asyncio.sleep(AGING_SECONDS)
            heard = loop.time() if watch.connected else heard
            plane.age_states(loop.time() - heard)

    load = LoadReporter(operator, options.replica, plane.ledger.by_pool)
    try:
        addresses = await plane.start(options.listen, options.metrics_host, options.metrics_port)
        LOG.info(
            "listening",
            extra={"grpc": addresses.grpc, "metrics_port": addresses.metrics_port, "replica": options.replica},
        )
        background = [asyncio.create_task(watch.run()), asyncio.create_task(load.run()), asyncio.create_task(age())]
        for task in background:
            # None ends by itself: one that does has failed, and a data plane that hears nothing more must not stay.
            task.add_done_callback(lambda _: stopping.set())
        await stopping.wait()
        LOG.info("stopping")
        await plane.stop(options.grace_seconds)
        for task in background:
            task.cancel()
        ended = await asyncio.gather(*background, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result
    finally:
        await operator.close()


def allow_files(most: int = MOST_FILES) -> None:
    """Have as many files as the process may, and not more than `most` where it has fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < most:
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 after a signal, 1 when an address cannot be had."""
    options = parse_options(arguments)
    set_up(options.log)
    sys.setswitchinterval(SWITCH_SECONDS)
    allow_files()
    try:
        uvloop.run(serve(options))
    except (AddressInUse, OSError) as error:
        LOG.error("cannot start", extra={"why": str(error)})
        return 1
    return 0
