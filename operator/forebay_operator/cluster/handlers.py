"""kopf's handlers: they translate events and pass them on; nothing else of kopf is used.

Event handlers only: no finalizer, no annotation, no status and no Event is written by kopf, and no peering object is
needed. Each follower has a loop of its own on a thread of its own, so that decoding thousands of objects never delays an
acknowledgement, and a watch that fails is begun again without touching the others.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import kopf

from forebay_operator.cluster.change import Change, translate
from forebay_operator.cluster.connection import Login
from forebay_operator.cluster.kinds import Resource

AGAIN_SECONDS: Final = 1.0
"""Rest before a follower that has failed begins again; doubled each time, up to MOST_AGAIN_SECONDS."""
MOST_AGAIN_SECONDS: Final = 5.0
SOUND_SECONDS: Final = 60.0
"""Who has followed for so long has not failed twice in a row."""
STOP_SECONDS: Final = 3.0
_LOG = logging.getLogger(__name__)


class Follower:
    """Follows some resources in all or some namespaces, on its own thread, until stopped.

    `on_change` is called on that thread. `on_failure` hears each end that nobody asked for.
    """

    def __init__(
        self,
        resources: Sequence[Resource],
        namespaces: Sequence[str],
        login: Login,
        on_change: Callable[[Change], None],
        on_failure: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self.resources = tuple(resources)
        self._namespaces = tuple(namespaces)
        self._login = login
        self._on_change = on_change
        self._on_failure = on_failure
        self._stop = threading.Event()
        plurals = ",".join(resource.plural for resource in resources)
        self._thread = threading.Thread(target=self._run, name=f"follow {plurals}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; `join` waits for it."""
        self._stop.set()

    def join(self) -> None:
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        told, rest = "", AGAIN_SECONDS / 2
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                asyncio.run(self._follow())
            except Exception as error:  # noqa: BLE001  # whatever ended it, what it follows must be followed again
                why = f"{type(error).__name__}: {error}"[:300]
                if why != told:
                    _LOG.warning("%s: ended: %s; begun again and again", self._thread.name, why)
                told = why
                self._on_failure(why)
            rest = AGAIN_SECONDS if time.monotonic() - started > SOUND_SECONDS else min(2 * rest, MOST_AGAIN_SECONDS)
            self._stop.wait(rest)

    async def _follow(self) -> None:
        await kopf.operator(
            registry=self._registry(),
            settings=_settings(self.resources),
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            standalone=True,
            stop_flag=self._stop,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry, id="login")(self._log_in)
        for resource in self.resources:
            self._register(registry, resource)
        return registry

    async def _log_in(self, **_: Any) -> kopf.ConnectionInfo:
        return self._login()

    def _register(self, registry: kopf.OperatorRegistry, resource: Resource) -> None:
        def take(event: Any, **_: Any) -> None:
            self._on_change(translate(resource, event["type"], event["object"]))

        async def handle(**given: Any) -> None:
            take(**given)

        kopf.on.event(resource.group, resource.version, resource.plural, registry=registry, id=resource.plural)(handle)


def _settings(resources: Sequence[Resource]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = None
    settings.watching.reconnect_backoff = 0.2
    settings.watching.connect_timeout = 5.0
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    settings.networking.error_backoffs = (0.2, 0.5, 1.0, 1.0, 1.0)
    settings.queueing.idle_timeout = 1.0
    settings.queueing.exit_timeout = 1.0
    for resource in resources:
        if resource.selector:
            settings.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    return settings
