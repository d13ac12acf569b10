"""Manifests as teams with a Gateway write them."""

from __future__ import annotations

from forebay_operator.gateway.envoy_gateway.patches.internal import SNIPPET

from .envoy_gateway import CLASS
from .envoy_gateway import envoy_proxy as linked


def gateway(name: str, port: int, *, class_name: str = CLASS, extra: str = "", proxy: str = "") -> str:
    """A Gateway with one listener, `http`; `extra` are more, as YAML list items at the listeners' indentation. `proxy` is an
    EnvoyProxy of its own."""
    ref = f"{{group: gateway.envoyproxy.io, kind: EnvoyProxy, name: {proxy}}}"
    own = f"  infrastructure: {{parametersRef: {ref}}}\n" if proxy else ""
    return f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: {class_name}
{own}  listeners:
  - {{name: http, protocol: HTTP, port: {port}}}
{extra}"""


def envoy_proxy(name: str, *, extension: bool) -> str:
    """An EnvoyProxy as the class has it, and with `extension` what `FullySupported` says has to be added."""
    return linked(name, f"  {SNIPPET}\n" if extension else "")


def backend(name: str, host: str, port: int) -> str:
    """Envoy Gateway's Backend: an address that is no Service's."""
    return f"""---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {{name: {name}}}
spec:
  endpoints: [{{ip: {{address: {host}, port: {port}}}}}]
"""


def route(name: str, gateway: str, service: str, *, host: str = "", path: str = "/", extra: str = "") -> str:
    """An HTTPRoute to a Service or, as ``backend/NAME``, to a Backend; `extra` are more rules, as YAML list items."""
    hostnames = f"  hostnames: [{host}]\n" if host else ""
    kind, _, named = service.rpartition("/")
    ref = f"group: gateway.envoyproxy.io, kind: Backend, name: {named}" if kind else f"name: {named}, port: 8000"
    return f"""---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: {gateway}}}]
{hostnames}  rules:
  - name: all
    matches: [{{path: {{type: PathPrefix, value: "{path}"}}}}]
    backendRefs: [{{{ref}}}]
{extra}"""


def policy(
    name: str, target: str, *, kind: str = "HTTPRoute", section: str = "", otherwise: str = "small", extra: str = ""
) -> str:
    """A policy that sends proofs to `large`, `sim`ulations to `simulated` and what is left to `otherwise`."""
    part = f", sectionName: {section}" if section else ""
    return f"""---
apiVersion: forebay.dev/v1alpha1
kind: RoutingPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: {kind}, name: {target}{part}}}]
  models: [auto]
  signals:
  - {{name: proof, keyword: {{any: [theorem]}}}}
  - {{name: simulation, keyword: {{any: [simulate]}}}}
  strategies:
  - {{name: careful, direct: {{pools: [{{name: large}}]}}}}
  - {{name: simulated, direct: {{pools: [{{name: simulated}}]}}}}
  - {{name: plain, direct: {{pools: [{{name: {otherwise}}}]}}}}
  rules:
  - {{name: proofs, when: signals.proof.matched, use: careful}}
  - {{name: simulations, when: signals.simulation.matched, use: simulated}}
  default: {{use: plain}}
{extra}"""
