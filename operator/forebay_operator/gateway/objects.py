"""The parts of the Gateway API's objects that Forebay reads. Tolerant: others own them.

Specs of routes and of an implementation's own kinds stay as they are stored, because what we write beside them repeats
them with what we do not know in it.
Source: gateway.networking.k8s.io/v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from forebay_api.base import ObjectMeta, Tolerant

GROUP: Final = "gateway.networking.k8s.io"
VERSION: Final = "v1"
HTTP_PROTOCOLS: Final = ("HTTP", "HTTPS")


class Said(Tolerant, frozen=True):
    """A condition that somebody else has written."""

    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    observed_generation: int = 0


class ParametersRef(Tolerant, frozen=True):
    """Settings of an implementation's own; a Gateway names them in its own namespace."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


class ClassSpec(Tolerant, frozen=True):
    controller_name: str = ""
    parameters_ref: ParametersRef | None = None


class GatewayClass(Tolerant, frozen=True):
    metadata: ObjectMeta
    spec: ClassSpec = ClassSpec()


class Listener(Tolerant, frozen=True):
    name: str
    hostname: str | None = None
    port: int = 0
    protocol: str = "HTTP"


class Infrastructure(Tolerant, frozen=True):
    parameters_ref: ParametersRef | None = None


class GatewaySpec(Tolerant, frozen=True):
    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()
    infrastructure: Infrastructure | None = None


class ListenerStatus(Tolerant, frozen=True):
    name: str
    conditions: tuple[Said, ...] = ()


class GatewayStatus(Tolerant, frozen=True):
    listeners: tuple[ListenerStatus, ...] = ()


class Gateway(Tolerant, frozen=True):
    metadata: ObjectMeta
    spec: GatewaySpec = GatewaySpec()
    status: GatewayStatus = GatewayStatus()

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Those that speak HTTP."""
        return tuple(found for found in self.spec.listeners if found.protocol in HTTP_PROTOCOLS)


class ParentRef(Tolerant, frozen=True):
    name: str
    group: str = GROUP
    kind: str = "Gateway"
    namespace: str | None = None
    section_name: str | None = None
    port: int | None = None

    def names(self, gateway: Gateway, home: str) -> bool:
        """Whether a route of namespace `home` means this Gateway."""
        meta = gateway.metadata
        return (self.group, self.kind, self.namespace or home, self.name) == (
            GROUP,
            "Gateway",
            meta.namespace,
            meta.name,
        )

    def key(self, home: str) -> str:
        """``namespace/name`` of what a route of namespace `home` means."""
        return f"{self.namespace or home}/{self.name}"

    def chooses(self, listener: Listener) -> bool:
        return self.section_name in (None, listener.name) and self.port in (None, listener.port)


class ParentStatus(Tolerant, frozen=True):
    parent_ref: ParentRef
    controller_name: str = ""
    conditions: tuple[Said, ...] = ()


class AncestorStatus(Tolerant, frozen=True):
    controller_name: str = ""
    conditions: tuple[Said, ...] = ()


class Standing(Tolerant, frozen=True):
    """Status in each of the shapes that the kinds which we read or write have."""

    parents: tuple[ParentStatus, ...] = ()
    ancestors: tuple[AncestorStatus, ...] = ()
    conditions: tuple[Said, ...] = ()


class Stored(Tolerant, frozen=True):
    """An object as it is stored: an HTTPRoute, or of an implementation's own kinds."""

    metadata: ObjectMeta
    spec: dict[str, Any] = {}
    status: Standing = Standing()


def key_of(metadata: ObjectMeta) -> str:
    return f"{metadata.namespace}/{metadata.name}"


def rules_of(route: Stored) -> tuple[Mapping[str, Any], ...]:
    """Its rules; an API server fills in one that matches everything where there are none."""
    return tuple(route.spec.get("rules") or ({},))


def matches_of(rule: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    return tuple(rule.get("matches") or ({"path": {"type": "PathPrefix", "value": "/"}},))


def parents_of(route: Stored) -> Iterator[ParentRef]:
    for found in route.spec.get("parentRefs") or ():
        yield ParentRef(
            name=found.get("name", ""),
            group=found.get("group", GROUP),
            kind=found.get("kind", "Gateway"),
            namespace=found.get("namespace"),
            section_name=found.get("sectionName"),
            port=found.get("port"),
        )


def said(conditions: tuple[Said, ...], type_: str) -> Said | None:
    return next((condition for condition in conditions if condition.type == type_), None)
