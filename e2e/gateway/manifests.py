"""Manifests as teams with a Gateway write them."""

from __future__ import annotations

from .envoy_gateway import CLASS


def gateway(name: str, port: int, *, class_name: str = CLASS, extra: str = "") -> str:
    """A Gateway with one listener, `http`; `extra` are more, as YAML list items at the listeners' indentation."""
    return f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: {class_name}
  listeners:
  - {{name: http, protocol: HTTP, port: {port}}}
{extra}"""


def backend(name: str, host: str, port: int) -> str:
    """Envoy Gateway's Backend: an address that is no Service's."""
    return f"""---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: {name}}}
spec:
  endpoints: [{{ip: {{address: {host}, port: {port}}}}}]
"""


def route(name: str, gateway: str, backend: str, *, host: str = "", path: str = "/") -> str:
    """An HTTPRoute to a Backend."""
    hostnames = f"  hostnames: [{host}]\n" if host else ""
    return f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: {gateway}}}]
{hostnames}  rules:
  - name: all
    matches: [{{path: {{type: PathPrefix, value: "{path}"}}}}]
    backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: {backend}}}]
"""
