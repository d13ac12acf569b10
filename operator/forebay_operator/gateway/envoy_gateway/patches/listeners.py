"""What Envoy Gateway calls the listeners of a Gateway's Envoy.

Those of one port are one, with the name of the first of them that is in order; with the runtime flag XDSNameSchemeV2 its
name is the port's.

Source: Envoy Gateway 1.9.1, internal/xds/translator/listener.go (xdsListenerName), translator.go
(processHTTPListenerXdsTranslation), internal/gatewayapi/helpers.go (irListenerName).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from forebay_operator.gateway.objects import Gateway, ListenerStatus, key_of, said


class Known(msgspec.Struct, frozen=True):
    """One listener of Envoy's under both of its names."""

    name: str
    by_port: str


def envoy_listeners(gateway: Gateway, behind: Iterable[str]) -> tuple[Known, ...]:
    """Of the ports on which the Gateway's listeners `behind` are; in the order of the Gateway's."""
    names = set(behind)
    ports = {listener.port for listener in gateway.listeners if listener.name in names}
    standing = {status.name: status for status in gateway.status.listeners}
    first: dict[int, str] = {}
    for listener in gateway.listeners:
        if listener.port in ports and not _refused(standing.get(listener.name)):
            first.setdefault(listener.port, listener.name)
    return tuple(Known(f"{key_of(gateway.metadata)}/{name}", f"tcp-{port}") for port, name in first.items())


def _refused(status: ListenerStatus | None) -> bool:
    """Whether the listener is left out: another one of its port gives the name."""
    if status is None:
        return False
    programmed = said(status.conditions, "Programmed")
    return programmed is not None and programmed.status == "False"
