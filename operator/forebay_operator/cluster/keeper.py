"""Keeps the last good configuration in ConfigMaps, so that a data plane or an Envoy can start while no operator runs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from forebay_operator.cluster.connection import ApiError, version_of
from forebay_operator.cluster.kinds import CONFIG_MAPS
from forebay_operator.cluster.leading.fence import Fence, NotLeading
from forebay_operator.cluster.statuses import MANAGER
from forebay_operator.lastgood.shards import Shard, TooLarge, names
from forebay_transport.shards import INDEX, Content, UnusableShards, unpack

QUIET_SECONDS: Final = 2.0
MOST_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 60.0
"""How often it is looked whether every part of the copy is as it was written: somebody may have deleted or edited one, and
nothing else may change."""
_LOG = logging.getLogger(__name__)


class Keeper:
    """`make` gives the present shards, or None where there is nothing to keep yet; it is asked only while `leads`."""

    def __init__(
        self,
        api: Fence,
        *,
        namespace: str,
        name: str,
        make: Callable[[], Awaitable[tuple[Shard, ...] | None]],
        leads: Callable[[], bool],
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._names = names(name)
        self._make = make
        self._leads = leads
        self._hash: str | None = None
        self._versions: dict[str, str] = {}
        """Of each ConfigMap as it stood when it was known to be right."""
        self._news = asyncio.Event()
        self.fault = ""
        """Why what is published is not kept; empty where it is, or is about to be."""

    def look(self) -> None:
        """What is published may have changed."""
        self._news.set()

    def forget(self) -> None:
        """Another operator may have written meanwhile."""
        self.fault = ""
        self._hash = None
        self._news.set()

    async def recall(self) -> Content | None:
        """What an operator has kept, whichever it was; None where there is nothing usable. Raises ApiError."""
        files, _ = await self._read()
        if not files:
            return None
        try:
            return await asyncio.to_thread(unpack, files)
        except UnusableShards as error:
            _LOG.warning("the last good configuration of before cannot be used: %s", error)
            return None

    async def run(self) -> None:
        """Keep until cancelled."""
        looked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, looked + LOOK_SECONDS - time.monotonic())):
                    await self._news.wait()
            if news := self._news.is_set():
                await self._settle()
            due = time.monotonic() - looked >= LOOK_SECONDS
            if due:
                looked = time.monotonic()
            if not self._leads():
                continue
            try:
                if due and not await self._intact():
                    self._hash = None
                if news or self._hash is None:
                    await self._keep()
                    self.fault = ""
            except NotLeading:
                continue  # whoever leads keeps it; `forget` is called when that is us again
            except ApiError as error:
                self._fail(error)
                self._news.set()
                await asyncio.sleep(AGAIN_SECONDS)
            except TooLarge as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001  # a copy is not worth the operator; the next change is tried again
                _LOG.exception("the last good configuration was not kept")
                self.fault = type(error).__name__

    def _fail(self, error: Exception) -> None:
        if self.fault != str(error):
            _LOG.warning("the last good configuration was not kept: %s", error)
        self.fault = str(error)

    async def _settle(self) -> None:
        """Until nothing has changed for QUIET_SECONDS, or MOST_SECONDS are over: endpoints may never rest, and a copy
        that is so much older serves as well."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                while True:
                    self._news.clear()
                    async with asyncio.timeout(QUIET_SECONDS):
                        await self._news.wait()
        except TimeoutError:
            self._news.clear()

    async def _keep(self) -> None:
        if self._hash is None:
            self._hash = await self._stored_hash()
        shards = await self._make()
        if not shards or shards[0].hash == self._hash:
            return
        versions = {}
        for shard in shards:
            path = CONFIG_MAPS.path(self._namespace, shard.name)
            stored = await self._api.apply(path, _config_map(shard, self._namespace), manager=MANAGER)
            versions[shard.name] = version_of(stored)
        self._hash, self._versions = shards[0].hash, versions

    async def _intact(self) -> bool:
        """Whether every ConfigMap is as it was when it was known to be right. Costs no more than their metadata."""
        for name, version in self._versions.items():
            try:
                now = await self._api.version(CONFIG_MAPS.path(self._namespace, name))
            except ApiError as error:
                if not error.gone:
                    raise
                now = ""
            if now != version:
                _LOG.info("ConfigMap %s is %s", name, "not as it was" if now else "gone")
                return False
        return True

    async def _read(self) -> tuple[dict[str, bytes], dict[str, str]]:
        """The files that stand there, up to the first gap, and the version of each ConfigMap that holds one."""
        files: dict[str, bytes] = {}
        versions: dict[str, str] = {}
        for name in self._names:
            try:
                stored = await self._api.get(CONFIG_MAPS.path(self._namespace, name))
            except ApiError as error:
                if error.gone:
                    break
                raise
            versions[name] = version_of(stored)
            for key, value in (stored.get("binaryData") or {}).items():
                files[key] = _decoded(value)
        return files, versions

    async def _stored_hash(self) -> str:
        """Hash of the set that stands there, empty where there is no whole one."""
        files, self._versions = await self._read()
        try:
            await asyncio.to_thread(unpack, files)
            return str(msgspec.json.decode(files[INDEX])["hash"])
        except UnusableShards:
            return ""


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except (TypeError, binascii.Error):
        return b""


def _config_map(shard: Shard, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": shard.name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/managed-by": "forebay-operator"},
        },
        "binaryData": {shard.key: base64.b64encode(shard.value).decode()},
    }
