"""Keeps the last good configuration in ConfigMaps, so that a data plane or an Envoy can start while no operator runs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from forebay_operator.cluster.connection import ApiError
from forebay_operator.cluster.kinds import CONFIG_MAPS
from forebay_operator.cluster.leading.fence import Fence, NotLeading
from forebay_operator.cluster.statuses import MANAGER
from forebay_operator.lastgood.shards import Shard, TooLarge, names
from forebay_transport.shards import INDEX, Content, UnusableShards, unpack

QUIET_SECONDS: Final = 2.0
MOST_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 600.0
"""How often it is looked whether the copy is still there: somebody may have deleted it, and nothing else may change."""
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
        self._news = asyncio.Event()

    def look(self) -> None:
        """What is published may have changed."""
        self._news.set()

    def forget(self) -> None:
        """Another operator may have written meanwhile."""
        self._hash = None
        self._news.set()

    async def recall(self) -> Content | None:
        """What an operator has kept, whichever it was; None where there is nothing usable. Raises ApiError."""
        files: dict[str, bytes] = {}
        for name in self._names:
            try:
                stored = await self._api.get(CONFIG_MAPS.path(self._namespace, name))
            except ApiError as error:
                if error.gone:
                    break
                raise
            for key, value in (stored.get("binaryData") or {}).items():
                files[key] = base64.b64decode(value)
        if not files:
            return None
        try:
            return await asyncio.to_thread(unpack, files)
        except UnusableShards as error:
            _LOG.warning("the last good configuration of before cannot be used: %s", error)
            return None

    async def run(self) -> None:
        """Keep until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                self._hash = None
            await self._settle()
            if not self._leads():
                continue
            try:
                await self._keep()
            except NotLeading:
                continue  # whoever leads keeps it; `forget` is called when that is us again
            except ApiError as error:
                _LOG.warning("the last good configuration was not kept: %s", error)
                self._news.set()
                await asyncio.sleep(AGAIN_SECONDS)
            except TooLarge as error:
                _LOG.warning("the last good configuration was not kept: %s", error)
            except Exception:  # noqa: BLE001  # a copy is not worth the operator; the next change is tried again
                _LOG.exception("the last good configuration was not kept")

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
        for shard in shards:
            await self._api.apply(
                CONFIG_MAPS.path(self._namespace, shard.name), _config_map(shard, self._namespace), manager=MANAGER
            )
        self._hash = shards[0].hash

    async def _stored_hash(self) -> str:
        """Hash of the set that stands there, empty where there is none."""
        try:
            stored = await self._api.get(CONFIG_MAPS.path(self._namespace, self._names[0]))
        except ApiError as error:
            if error.gone:
                return ""
            raise
        try:
            index = msgspec.json.decode(base64.b64decode(stored["binaryData"][INDEX]))
            return str(index["hash"])
        except (KeyError, TypeError, binascii.Error, msgspec.DecodeError):
            return ""


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
