"""DataPlane: every part of the process, constructed and connected in one place, without saying where
configuration comes from; so that tests, benchmarks and `app` start the same thing."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from forebay_api.policy import PolicySpec
from forebay_api.pool import PoolSpec
from forebay_api.wire import PoolState
from forebay_decision.compiled import CompiledConfig
from forebay_extproc.aging import aged, stale_after
from forebay_extproc.bodies import Bodies
from forebay_extproc.cgroup import UNLIMITED_BYTES
from forebay_extproc.configuration import Configurator, Encoders
from forebay_extproc.driver import Driver
from forebay_extproc.lane import Lane
from forebay_extproc.latest import Latest
from forebay_extproc.outcomes.intake import Intake
from forebay_extproc.outcomes.ledger import Ledger
from forebay_extproc.outcomes.neighbours import Neighbours
from forebay_extproc.outcomes.peers import Peers
from forebay_extproc.processor import Processor
from forebay_extproc.server import Server
from forebay_extproc.shadow import Shadows
from forebay_extproc.telemetry.exposition import Exposition
from forebay_extproc.telemetry.metrics import Metrics
from forebay_extproc.telemetry.vocabulary import words_of
from forebay_transport.address import split
from forebay_transport.security import PLAINTEXT, Security

LOG: Final = logging.getLogger(__name__)
EXPIRY_SECONDS: Final = 1.0
GC_THRESHOLDS: Final = (50_000, 20, 20)
"""A request leaves no cycles behind, so the collector only has to run now and then; the default of 700 new objects
makes it run every few requests."""


class Addresses(msgspec.Struct, frozen=True):
    """Where the process listens; `metrics_port` is None where it was not asked for."""

    grpc: tuple[str, ...]
    metrics_port: int | None


class DataPlane:
    """Construct on a running loop, `start`, `configure` as often as there is something new, `stop`."""

    def __init__(
        self,
        replica: str,
        peers: Mapping[str, str] | None = None,
        encoders: Encoders | None = None,
        security: Security = PLAINTEXT,
        peer_service: str | None = None,
        encoder_threads: int = 1,
        body_memory: int = UNLIMITED_BYTES,
    ) -> None:
        """`body_memory` is what the bodies of all requests may take together, in bytes."""
        clock = time.monotonic
        self.metrics = Metrics()
        self.ledger = Ledger(time.time)
        self._config: Latest[CompiledConfig] = Latest()
        self._states: Latest[Mapping[str, PoolState]] = Latest({})
        self._configurator = Configurator(encoders or Encoders())
        self._lane = Lane(clock, encoder_threads, self.metrics.returned)
        driver = Driver(self._lane, clock, self.metrics.work_skipped, ahead=encoder_threads > 1)
        self._shadows = Shadows(driver, self._lane, self.metrics, clock)
        self._peers = Peers(peers or {}, security, port=None if peer_service is None else split(peer_service)[1])
        self._neighbours = None if peer_service is None else Neighbours(self._peers, peer_service, replica)
        self.bodies = Bodies(body_memory, clock, self.metrics.body_refused)
        self._processor = Processor(
            config=self._config,
            states=self._states,
            driver=driver,
            ledger=self.ledger,
            shadows=self._shadows,
            metrics=self.metrics,
            bodies=self.bodies,
            replica=replica,
            clock=clock,
        )
        self._server = Server(self._processor, Intake(replica, self.ledger, self._peers, self.metrics), security)
        self._exposition = Exposition(self.metrics.registry, self._why_not_ready)
        self._stale_after: Mapping[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.metrics.watch("forebay_inflight", "Requests under way.", ("pool", "model"), self.ledger.by_model)
        self.metrics.watch(
            "forebay_deciding", "Decisions in progress.", (), lambda: {(): float(self._processor.deciding)}
        )
        self.metrics.watch(
            "forebay_body_bytes", "Memory that bodies are counted with.", (), lambda: {(): float(self.bodies.taken)}
        )
        self.metrics.watch(
            "forebay_body_bytes_limit", "What they may take.", (), lambda: {(): float(self.bodies.limit)}
        )
        self.metrics.watch(
            "forebay_peer_reports_dropped", "Outcomes no peer took.", (), lambda: {(): float(self._peers.dropped)}
        )

    async def start(self, listen: tuple[str, ...], metrics_host: str, metrics_port: int | None) -> Addresses:
        """Listen everywhere, not serving yet. Raises AddressInUse or OSError."""
        bound = await self._server.start(listen)
        port = None if metrics_port is None else await self._exposition.start(metrics_host, metrics_port)
        self._tasks = [
            asyncio.create_task(self._peers.run()),
            asyncio.create_task(self._shadows.run()),
            asyncio.create_task(self._expire()),
        ]
        if self._neighbours is not None:
            self._tasks.append(asyncio.create_task(self._neighbours.run()))
        return Addresses(tuple(bound), port)

    async def configure(
        self, revision: str, policies: Mapping[str, PolicySpec], pools: Mapping[str, PoolSpec]
    ) -> Mapping[str, str]:
        """Compile and go live; the errors by policy name. Raises what loading an encoder raises, changing nothing."""
        verdict = await self._configurator.compile(revision, policies, pools)
        first = self._config.get() is None
        self.metrics.vocabulary.learn(words_of(policies, pools))
        self.metrics.configured(revision, len(verdict.config.policies), len(verdict.errors))
        self._config.set(verdict.config)
        self._stale_after = stale_after(pools)
        if first:
            # What is loaded by now lives as long as the process: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
        if not self._stopping:
            await self._server.set_serving(True)
        LOG.info("configured", extra={"revision": revision, "policies": len(verdict.config.policies)})
        return verdict.errors

    def age_states(self, silent: float) -> None:
        """Nothing was heard from the operator for `silent` seconds: what is older than its pool's `staleAfter` is stale."""
        states = self._states.get() or {}
        older = aged(states, self._stale_after, silent)
        if older is not states:
            self._states.set(older)

    def limit_decisions(self, most: int) -> None:
        """Most decisions in progress at once; whoever comes on top is told 503."""
        self._processor.max_deciding = most

    def observe(self, states: Mapping[str, PoolState]) -> None:
        """New pool states, all of them."""
        self._states.set(dict(states))
        self.ledger.observe(states)

    async def stop(self, grace_seconds: float) -> None:
        """Finish what is under way, for `grace_seconds` at most."""
        if self._stopping:
            return
        self._stopping = True
        await self._server.stop(grace_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._lane.close()
        await self._exposition.stop()

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_SECONDS)
            self.ledger.expire()

    def _why_not_ready(self) -> str:
        if self._stopping:
            return "stopping"
        return "" if self._config.get() is not None else "no configuration yet"
