"""What Envoy Gateway calls the listeners and route tables of a Gateway's Envoy.

HTTP listeners of one port are one, with one table, and have the name of the first of them that is in order; HTTPS ones of
one port are one, too, with a table each. With the runtime flag XDSNameSchemeV2 names are made of ports.

Source: Envoy Gateway 1.9.1, internal/xds/translator/listener.go (xdsListenerName, routeConfigName), translator.go
(processHTTPListenerXdsTranslation), internal/gatewayapi/helpers.go (irListenerName).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from forebay_operator.gateway.objects import Gateway, ListenerStatus, key_of, said


class Named(msgspec.Struct, frozen=True):
    """One of Envoy's resources under both of its names, which may be the same."""

    usual: str
    by_port: str

    def names(self, both: bool) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.usual, self.by_port))) if both else (self.usual,)


def envoy_listeners(gateway: Gateway, behind: Iterable[str]) -> tuple[Named, ...]:
    """Those on whose ports the Gateway's listeners `behind` are, in the order of the Gateway's."""
    ports = _ports(gateway, behind)
    return tuple(
        Named(f"{key_of(gateway.metadata)}/{name}", f"tcp-{port}")
        for port, name in _first(gateway).items()
        if port in ports
    )


def route_tables(gateway: Gateway, behind: Iterable[str]) -> tuple[Named, ...]:
    """Those by which requests to the Gateway's listeners `behind` are routed."""
    wanted, key, first = set(behind), key_of(gateway.metadata), _first(gateway)
    found = []
    for listener in gateway.listeners:
        if listener.name in wanted and listener.port in first:
            own = f"{key}/{listener.name}"
            shared = Named(f"{key}/{first[listener.port]}", f"http-{listener.port}")
            found.append(Named(own, own) if listener.protocol == "HTTPS" else shared)
    return tuple(dict.fromkeys(found))


def _ports(gateway: Gateway, behind: Iterable[str]) -> set[int]:
    names = set(behind)
    return {listener.port for listener in gateway.listeners if listener.name in names}


def _first(gateway: Gateway) -> dict[int, str]:
    """Port -> the name of the first listener on it that is in order."""
    standing = {status.name: status for status in gateway.status.listeners}
    first: dict[int, str] = {}
    for listener in gateway.listeners:
        if not _refused(standing.get(listener.name)):
            first.setdefault(listener.port, listener.name)
    return first


def _refused(status: ListenerStatus | None) -> bool:
    """Whether the listener is left out: another one of its port gives the name."""
    if status is None:
        return False
    programmed = said(status.conditions, "Programmed")
    return programmed is not None and programmed.status == "False"
