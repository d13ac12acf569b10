"""The operator in a cluster: follows the API server, and while it holds the Lease serves, scrapes and writes.

A standby does everything but that: its picture, its verdicts and its resources are ready when it takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal

from forebay_api.wire import LoadReport
from forebay_operator.cluster.change import Change, Identity
from forebay_operator.cluster.config import ConfigFile
from forebay_operator.cluster.connection import Api, Login
from forebay_operator.cluster.events import EventPoster, transitions
from forebay_operator.cluster.gateway.attachments import Attachments
from forebay_operator.cluster.keeper import Keeper
from forebay_operator.cluster.kinds import POOLS, Resource
from forebay_operator.cluster.leading.fence import Fence
from forebay_operator.cluster.leading.leader import Leadership
from forebay_operator.cluster.situate import Situater
from forebay_operator.cluster.source import ClusterSource
from forebay_operator.cluster.statuses import Status, StatusWriter
from forebay_operator.cluster.store import Picture
from forebay_operator.cluster.truth import Truth
from forebay_operator.cluster.unjudged import unjudged, unreadable
from forebay_operator.envoy.identity import peer_tls
from forebay_operator.gateway.envoy_gateway.adapter import EnvoyGateway
from forebay_operator.lastgood.shards import Shard, policies_of, shards
from forebay_operator.options import ClusterOptions, Options
from forebay_operator.reconciler import Reconciler
from forebay_operator.scrape.state import PoolStates
from forebay_operator.scrape.targets import scrape_targets
from forebay_operator.scraping import Scraping
from forebay_operator.situation import Situation
from forebay_operator.steps import until
from forebay_operator.telemetry.exposition import Exposition
from forebay_operator.telemetry.lag import measure_lag
from forebay_operator.telemetry.metrics import OperatorMetrics
from forebay_operator.telemetry.pools import pool_views
from forebay_operator.telemetry.trouble import watch_trouble
from forebay_operator.xds.server import XdsServer

ROUTING_REST_SECONDS: Final = 0.2
SITUATE_SHARE: Final = 2.0
"""Rest after all objects were put together, in the time that it took: with hundreds of routes and policies it is long."""
MOST_SITUATE_SECONDS: Final = 0.5
TELL_SECONDS: Final = 0.1
"""Least time between two looks at all statuses."""
TELL_SHARE: Final = 4.0
"""Least rest after a look, in its own lengths: of thousands of objects it takes a while."""
LOOK_SECONDS: Final = 1.0
"""Most time between them: what waits for time alone (a replica that is late) is seen then."""
AGAIN_SECONDS: Final = 1.0
RECALL_SECONDS: Final = 10.0
"""Most time that a start waits for the copy of what was published before."""
_LOG = logging.getLogger(__name__)


class ClusterOperator:
    """One replica of the operator. Constructed and run once."""

    def __init__(self, options: Options, cluster: ClusterOptions) -> None:
        self._options = options
        self._cluster = cluster
        login = Login(cluster.kubeconfig)
        self._api = Api(login)
        self._states = PoolStates()
        self._metrics = OperatorMetrics()
        self._server = XdsServer(
            rest=ROUTING_REST_SECONDS,
            on_load=self._on_load,
            on_sent=self._metrics.sent,
            security=options.security,
            leading=False,
        )
        self._reconciler = Reconciler(
            self._server,
            self._states,
            on_reconciled=self._on_reconciled,
            on_states=self._look,
            on_failed=self._on_failed,
        )
        self._scraping = Scraping(
            self._states, on=False, budget=options.scrape_budget, on_attempt=self._metrics.scraped
        )
        self._source = ClusterSource(
            cluster, login, self._api, on_stored=self._on_stored, on_gathered=self._metrics.gathered
        )
        self._situater = Situater(cluster, peer_tls(options.security))
        fence = Fence(self._api, lambda most: self._leadership.write_seconds(most))
        self._writer = StatusWriter(
            fence,
            on_written=self._on_written,
            on_result=lambda resource, result: self._metrics.status_written(_kind(resource), result),
        )
        self._events = EventPoster(fence, cluster.identity, on_result=self._metrics.event_posted)
        self._truth = Truth(self._writer)
        self._attachments = Attachments(
            fence,
            EnvoyGateway(cluster.gateway_controller),
            on_told=self._look,
            post=self._events.post,
            on_result=self._metrics.gateway_written,
        )
        self._leadership = Leadership(
            self._api,
            namespace=cluster.namespace,
            name=f"{cluster.name}-operator",
            identity=cluster.identity,
            on_change=self._on_lead,
        )
        self._keeper = Keeper(
            fence,
            namespace=cluster.namespace,
            name=cluster.name,
            make=self._shards,
            leads=lambda: self._leadership.leading,
        )
        # A standby has seen no server: what it would say of pools is not so.
        self._metrics.watch_pools(lambda: pool_views(self._states, time.time()) if self._leadership.leading else ())
        self._metrics.watch_scraping(lambda: (self._scraping.endpoints, self._scraping.stretch))
        watch_trouble(
            self._metrics, self._writer, self._server, self._keeper, options.security, lambda: self._leadership.leading
        )
        self._metrics.watch_clients(lambda: self._server.subscribers.values())
        self._metrics.watch(
            "forebay_published_info",
            "The revision of what is published: equal for equal content, on any replica.",
            ("revision",),
            lambda: {(self._reconciler.core.revision,): 1.0},
        )
        self._metrics.watch(
            "forebay_reconcile_failing",
            "1 while nothing can be reconciled: what was published before stays.",
            (),
            lambda: {(): float(bool(self._whole_fault))},
        )
        self._metrics.watch(
            "forebay_status_fields_unknown",
            "1 for each field of status that the API server's definitions lack: apply the CRDs of this version.",
            ("kind", "field"),
            lambda: {(kind, field): 1.0 for kind, fields in self._writer.gaps.missing.items() for field in fields},
        )
        self._exposition = Exposition(self._metrics.page, self._why_not_ready)
        self._config = ConfigFile(cluster.config)
        self._fault = ""
        self._picture: Picture | None = None
        self._news = asyncio.Event()
        self._redrawn = asyncio.Event()

    def _why_not_ready(self) -> str:
        """Empty once everything that there is has been seen and judged, leading or not."""
        if not self._source.complete:
            why = f": {self._source.lacks}" if self._source.lacks else ""
            return f"the API server's objects have not all been seen yet{why}"
        if self._reconciler.core.revision:
            return ""  # also where reconciling fails now: what was published is served, and nobody else would do better
        return "; ".join(filter(None, ("nothing has been judged yet", self._whole_fault)))

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop. Raises ConfigUnusable: other listeners than those that were asked for serve nobody."""
        self._config.start()
        if self._options.metrics is not None:
            _LOG.info("metrics on %s", await self._exposition.start(self._options.metrics))
        addresses = await self._server.start(self._options.listen)
        _LOG.info("serving xDS on %s while leading, as %s", ", ".join(addresses), self._cluster.identity)
        try:
            await until(
                stopping,
                self._follow,
                self._situate,
                self._follow_config,
                self._reconciler.run,
                self._reconciler.tick,
                self._follow_acknowledgements,
                self._tell,
                self._writer.run,
                self._events.run,
                self._keeper.run,
                self._attachments.run,
                self._leadership.run,
                partial(measure_lag, self._metrics.lagged),
            )
        finally:
            await self._stop()

    async def _stop(self) -> None:
        """Also where a step has failed: the other replica need not wait for the Lease to run out."""
        await self._leadership.release()
        await self._scraping.stop()
        await self._server.stop()
        await self._exposition.stop()
        await self._api.close()

    # --- from the API server

    async def _follow(self) -> None:
        async with aclosing(self._source.pictures()) as pictures:
            async for picture in pictures:
                self._picture = picture
                self._redrawn.set()

    async def _follow_config(self) -> None:
        while True:
            await self._config.change()
            self._redrawn.set()

    async def _situate(self) -> None:
        while True:
            await self._redrawn.wait()
            self._redrawn.clear()
            if self._picture is None:
                continue
            if self._reconciler.situation is None:
                await self._recall()
            try:
                detained = self._reconciler.core.verdicts.detained
                situate = partial(self._situater.situate, self._picture, self._config.local, detained)
                started = time.monotonic()
                situation = await asyncio.to_thread(situate)
                took = time.monotonic() - started
                if situation.gateway is not None and situation.gateway.again is not None:
                    asyncio.get_running_loop().call_later(situation.gateway.again, self._redrawn.set)
                self._reconciler.aim(situation)
                self._fault = ""
                await asyncio.sleep(min(took * SITUATE_SHARE, MOST_SITUATE_SECONDS))
            except Exception as error:  # noqa: BLE001  # what is published stays; the next change is tried again
                _LOG.exception("the cluster's objects could not be put together")
                self._fault = f"{type(error).__name__}: {error}"[:512]
                self._on_failed(0.0)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _recall(self) -> None:
        """A policy whose newest version is refused goes on in the version that was kept, as under the operator before."""
        try:
            async with asyncio.timeout(RECALL_SECONDS):
                kept = await self._keeper.recall()
                if kept is not None:
                    policies = await asyncio.to_thread(policies_of, kept)
                    self._reconciler.core.recall(policies)
                    self._situater.recall(policies)
        except Exception as error:  # noqa: BLE001  # it is a help, and no condition of starting
            _LOG.warning("nothing is known of what was published before: %s: %s", type(error).__name__, error)

    def _on_stored(self, change: Change) -> None:
        if change.gone:
            self._writer.gone(change.resource, change.identity)
        else:
            self._writer.shown(change.resource, change.identity, change.status, change.version)
        self._look()

    # --- to the planes

    def _on_reconciled(self, situation: Situation, seconds: float) -> None:
        self._metrics.reconciled(seconds)
        self._keeper.look()
        core = self._reconciler.core
        self._truth.note_published(core.verdicts, self._server.sequence)
        self._scraping.aim(scrape_targets(core.verdicts.accepted_pools(), core.backends), situation.surface.trust_ca)
        if situation.gateway is not None:
            self._attachments.look(situation.gateway, core)
        self._look()

    @property
    def _whole_fault(self) -> str:
        """Why nothing can be reconciled now, through no fault of one object; empty where all is well."""
        return self._fault or self._reconciler.fault

    def _on_failed(self, seconds: float) -> None:
        self._metrics.reconciled(seconds, failed=True)
        self._look()

    async def _follow_acknowledgements(self) -> None:
        async for _ in self._server.watch():
            self._look()

    def _on_load(self, report: LoadReport) -> None:
        self._states.load(report, time.time())

    def _on_lead(self, leading: bool) -> None:
        if leading:
            self._states.begin_anew(time.time())
            self._truth.take_over(time.monotonic())
        else:
            self._writer.withdraw()
        self._keeper.forget()
        self._attachments.lead(leading)
        self._metrics.lead(leading)
        self._server.lead(leading)
        self._scraping.switch(leading)
        self._look()

    # --- back to the API server

    def _look(self) -> None:
        self._news.set()

    async def _tell(self) -> None:
        """Keep statuses true while leading."""
        ticked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            self._news.clear()
            if time.monotonic() - ticked >= LOOK_SECONDS:
                ticked = time.monotonic()
                self._writer.tick()
            situation, picture = self._reconciler.situation, self._picture
            started = time.monotonic()
            if self._leadership.leading and situation is not None and picture is not None:
                self._truth.tell(
                    self._reconciler.core,
                    self._server,
                    situation,
                    self._states,
                    unreadable(picture),
                    self._attachments.told,
                    unjudged(picture, self._reconciler.core.verdicts) if self._whole_fault else {},
                    fault=self._whole_fault,
                    now=time.monotonic(),
                    wall=datetime.now(UTC),
                )
                self._attachments.ask(self._truth.reached)
            await asyncio.sleep(max(TELL_SECONDS, TELL_SHARE * (time.monotonic() - started)))

    async def _shards(self) -> tuple[Shard, ...] | None:
        async with self._reconciler.turn:
            return await asyncio.to_thread(self._make_shards)

    def _make_shards(self) -> tuple[Shard, ...] | None:
        kept = self._reconciler.core.kept()
        return None if kept is None else shards(*kept, self._cluster.name)

    def _on_written(self, resource: Resource, identity: Identity, before: Status, now: Status) -> None:
        for told in transitions(resource.kind, identity, before.conditions, now.conditions):
            self._events.post(told)


def _kind(resource: Resource) -> Literal["ModelPool", "RoutingPolicy"]:
    return "ModelPool" if resource == POOLS else "RoutingPolicy"
