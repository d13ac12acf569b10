"""The parts of Kubernetes' own objects that Forebay reads, as frozen values. Tolerant: the API server owns the rest.

Sources: core/v1, discovery.k8s.io/v1, gateway.networking.k8s.io/v1beta1 (ReferenceGrant) and
inference.networking.k8s.io/v1 (InferencePool).
"""

from __future__ import annotations

from typing import Literal

from msgspec import field

from forebay_api.base import ObjectMeta, Tolerant


class ServicePort(Tolerant, frozen=True):
    port: int
    name: str = ""
    target_port: int | str | None = None
    protocol: str = "TCP"
    app_protocol: str = ""


class ServiceSpec(Tolerant, frozen=True):
    ports: tuple[ServicePort, ...] = ()
    type: str = "ClusterIP"
    external_name: str | None = field(default=None, name="externalName")


class Service(Tolerant, frozen=True):
    metadata: ObjectMeta
    spec: ServiceSpec = ServiceSpec()


class ObjectReference(Tolerant, frozen=True):
    kind: str = ""
    name: str = ""
    namespace: str = ""


class SliceConditions(Tolerant, frozen=True):
    """None means unknown: ready and serving then count as true, terminating as false (EndpointSlice API)."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class SliceEndpoint(Tolerant, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: SliceConditions = SliceConditions()
    zone: str | None = None
    target_ref: ObjectReference | None = None


class SlicePort(Tolerant, frozen=True):
    port: int | None = None
    name: str | None = None
    protocol: str = "TCP"


class EndpointSlice(Tolerant, frozen=True):
    metadata: ObjectMeta
    address_type: Literal["IPv4", "IPv6", "FQDN"] = "IPv4"
    endpoints: tuple[SliceEndpoint, ...] | None = None
    ports: tuple[SlicePort, ...] | None = None


class PodCondition(Tolerant, frozen=True):
    type: str
    status: str = "Unknown"


class PodIp(Tolerant, frozen=True):
    ip: str = ""


class PodStatus(Tolerant, frozen=True):
    phase: str = ""
    pod_ip: str = field(default="", name="podIP")
    pod_ips: tuple[PodIp, ...] = field(default=(), name="podIPs")
    conditions: tuple[PodCondition, ...] = ()


class PodMeta(ObjectMeta, frozen=True):
    deletion_timestamp: str | None = None


class Pod(Tolerant, frozen=True):
    metadata: PodMeta
    status: PodStatus = PodStatus()


class PortNumber(Tolerant, frozen=True):
    number: int


class PoolSelector(Tolerant, frozen=True):
    match_labels: dict[str, str] = {}


FailureMode = Literal["FailOpen", "FailClose"]


class EndpointPickerRef(Tolerant, frozen=True):
    name: str
    group: str = ""
    kind: str = "Service"
    port: PortNumber | None = None
    failure_mode: FailureMode = "FailClose"


class InferencePoolSpec(Tolerant, frozen=True):
    selector: PoolSelector = PoolSelector()
    target_ports: tuple[PortNumber, ...] = ()
    endpoint_picker_ref: EndpointPickerRef | None = None


class InferencePool(Tolerant, frozen=True):
    metadata: ObjectMeta
    spec: InferencePoolSpec = InferencePoolSpec()


class GrantFrom(Tolerant, frozen=True):
    group: str
    kind: str
    namespace: str


class GrantTo(Tolerant, frozen=True):
    kind: str
    group: str = ""
    name: str | None = None


class ReferenceGrantSpec(Tolerant, frozen=True):
    from_: tuple[GrantFrom, ...] = field(default=(), name="from")
    to: tuple[GrantTo, ...] = ()


class ReferenceGrant(Tolerant, frozen=True):
    metadata: ObjectMeta
    spec: ReferenceGrantSpec = ReferenceGrantSpec()
