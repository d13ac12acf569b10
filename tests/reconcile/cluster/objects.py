"""Objects as the API server sends them."""

from __future__ import annotations

from typing import Any

from forebay_operator.cluster.change import Change, translate
from forebay_operator.cluster.kinds import POLICY_DATA, POOLS, SECRETS, SERVICES, SLICES, Resource


def meta(name: str, uid: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "ai",
        "uid": uid or f"uid-{name}",
        "generation": 1,
        "resourceVersion": "1",
        **more,
    }


def pool(name: str, port: int = 8000, *, uid: str = "", spec: Any = None, **more: Any) -> dict[str, Any]:
    """A ModelPool; `more` goes into its metadata."""
    sound = {"backend": {"addresses": [{"host": "127.0.0.1", "port": port}]}, "models": [{"name": "m"}]}
    return {
        "apiVersion": "forebay.dev/v1alpha1",
        "kind": "ModelPool",
        "metadata": meta(name, uid, **more),
        "spec": sound if spec is None else spec,
    }


def slice_(name: str, service: str, *addresses: str, uid: str = "") -> dict[str, Any]:
    return {
        "metadata": meta(name, uid, labels={"kubernetes.io/service-name": service}),
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"name": "http", "port": 80}],
    }


def service(name: str, port: int = 80, *, uid: str = "") -> dict[str, Any]:
    return {"metadata": meta(name, uid), "spec": {"ports": [{"port": port}]}}


def secret(name: str, value: str, *, uid: str = "") -> dict[str, Any]:
    return {"metadata": meta(name, uid), "data": {"key": value}}


def config_map(name: str, *, uid: str = "", annotations: Any = None, **data: str) -> dict[str, Any]:
    return {"metadata": meta(name, uid, annotations=annotations or {}), "data": data}


def there(resource: Resource, body: dict[str, Any], *, listed: bool = False) -> Change:
    return translate(resource, None if listed else "MODIFIED", body)


def gone(resource: Resource, body: dict[str, Any]) -> Change:
    return translate(resource, "DELETED", body)


__all__ = [
    "POLICY_DATA",
    "POOLS",
    "SECRETS",
    "SERVICES",
    "SLICES",
    "config_map",
    "gone",
    "meta",
    "pool",
    "secret",
    "service",
    "slice_",
    "there",
]
