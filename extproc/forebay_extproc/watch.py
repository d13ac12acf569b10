"""Keeps this replica's configuration and pool states at what the operator publishes, and says what it made of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio

from forebay_api.wire import DATA_PLANE_TYPES, POOL_STATE_TYPE, REVISION_TYPE, SERVED_KEY, PoolState
from forebay_extproc import last_good
from forebay_extproc.channel import Operator
from forebay_extproc.discovery import METHOD, Update, answer, decode_update, subscription
from forebay_extproc.inventory import Candidate, ConfigSet, Inventory
from forebay_transport.backoff import Backoff

log = logging.getLogger(__name__)

MAX_TEXT: Final = 2048
COPY_AFTER: Final = 2.0
COPY_AGAIN: Final = 2.0
LONGEST_PAUSE: Final = 2.0
"""Between two rounds over the operator's replicas: a new leader has all data planes back within some 3 s."""


class ConfigRefused(Exception):
    """Raised by `on_config`: why, policy by policy (``namespace/name`` -> text).

    With `rest_applied` the rest of the set is in force and only these policies stay as they were; else nothing is.
    """

    def __init__(self, errors: Mapping[str, str], *, rest_applied: bool) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors
        self.rest_applied = rest_applied


class Watch:
    """Delta xDS client. `run` never gives up; without an operator the last good configuration simply stays.

    `on_config` is awaited with each complete set, one at a time, newest only; it returns when the set is in force, or
    raises: ConfigRefused for what it refuses by name, anything else to refuse the whole. `on_states` is called with all
    pool states whenever one changes, and is never kept waiting by `on_config`. `copy` is where the last good
    configuration is kept, `shards` the directory of the operator's last good; they are started from, in this order, if
    the operator has sent none within `copy_after` seconds, or cannot be reached.
    """

    def __init__(
        self,
        operator: Operator,
        node_id: str,
        *,
        on_config: Callable[[ConfigSet], Awaitable[None]],
        on_states: Callable[[Mapping[str, PoolState]], None],
        copy: Path | None = None,
        shards: Path | None = None,
        copy_after: float = COPY_AFTER,
        backoff: Backoff | None = None,
    ) -> None:
        self._operator = operator
        self._node_id = node_id
        self._on_config = on_config
        self._on_states = on_states
        self._copy = copy
        self._shards = shards
        self._copy_after = copy_after
        self._backoff = backoff or Backoff(most=LONGEST_PAUSE)
        self._inventory = Inventory()
        self._call: Any = None
        self._heard = False
        self._failed: Candidate | None = None
        self._writing = asyncio.Lock()
        self._unanswered: tuple[str, str] | None = None
        self._newest: Candidate | None = None
        self._arrived = asyncio.Event()
        self._unreachable = asyncio.Event()

    @property
    def connected(self) -> bool:
        """True while an operator serves this replica."""
        return self._heard

    @property
    def revision(self) -> str | None:
        """The revision in force, None before the first."""
        applied = self._inventory.applied
        return None if applied is None else applied.config.revision

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._apply_forever(), name="apply configuration")
            tasks.create_task(self._start_from_copy(), name="start from the last good copy")
            while True:
                await self._follow_leader()
                self._unreachable.set()
                await asyncio.sleep(self._backoff.next())

    # --- the stream

    async def _follow_leader(self) -> None:
        """Try every replica of the operator, and stay with the first that serves, until its stream ends."""
        for target in await self._operator.targets():
            async with self._operator.connect(target) as channel:
                if await self._follow_stream(target, channel):
                    return

    async def _follow_stream(self, target: str, channel: grpc.aio.Channel) -> bool:
        """Watch until the stream ends; True where the operator took it on."""
        stream: grpc.aio.StreamStreamMultiCallable[bytes, Update] = channel.stream_stream(
            METHOD, response_deserializer=decode_update
        )
        call = stream()
        served = False

        def serves() -> None:
            nonlocal served
            if not served:
                served = self._heard = True
                self._backoff.reset()
                self._operator.leads(channel)
                log.info("following the operator at %s", target)

        try:
            for url in DATA_PLANE_TYPES:
                await call.write(subscription(self._node_id, url, self._inventory.versions(url)))
            self._call = call
            if SERVED_KEY in dict(await call.initial_metadata() or ()):
                serves()
            while (update := await call.read()) is not grpc.aio.EOF:
                serves()  # an older operator says so by what it sends alone
                await self._take(update)
            log.info("operator at %s ended the stream: %s", target, (await call.code()).name)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            # A write on a stream that just ended raises InvalidStateError.
            log.info("operator at %s out of reach: %s", target, _why(error))
        finally:
            self._call = self._unanswered = None
            self._heard = False
            call.cancel()
        return served

    async def _take(self, update: Update) -> None:
        if update.type_url not in DATA_PLANE_TYPES:
            await self._answer(update.type_url, update.nonce, f"{update.type_url} was not asked for")
            return
        error = self._inventory.take(update)
        if error is not None:
            log.error("refused: %s", error)
        if update.type_url == POOL_STATE_TYPE:
            self._on_states(self._inventory.states())
        if update.type_url == REVISION_TYPE and error is None and update.items:
            # Answered (nonce, version) when the set it names has been tried.
            self._unanswered = (update.nonce, update.items[-1].version)
        else:
            await self._answer(update.type_url, update.nonce, error)
        if update.type_url != POOL_STATE_TYPE:
            self._look_for_candidate()

    def _look_for_candidate(self) -> None:
        # Here, not when the last set is done with: by then newer objects may have replaced those that the revision names.
        if (candidate := self._inventory.candidate()) is not None:
            self._newest = candidate
            self._arrived.set()

    async def _answer(self, url: str, nonce: str, error: str | None) -> None:
        async with self._writing:
            if self._call is not None:
                await self._call.write(answer(url, nonce, None if error is None else error[:MAX_TEXT]))

    # --- the configuration

    async def _apply_forever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            candidate = self._newest
            if candidate is None or (self._unanswered is None and candidate == self._failed):
                continue
            error = await self._apply(candidate)
            if self._unanswered is not None and self._unanswered[1] == candidate.version:
                nonce, self._unanswered = self._unanswered[0], None
                try:
                    await self._answer(REVISION_TYPE, nonce, error)
                except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                    log.debug("the stream ended before the answer; the next one says it")

    async def _apply(self, candidate: Candidate) -> str | None:
        """Put the set in force unless it is; return why it, or a part of it, was refused."""
        applied = self._inventory.applied
        if (
            applied is not None
            and applied.version
            and applied.items == candidate.items
            and applied.config.revision == candidate.config.revision
        ):
            self._inventory.accept(candidate, {})
            return None
        refused: Mapping[str, str] = {}
        try:
            await self._on_config(candidate.config)
        except ConfigRefused as error:
            log.error("revision %s: %s", candidate.config.revision, error)
            if not error.rest_applied:
                self._failed = candidate
                return str(error)
            refused = error.errors
        except Exception as error:
            # Whatever a set does to its compiler, the last good one stays.
            self._failed = candidate
            log.exception("revision %s was refused", candidate.config.revision)
            return f"revision {candidate.config.revision}: {type(error).__name__}: {error}"
        self._inventory.accept(candidate, refused)
        await self._keep_copy()
        return "; ".join(f"{name}: {text}" for name, text in refused.items()) or None

    async def _keep_copy(self) -> None:
        if self._copy is not None and self._inventory.applied is not None:
            try:
                await asyncio.to_thread(last_good.write, self._copy, self._inventory.applied)
            except OSError as error:
                log.warning("the last good configuration could not be kept: %s", error)

    async def _start_from_copy(self) -> None:
        try:
            async with asyncio.timeout(self._copy_after):
                await self._unreachable.wait()
        except TimeoutError:
            pass
        places = ((self._copy, last_good.read), (self._shards, last_good.read_shards))
        said: set[str] = set()
        # Mounted shards are replaced one by one: what does not fit together now may in a moment.
        while self._inventory.empty and any(place is not None for place, _ in places):
            for place, read in places:
                if place is not None and self._inventory.empty:
                    problem = await self._start_from(place, read)
                    if problem and problem not in said:
                        said.add(problem)
                        log.warning("not started from the last good configuration: %s", problem)
            await asyncio.sleep(COPY_AGAIN)

    async def _start_from(self, place: Path, read: Callable[[Path], tuple[Update, ...]]) -> str:
        """Take in what is there; why it cannot be used, empty where it is or where there is nothing."""
        try:
            updates = await asyncio.to_thread(read, place)
        except (last_good.UnusableCopy, OSError) as error:
            return str(error)
        if updates and self._inventory.empty:
            log.info("operator out of reach: starting from the last good configuration in %s", place)
            for update in updates:
                self._inventory.take(update)
            self._look_for_candidate()
        return ""


def _why(error: grpc.aio.AioRpcError | asyncio.InvalidStateError) -> str:
    if not isinstance(error, grpc.aio.AioRpcError):
        return str(error)
    return f"{error.code().name} {error.details() or ''}".rstrip()
