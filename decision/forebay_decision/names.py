"""Names that the planes must agree on: clusters, routing headers, the metadata namespace."""

from __future__ import annotations

from typing import Final

METADATA_NAMESPACE: Final = "forebay"
NATIVE_NAMESPACE: Final = "forebay.native"
JWT_NAMESPACE: Final = "envoy.filters.http.jwt_authn"
"""Metadata in which Envoy's filter puts what a verified token claims, by provider. Nothing else writes there."""
CLUSTER_HEADER: Final = "x-forebay-cluster"
HOPS_HEADER: Final = "x-forebay-hops"
HEADER_PREFIX: Final = "x-forebay-"
GATEWAY_HEADER: Final = "forebay-gateway"
"""By which of several Gateways with the same route a request came. A gateway writes it over what a client sends. It is not
among those with HEADER_PREFIX, which gateways take off after they have set what they set."""
RESPONSE_FIELDS: Final = ("decision-id", "rule", "strategy", "pool", "model", "reason")
"""Metadata keys, each shown to the caller as the response header ``x-forebay-<key>``."""
CREDENTIAL_HEADERS: Final = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "x-auth-token",
    "x-forwarded-access-token",
    "x-amz-security-token",
    "openai-organization",
    "openai-project",
    "x-forwarded-client-cert",
)
"""What of the client's never reaches an upstream that has not opted in."""


def pool_cluster(pool: str) -> str:
    """Envoy cluster (and value of CLUSTER_HEADER) of a pool ``namespace/name``."""
    return f"pool/{pool}"


def chain_cluster(policy: str, strategy: str, first: str) -> str:
    """Composite cluster that tries `first`, then the strategy's fallbacks in order (served.chain_order)."""
    return f"chain/{policy}/{strategy}/{first}"


def room_listener(pool: str) -> str:
    """Internal listener of a pool: where a chain's hop rewrites the body and meets the pool's own route."""
    return f"room/{pool}"
