"""Envoy's jwt_authn: whose tokens a listener believes, and where their claims go."""

from __future__ import annotations

from typing import Final

from forebay_api.local import Jwt, JwtProvider
from forebay_operator.envoy.proto import core, jwt_authn, protobuf, route

NO_KEYS: Final = '{"keys":[]}'
"""A key set that no token fits: what counts while a provider's own cannot be had."""
SKEW_SECONDS: Final = 60


def token_verifier(jwt: Jwt) -> jwt_authn.JwtAuthentication:
    """Every request passes by here, whatever route it takes. A token leaves its claims in the filter's own metadata under
    its provider's name; without a valid one nothing is written there."""
    ways = [jwt_authn.JwtRequirement(provider_name=provider.name) for provider in jwt.providers]
    if not jwt.required:
        ways.append(jwt_authn.JwtRequirement(allow_missing_or_failed=protobuf.Empty()))
    wanted = ways[0]
    if len(ways) > 1:
        wanted = jwt_authn.JwtRequirement(requires_any=jwt_authn.JwtRequirementOrList(requirements=ways))
    return jwt_authn.JwtAuthentication(
        providers={provider.name: _provider(provider) for provider in jwt.providers},
        rules=[jwt_authn.RequirementRule(match=route.RouteMatch(prefix="/"), requires=wanted)],
    )


def _provider(provider: JwtProvider) -> jwt_authn.JwtProvider:
    return jwt_authn.JwtProvider(
        issuer=provider.issuer,
        audiences=list(provider.audiences),
        local_jwks=core.DataSource(inline_string=provider.jwks.inline or NO_KEYS),
        # Named, so that no token is taken out of a query, which proxies and logs keep.
        from_headers=[jwt_authn.JwtHeader(name="Authorization", value_prefix="Bearer ")],
        # Each pool takes the client's Authorization off, unless it is one that is to have it (forwardClientCredentials).
        forward=True,
        payload_in_metadata=provider.name,
        require_expiration=True,
        clock_skew_seconds=SKEW_SECONDS,
    )
