"""The way from a Gateway's Envoys to the data planes: their Service, or with mutual TLS a Backend and its certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forebay_decision import names
from forebay_operator.gateway.envoy_gateway.ownership import labels
from forebay_operator.gateway.envoy_gateway.servers import ENVOY_GROUP
from forebay_operator.gateway.implementation import DataPlaneRef, Generated, Wanted
from forebay_operator.gateway.naming import generated_name
from forebay_operator.gateway.unmatched import NOTHING


def data_plane_objects(wanted: Wanted) -> Iterator[Generated]:
    """With mutual TLS: a Backend by the headless Service's name, which stands for every replica."""
    to = wanted.data_plane
    if not (to.tls_secret and wanted.policies):
        return
    namespace, _, service = to.service.partition("/")
    secret = {"group": "", "kind": "Secret", "name": to.tls_secret}
    spec = {
        "endpoints": [{"fqdn": {"hostname": f"{service}.{namespace}.svc.{to.domain}", "port": to.port}}],
        "tls": {
            "sni": to.server_name,  # and the name that their certificate must have
            "caCertificateRefs": [secret],
            "clientCertificateRef": secret,
            "alpnProtocols": ["h2"],
            "minVersion": "1.3",
        },
    }
    yield Generated(
        "backends", namespace, _backend_name(to), spec, labels(wanted.installation), None, 0, tuple(wanted.policies)
    )


def data_plane_ref(namespace: str, to: DataPlaneRef) -> dict[str, Any]:
    """As objects of `namespace` refer to it."""
    home, _, service = to.service.partition("/")
    ref: dict[str, Any] = {"group": "", "kind": "Service", "name": service, "port": to.port}
    if to.tls_secret:
        ref = {"group": ENVOY_GROUP, "kind": "Backend", "name": _backend_name(to)}
    return ref if namespace == home else {**ref, "namespace": home}


def carriers(namespace: str, to: DataPlaneRef) -> Iterator[dict[str, Any]]:
    """With mutual TLS a rule of an HTTPRoute that no request ever matches, with the data planes behind it.

    Envoy Gateway 1.9.1 sends an Envoy the client certificate of a Backend only for what is behind a route, an ext_authz or a
    JWT or OIDC provider, not for an ext_proc (its internal/xds/translator, processClientCertificates): the processor's cluster
    would wait for its certificate for ever.
    """
    if to.tls_secret:
        never = {"type": "RegularExpression", "name": names.CLUSTER_HEADER, "value": NOTHING}
        match = {"path": {"type": "PathPrefix", "value": "/"}, "headers": [never]}
        yield {"matches": [match], "backendRefs": [data_plane_ref(namespace, to)]}


def _backend_name(to: DataPlaneRef) -> str:
    return generated_name(to.service.partition("/")[2], to.service)
