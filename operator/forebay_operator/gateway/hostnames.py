"""Where a listener's hostname and a route's meet (Gateway API, HTTPRouteSpec.hostnames)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

EVERY = "*"


def shared_hostnames(listener: str | None, route: Iterable[str]) -> tuple[str, ...]:
    """The hostnames under which a listener has a route's requests, lower case; none where the two do not meet."""
    asked = [host.lower() for host in route] or [EVERY]
    own = (listener or EVERY).lower()
    return tuple(dict.fromkeys(_meet(own, asked)))


def _meet(listener: str, route: Iterable[str]) -> Iterator[str]:
    for host in route:
        if covers(listener, host):
            yield host
        elif covers(host, listener):
            yield listener


def covers(wide: str, narrow: str) -> bool:
    """Whether every name that `narrow` stands for is one of `wide`'s."""
    return wide in (EVERY, narrow) or (wide.startswith("*.") and narrow != EVERY and narrow.endswith(wide[1:]))
