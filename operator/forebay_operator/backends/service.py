"""A Service as a backend: its port, found by number or by name, and the endpoints behind that port."""

from __future__ import annotations

from collections.abc import Iterable

from forebay_api.backend import ServiceRef
from forebay_decision.check import Finding
from forebay_operator.backends.endpoint import Backend, Endpoint
from forebay_operator.backends.slices import slice_endpoints
from forebay_operator.cluster.objects import EndpointSlice, Service, ServicePort

_FIELD = "spec.backend.service"
_SHOWN = 8


class Unresolved(Exception):
    """A reference that leads nowhere; the message says what to do."""


def service_backend(name: str, ref: ServiceRef, service: Service | None, slices: Iterable[EndpointSlice]) -> Backend:
    """The backend of a pool that names Service `name` (``namespace/name``)."""
    if service is None:
        message = f"there is no Service {name}: create it, or correct the name"
        return Backend(findings=(Finding(f"{_FIELD}.name", message, reason="ServiceNotFound"),))
    try:
        return Backend(port_endpoints(name, service, ref.port, slices))
    except Unresolved as unresolved:
        return Backend(findings=(Finding(f"{_FIELD}.port", str(unresolved), reason="RefNotFound"),))


def port_endpoints(
    name: str, service: Service, wanted: int | str, slices: Iterable[EndpointSlice]
) -> tuple[Endpoint, ...]:
    """The endpoints behind a Service's port. Raises Unresolved where the Service has no such port."""
    return slice_endpoints(slices, service_port(name, service, wanted))


def service_port(name: str, service: Service, wanted: int | str) -> ServicePort:
    """The TCP port of a Service by number or name. Raises Unresolved where it has none, and lists those it has."""
    if service.spec.type == "ExternalName":
        raise Unresolved(
            f"Service {name} is of type ExternalName, which has no endpoints: name its host in spec.backend.external or "
            "addresses"
        )
    ports = [port for port in service.spec.ports if port.protocol == "TCP"]
    for port in ports:
        if wanted == (port.port if isinstance(wanted, int) else port.name):
            return port
    shown = ", ".join(f"{port.port} ({port.name})" if port.name else str(port.port) for port in ports[:_SHOWN])
    more = f" and {len(ports) - _SHOWN} more" if len(ports) > _SHOWN else ""
    hint = ", and a port number stands without quotes" if isinstance(wanted, str) and wanted.isdigit() else ""
    has = f"it has {shown}{more}" if ports else "it has none"
    raise Unresolved(f"Service {name} has no TCP port {wanted!r}: {has}{hint}")
