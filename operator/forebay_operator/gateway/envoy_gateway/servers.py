"""A pool's servers as Envoy Gateway knows them: a Service, or Backends of ours for what is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from forebay_api.base import API_VERSION
from forebay_api.pool import PoolSpec
from forebay_operator.backends.endpoint import NOWHERE, Endpoint
from forebay_operator.backends.service import Unresolved, service_port
from forebay_operator.envoy.messages import is_ip
from forebay_operator.gateway.envoy_gateway.ownership import labels, reference
from forebay_operator.gateway.implementation import Generated, Wanted
from forebay_operator.gateway.naming import generated_name

ENVOY_GROUP: Final = "gateway.envoyproxy.io"
MOST_ENDPOINTS: Final = 256
STAGE: Final = 0
CREDENTIAL_KEY: Final = "credential"
"""Where Envoy Gateway looks in a Secret, and it takes the whole value of the header from there."""


class Servers(msgspec.Struct, frozen=True):
    """`refs` are backend references without their namespace, all in `namespace`; `filters` go on each of them; `objects`
    have to be there for them."""

    namespace: str
    refs: tuple[dict[str, Any], ...] = ()
    objects: tuple[Generated, ...] = ()
    filters: tuple[dict[str, Any], ...] = ()
    losses: tuple[str, ...] = ()


def servers(pool: str, spec: PoolSpec, wanted: Wanted) -> Servers:
    """Where requests to a pool go."""
    namespace, _, name = pool.partition("/")
    lost = tuple(_losses(pool, spec, wanted))
    service = _service(pool, spec, wanted)
    objects: list[Generated] = []
    if service is not None:
        refs = [service]
    else:
        made = list(_backends(pool, spec, wanted))
        objects += [_generated(pool, wanted, "backends", own, body) for own, body in made]
        refs = [{"group": ENVOY_GROUP, "kind": "Backend", "name": own} for own, _ in made]
    filters: list[dict[str, Any]] = []
    if spec.credentials and pool in wanted.injectable:
        own = generated_name(name, pool)
        objects.append(_generated(pool, wanted, "httproutefilters", own, _injection(spec)))
        filters.append(
            {"type": "ExtensionRef", "extensionRef": {"group": ENVOY_GROUP, "kind": "HTTPRouteFilter", "name": own}}
        )
    return Servers(namespace, tuple(refs), tuple(objects), tuple(filters), lost)


def _service(pool: str, spec: PoolSpec, wanted: Wanted) -> dict[str, Any] | None:
    """The Service itself, where the pool's own namespace has it: Envoy Gateway then follows its endpoints."""
    ref = spec.backend.service
    namespace = pool.partition("/")[0]
    if ref is None or ref.namespace not in (None, namespace):
        return None
    key = f"{namespace}/{ref.name}"
    found = wanted.services.get(key)
    try:
        port = service_port(key, found, ref.port).port if found is not None else ref.port
    except Unresolved:
        port = ref.port
    return {"group": "", "kind": "Service", "name": ref.name, "port": port} if isinstance(port, int) else None


def _backends(pool: str, spec: PoolSpec, wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    name = pool.partition("/")[2]
    external = spec.backend.external
    if external is not None:
        host = {"fqdn": {"hostname": external.hostname, "port": external.port}}
        tls = {"wellKnownCACertificates": "System", "sni": external.hostname}
        yield generated_name(name, pool), {"endpoints": [host], "tls": tls}
        return
    found = wanted.backends.get(pool, NOWHERE).endpoints
    serving = [endpoint for endpoint in found if endpoint.ready and not endpoint.draining] or list(found)
    by_ip = [endpoint for endpoint in serving if is_ip(endpoint.host)][:MOST_ENDPOINTS]
    by_name = [endpoint for endpoint in serving if not is_ip(endpoint.host)][:MOST_ENDPOINTS]
    if by_ip:
        yield generated_name(name, pool), {"endpoints": [_ip(endpoint) for endpoint in sorted(by_ip)]}
    if by_name:
        endpoints = [{"fqdn": {"hostname": e.host, "port": e.port}} for e in sorted(by_name)]
        yield generated_name(name, pool, "names"), {"endpoints": endpoints}


def _ip(endpoint: Endpoint) -> dict[str, Any]:
    made: dict[str, Any] = {"ip": {"address": endpoint.host, "port": endpoint.port}}
    return {**made, "zone": endpoint.zone} if endpoint.zone else made


def _injection(spec: PoolSpec) -> dict[str, Any]:
    secret = {"group": "", "kind": "Secret", "name": spec.credentials[0].secret_ref.name}
    return {"credentialInjection": {"overwrite": True, "credential": {"valueRef": secret}}}


def _generated(pool: str, wanted: Wanted, plural: str, name: str, spec: dict[str, Any]) -> Generated:
    namespace, _, short = pool.partition("/")
    owner = reference(API_VERSION, "ModelPool", short, wanted.uids.get(pool, ""))
    return Generated(plural, namespace, name, spec, labels(wanted.installation), owner, STAGE)


def _losses(pool: str, spec: PoolSpec, wanted: Wanted) -> Iterator[str]:
    if spec.credentials and pool not in wanted.injectable:
        ref = spec.credentials[0].secret_ref
        yield (
            f"pool {pool} is called without its credential: give Secret {ref.name} a key {CREDENTIAL_KEY!r} with the whole "
            "header, such as 'Bearer ...', which is what Envoy Gateway reads"
        )
    if spec.backend.inference_pool is not None and spec.credentials:
        yield f"the endpoint picker of pool {pool} is not asked, as the pool has a credential: its pods are called by turns"
    if len(wanted.backends.get(pool, NOWHERE).endpoints) > MOST_ENDPOINTS:
        yield f"pool {pool} is called at {MOST_ENDPOINTS} of its endpoints only: a Backend holds no more"
