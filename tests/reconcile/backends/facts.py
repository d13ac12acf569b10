"""Kubernetes objects with few words, in the API's own spelling, so that decoding is tested along."""

from __future__ import annotations

from typing import Any

import msgspec

from forebay_api.pool import PoolSpec
from forebay_operator.cluster.facts import Facts
from forebay_operator.cluster.objects import (
    EndpointSlice,
    InferencePool,
    Pod,
    ReferenceGrant,
    Service,
)

SERVICE = {"service": {"name": "web", "port": 80}}
POOL = {"inferencePool": {"name": "web"}}


def pool_spec(**backend: Any) -> PoolSpec:
    return msgspec.convert({"backend": backend, "models": [{"name": "m"}]}, PoolSpec)


def named(name: str, namespace: str = "ai", **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, **more}


def service(*ports: Any, name: str = "web", namespace: str = "ai", **spec: Any) -> Service:
    """`ports` are members as in a manifest; by default port 80 without a name."""
    made = {"metadata": named(name, namespace), "spec": {"ports": list(ports) or [{"port": 80}], **spec}}
    return msgspec.convert(made, Service)


def slice_of(
    *endpoints: Any, port: Any = 8000, port_name: str | None = "", family: str = "IPv4", name: str = "web-1"
) -> EndpointSlice:
    """An EndpointSlice; an endpoint is an address or a mapping as in a manifest."""
    listed = [{"addresses": [e]} if isinstance(e, str) else e for e in endpoints]
    ports = [{"name": port_name, "port": port, "protocol": "TCP"}]
    made = {"metadata": named(name), "addressType": family, "endpoints": listed, "ports": ports}
    return msgspec.convert(made, EndpointSlice)


def at(address: str, *, pod: str = "", zone: str | None = None, **conditions: bool) -> dict[str, Any]:
    """One endpoint of a slice."""
    made: dict[str, Any] = {"addresses": [address], "conditions": conditions}
    if zone is not None:
        made["zone"] = zone
    if pod:
        made["targetRef"] = {"kind": "Pod", "name": pod, "namespace": "ai"}
    return made


def pod(name: str, ip: str = "10.1.0.1", *, ready: bool = True, leaving: bool = False, **labels: str) -> Pod:
    metadata = named(name, labels=labels or {"app": "web"})
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    made = {"metadata": metadata, "status": {"phase": "Running", "podIP": ip, "conditions": conditions}}
    return msgspec.convert(made, Pod)


def inference_pool(*ports: int, picker: Any = None, name: str = "web", namespace: str = "ai") -> InferencePool:
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": "web"}},
        "targetPorts": [{"number": port} for port in ports or (8000,)],
    }
    if picker is not None:
        spec["endpointPickerRef"] = picker
    return msgspec.convert({"metadata": named(name, namespace), "spec": spec}, InferencePool)


def grant(*, source: str = "ai", kind: str = "Service", group: str = "", name: str | None = None) -> ReferenceGrant:
    """From ModelPools of `source` to what stands in namespace models."""
    to = {"group": group, "kind": kind} | ({} if name is None else {"name": name})
    spec = {"from": [{"group": "forebay.dev", "kind": "ModelPool", "namespace": source}], "to": [to]}
    return msgspec.convert({"metadata": named("grant", "models"), "spec": spec}, ReferenceGrant)


def key(made: Any) -> str:
    return f"{made.metadata.namespace}/{made.metadata.name}"


def facts(*objects: Any, slices: dict[str, tuple[EndpointSlice, ...]] | None = None) -> Facts:
    """Facts of these objects; `slices` go by Service."""

    def of(kind: type) -> dict[str, Any]:
        return {key(made): made for made in objects if isinstance(made, kind)}

    return Facts(
        services=of(Service),
        slices=slices or {},
        pods=of(Pod),
        inference_pools=of(InferencePool),
        grants=of(ReferenceGrant),
    )
