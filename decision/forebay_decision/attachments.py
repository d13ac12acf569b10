"""Attachments as a data plane looks them up: by host name, prefix and route, in time that the number of policies is no part of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from forebay_api.wire import Origin
from forebay_decision.attachment import Attachment

NOWHERE: Final = Origin("")
"""Of a request of which its gateway does not say by which route it came."""
_Table = Mapping[str, tuple[Attachment, ...]]


class Attachments:
    """Immutable. Made from attachments in their order, the most specific first."""

    def __init__(self, ordered: Iterable[Attachment]) -> None:
        hosts: dict[str, dict[str, list[Attachment]]] = {}
        routes: dict[str, dict[str, list[Attachment]]] = {}
        for attachment in ordered:
            hosts.setdefault(attachment.hostname, {}).setdefault(attachment.prefix, []).append(attachment)
            for origin in attachment.origins or ():
                routes.setdefault(origin.route, {}).setdefault(origin.gateway, []).append(attachment)
        self._hosts: dict[str, _Table] = {host: _frozen(prefixes) for host, prefixes in hosts.items()}
        self._routes: dict[str, _Table] = {route: _frozen(gateways) for route, gateways in routes.items()}
        self._kinds = frozenset(route.partition("/")[0] for route in routes)
        # How much of a host or a path can matter: both are a client's, and may have any number of parts.
        self._labels = max((host.count(".") for host in hosts if host.startswith("*.")), default=0)
        self._segments = max((prefix.count("/") for prefixes in hosts.values() for prefix in prefixes), default=0)

    def __bool__(self) -> bool:
        return bool(self._hosts)

    def __iter__(self) -> Iterator[Attachment]:
        for prefixes in self._hosts.values():
            for attachments in prefixes.values():
                yield from attachments

    @property
    def has_origins(self) -> bool:
        return bool(self._routes)

    def first(self, host: str, path: str) -> Attachment | None:
        """The most specific one that holds this host (lower case, without port) and path."""
        return next(self.holding(host, path), None)

    def holding(self, host: str, path: str) -> Iterator[Attachment]:
        """All of them, the most specific first."""
        prefixes: tuple[str, ...] = ()
        for name in (host, *self._wider(host)):
            if (table := self._hosts.get(name)) is not None:
                prefixes = prefixes or self._prefixes(path)
                for prefix in prefixes:
                    if (found := table.get(prefix)) is not None:
                        yield from found

    def met(self, origin: Origin) -> tuple[Attachment, ...] | None:
        """Those whose requests come by a route, the most specific host and prefix first. None of a name of a form that is
        not known; of a route or a rule of a known form that nobody has told of, there are none.

        `origin.route` is the name as the gateway says it, and may go on behind what is known of it.
        """
        name = origin.route
        while name:
            if (gateways := self._routes.get(name)) is not None:
                return gateways.get(origin.gateway) or gateways.get("") or ()
            name = name[: max(name.rfind("/"), name.rfind("-"), 0)]
        return () if origin.route.partition("/")[0] in self._kinds else None

    def _wider(self, host: str) -> tuple[str, ...]:
        """The wildcards that cover the host: ``*.b.c`` before ``*.c``, and ``*`` at last."""
        if not self._labels:
            return ("*",)
        parts = host.rsplit(".", self._labels)
        # Something has to stand for the asterisk.
        starts = range(1 if parts[0] else 2, len(parts))
        return (*("*." + ".".join(parts[start:]) for start in starts), "*")

    def _prefixes(self, path: str) -> tuple[str, ...]:
        """The path's beginnings in whole segments, the longest first, and the root."""
        if path[:1] not in ("", "/", "?"):
            return ()  # "*", or no path at all: whatever holds it begins with a slash
        if not self._segments:
            return ("",)
        parts = path.partition("?")[0].split("/", self._segments + 1)
        ends = range(min(len(parts), self._segments + 1), 1, -1)
        return (*("/".join(parts[:end]) for end in ends), "")


def _frozen(found: Mapping[str, list[Attachment]]) -> dict[str, tuple[Attachment, ...]]:
    return {key: tuple(attachments) for key, attachments in found.items()}
