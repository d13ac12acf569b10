"""The directory as a source of situations: its manifests, and the credentials that forebay.yaml points to.

Credential files are read again every CREDENTIAL_SECONDS, so that rotation needs no restart.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Final

import msgspec

from forebay_api.local import Listener, LocalConfig
from forebay_operator.envoy.inputs import DataPlane
from forebay_operator.gather import gather
from forebay_operator.publication import Surface
from forebay_operator.situation import Situation
from forebay_operator.source.directory import Directory
from forebay_operator.source.view import View
from forebay_operator.xds.acknowledgements import Kind

CREDENTIAL_SECONDS: Final = 2.0


class LocalSource:
    """`data_planes` maps node id -> address; `ports` replace those of forebay.yaml's listeners, in order."""

    def __init__(
        self, root: Path, *, data_planes: Mapping[str, str], envoys: tuple[str, ...], ports: tuple[int, ...] = ()
    ) -> None:
        self._root = root
        self._data_planes = data_planes
        self._ports = ports
        self._expected = dict.fromkeys(data_planes, Kind.DATA_PLANE) | dict.fromkeys(envoys, Kind.ENVOY)

    async def situations(self) -> AsyncGenerator[Situation, None]:
        """At once, after each change of the directory, and after each change of a credential."""
        newest: asyncio.Queue[View] = asyncio.Queue()
        async with aclosing(Directory(self._root).views()) as views, asyncio.TaskGroup() as group:
            following = group.create_task(_follow(views, newest))
            try:
                view = await newest.get()
                told = await asyncio.to_thread(self._situation, view)
                yield told
                while True:
                    try:
                        async with asyncio.timeout(CREDENTIAL_SECONDS):
                            view = await newest.get()
                        told = await asyncio.to_thread(self._situation, view)
                        yield told
                    except TimeoutError:
                        looked = await asyncio.to_thread(self._situation, view)
                        if looked.inputs.credentials != told.inputs.credentials:
                            told = looked
                            yield told
            finally:
                following.cancel()

    def _situation(self, view: View) -> Situation:
        return Situation(
            inputs=gather(view, base=self._root, environ=os.environ),
            surface=Surface(
                listeners_at(view.local, self._ports),
                DataPlane(tuple(self._data_planes.values())),
                trust_file(view.local, self._root),
            ),
            expected=self._expected,
            ready=frozenset(self._expected),
            errors=view.errors,
        )


async def _follow(views: AsyncGenerator[View, None], newest: asyncio.Queue[View]) -> None:
    async for view in views:
        while not newest.empty():
            newest.get_nowait()
        newest.put_nowait(view)


def listeners_at(local: LocalConfig, ports: tuple[int, ...]) -> tuple[Listener, ...]:
    """The listeners of forebay.yaml, on `ports` as far as there are any."""
    return tuple(
        msgspec.structs.replace(listener, port=ports[index]) if index < len(ports) else listener
        for index, listener in enumerate(local.listeners)
    )


def trust_file(local: LocalConfig, base: Path) -> str | None:
    """The PEM bundle that `external` pools are verified against; None for the system's."""
    if local.trust.ca_file is None:
        return None
    # Links stay links: a mounted ConfigMap is one, replaced with each change, and Envoy has it mounted by itself.
    return os.path.abspath(base / Path(local.trust.ca_file).expanduser())
