"""The Kubernetes API as a source of situations: followers fill the store, and each change makes a new picture.

When a picture is told. The first one when everything that was there at the start has arrived, so that an operator that
starts never publishes half of what there is. Later ones when a burst of changes is over, or has gone on for long enough
(`burst`).

Deletions that a broken watch has missed are found by comparing with what the API server lists (`sweep`), after each new
listing and at long intervals.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Final

from forebay_operator.cluster.burst import Burst
from forebay_operator.cluster.change import Change
from forebay_operator.cluster.connection import Api, ApiError, Login
from forebay_operator.cluster.handlers import Follower
from forebay_operator.cluster.kinds import (
    ALWAYS,
    BY_PLURAL,
    ENVOY_GATEWAY_GROUPS,
    GATEWAY_CLASSES,
    GATEWAYS,
    GRANTS,
    HTTP_ROUTES,
    INFERENCE_POOLS,
    PODS,
    POLICIES,
    POLICY_DATA,
    POOLS,
    SECRETS,
    SERVICES,
    SLICES,
    Resource,
)
from forebay_operator.cluster.reach import SHUT, Reach
from forebay_operator.cluster.store import Picture, Store, surplus
from forebay_operator.options import ClusterOptions

START_POLL_SECONDS: Final = 0.3
REFUSED_POLL_SECONDS: Final = 1.0
"""Where the API server refuses, or cannot be reached."""
SWEEP_AFTER_SECONDS: Final = 1.0
SWEEP_EVERY_SECONDS: Final = 300.0
DISCOVER_EVERY_SECONDS: Final = 30.0
_LOG = logging.getLogger(__name__)


class ClusterSource:
    """Follows the API server from `run` on. `on_stored` hears of changes of stored status alone, `on_gathered` how many
    seconds the first change of a picture has waited for it."""

    def __init__(
        self,
        options: ClusterOptions,
        login: Login,
        api: Api,
        *,
        on_stored: Callable[[Change], None] = lambda _c: None,
        on_gathered: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._options = options
        self._login = login
        self._reach = Reach(options, api)
        self._on_stored = on_stored
        self._on_gathered = on_gathered
        self.store = Store()
        self._arrived: deque[tuple[float, Change]] = deque()
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._followers: dict[tuple[Resource, ...], tuple[Follower, ...]] = {}
        self._to_sweep: set[Resource] = set()
        self._complete = False
        self._dropped = False
        self.lacks = ""
        """What is waited for at the start, and why it does not come; empty where nothing is in the way."""

    @property
    def complete(self) -> bool:
        """True once everything that was there at the start has been seen."""
        return self._complete

    async def pictures(self) -> AsyncGenerator[Picture, None]:
        """The whole picture, and a new one after each change. Ends by cancellation only."""
        self._loop = asyncio.get_running_loop()
        self._follow((POLICIES, POOLS))
        self._follow((SERVICES, SLICES))
        if self._options.credential_namespaces:
            self._follow((SECRETS,))
            await self._note_locked()
        while self._options.config_maps:
            if await self._follow_config_maps():
                break
            await asyncio.sleep(START_POLL_SECONDS)
        await self._discover()
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep())
            try:
                await self._wait_complete()
                yield self.store.picture()
                while True:
                    burst = await self._next_burst()
                    if burst is not None:
                        self._on_gathered(time.monotonic() - burst.first)
                        yield self.store.picture()
            finally:
                keeping.cancel()
                for followed in list(self._followers):
                    self._leave(followed)

    def _follow(self, resources: tuple[Resource, ...]) -> None:
        namespaces = self._reach.namespaces(resources[0], self.store.barred)
        # Secrets are opened namespace by namespace: one that is not must not end the watches of the others.
        scopes = [(namespace,) for namespace in namespaces] if SECRETS in resources else [namespaces]
        followers = tuple(Follower(resources, scope, self._login, self._hand_over) for scope in scopes)
        self._followers[resources] = followers
        for follower in followers:
            follower.start()

    def _leave(self, resources: tuple[Resource, ...]) -> None:
        for follower in self._followers.pop(resources, ()):
            follower.stop()

    def _hand_over(self, change: Change) -> None:
        """On the follower's thread: one append, one wake."""
        self._arrived.append((time.monotonic(), change))
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._news.set)

    def _take_arrived(self, burst: Burst | None = None) -> Burst | None:
        """Take what has arrived into the store; `burst` with those changes that count, None where none does."""
        arrived = [time.monotonic()] if self._dropped else []
        self._dropped = False
        while self._arrived:
            at, change = self._arrived.popleft()
            if change.listed and self._complete:
                self._to_sweep.add(change.resource)
            if change.refused is not None and change.resource not in (POLICIES, POOLS):
                _LOG.warning("%s %s %s", change.resource.kind, change.identity.key, change.refused.findings[0].message)
            if self.store.take(change):
                arrived.append(at)
            if change.resource in (POLICIES, POOLS):
                self._on_stored(change)
        for at in arrived:
            burst = Burst(at, at) if burst is None else burst.joined(at)
        return burst

    async def _next_burst(self) -> Burst | None:
        """Wait for changes, and for the end of their burst; None where none of them counts."""
        await self._news.wait()
        burst: Burst | None = None
        while True:
            self._news.clear()
            burst = self._take_arrived(burst)
            if burst is None or (left := burst.due - time.monotonic()) <= 0:
                return burst
            try:
                async with asyncio.timeout(left):
                    await self._news.wait()
            except TimeoutError:
                return burst

    async def _wait_complete(self) -> None:
        """Until the store holds every object that the API server lists. Never gives up: half a picture is none."""
        waiting = {resource for group in self._followers for resource in group}
        while waiting:
            self._news.clear()
            self._take_arrived()
            for resource in list(waiting):
                try:
                    listed = [
                        entry async for entry in self._reach.listed(resource, self.store.barred, self.store.locked)
                    ]
                except ApiError as error:
                    self._note_lack(f"{resource.plural}: {error}")
                    if error.status in SHUT and resource == SECRETS and await self._note_locked():
                        continue  # the others' are waited for
                    if error.status in SHUT and resource not in ALWAYS:
                        # What may not be read is as good as absent, and said in conditions.
                        waiting.discard(resource)
                        continue
                    await asyncio.sleep(REFUSED_POLL_SECONDS)
                    break
                known = set(self.store.uids(resource).values())
                if all(uid in known for _, _, uid in listed):
                    waiting.discard(resource)
            if waiting:
                await asyncio.sleep(START_POLL_SECONDS)
        self._complete, self.lacks = True, ""
        _LOG.info("everything is known: %s", {r.plural: len(self.store.uids(r)) for r in ALWAYS})

    def _note_lack(self, why: str) -> None:
        if why != self.lacks:
            _LOG.warning("waiting for the API server: %s", why)
        self.lacks = why

    # --- what stands behind the watches

    async def _keep(self) -> None:
        """Sweep after new listings and at intervals; follow optional kinds while the API server has them."""
        swept = discovered = time.monotonic() - DISCOVER_EVERY_SECONDS
        while True:
            now = time.monotonic()
            if now - discovered >= DISCOVER_EVERY_SECONDS:
                discovered = now
                await self._discover()
                if self._options.config_maps:
                    await self._follow_config_maps()
                await self._note_locked()
            if self._complete and now - swept >= SWEEP_EVERY_SECONDS:
                swept = now
                self._to_sweep.update(BY_PLURAL[r.plural] for group in self._followers for r in group)
            due, self._to_sweep = self._to_sweep, set()
            if due:
                await asyncio.sleep(SWEEP_AFTER_SECONDS)  # a listing brings all its objects at once
                for resource in due:
                    await self._sweep(resource)
            await asyncio.sleep(SWEEP_AFTER_SECONDS / 2)

    async def _sweep(self, resource: Resource) -> None:
        known = self.store.uids(resource)
        try:
            listed = [entry async for entry in self._reach.listed(resource, self.store.barred, self.store.locked)]
        except ApiError as error:
            _LOG.info("sweep of %s put off: %s", resource.plural, error)
            if error.status not in SHUT:
                self._to_sweep.add(resource)
            return
        if resource == SECRETS:
            known = {key: uid for key, uid in known.items() if key.partition("/")[0] not in self.store.locked}
        for identity in surplus(known, listed):
            _LOG.info("%s %s is gone; its watch had missed that", resource.kind, identity.key)
            self._hand_over(Change(resource, identity))

    async def _discover(self) -> None:
        """Follow ReferenceGrants and InferencePools where the API server has these kinds."""
        groups: list[tuple[Resource, ...]] = [(GRANTS,)]
        if self._options.inference_pools:
            groups.append((INFERENCE_POOLS, PODS))
        if self._options.gateway_api:
            groups += [(GATEWAY_CLASSES,), (GATEWAYS, HTTP_ROUTES), *ENVOY_GATEWAY_GROUPS]
        for group in groups:
            try:
                there = all([await self._reach.serves(resource) for resource in group if resource.optional])
            except ApiError:
                continue  # asked again soon
            if there and group not in self._followers:
                _LOG.info("following %s", ", ".join(r.plural for r in group))
                self._follow(group)
            elif not there and group in self._followers:
                self._leave(group)
                if any(list(map(self.store.forget, group))):
                    self._dropped = True
                    self._news.set()

    async def _follow_config_maps(self) -> bool:
        """Follow ConfigMaps where they may be read, and note where not: rights come and go, and a watch that is refused
        looks like one to which nothing happens. False where the API server does not say."""
        group = (POLICY_DATA,)
        if (barred := await self._reach.shut(POLICY_DATA, self._options.watched or (None,))) is None:
            return False
        news = self.store.bar(barred)
        if not news and group in self._followers:
            return True
        self._leave(group)
        if "" not in barred and (not self._options.watched or self._reach.namespaces(POLICY_DATA, self.store.barred)):
            self._follow(group)
        if news:
            where = ", ".join(sorted(barred)) or ("any namespace" if barred else "none")
            _LOG.warning("namespaces in which ConfigMaps may not be read: %s", where)
            self._dropped = True
            self._news.set()
        return True

    async def _note_locked(self) -> bool:
        """Find out which namespaces' Secrets may not be read now. Says whether that is news."""
        locked = await self._reach.shut(SECRETS, self._options.credential_namespaces)
        if locked is None or not self.store.lock(locked):
            return False
        _LOG.warning("namespaces in which Secrets may not be read: %s", ", ".join(sorted(locked)) or "none")
        self._dropped = True
        self._news.set()
        return True
