"""The door of a pool: what its cluster takes off every request and puts on.

Upstream filters of the pool's own cluster run on direct routes, retries and chains alike, so that no route can forget
them: Forebay's own headers and the client's credentials come off, the pool's credential goes on.
"""

from __future__ import annotations

from typing import Final

from forebay_api.pool import PoolSpec
from forebay_decision import names
from forebay_operator.envoy.messages import extension, http_filter
from forebay_operator.envoy.proto import (
    credential_injector,
    generic_credential,
    hcm,
    header_mutation,
    matcher,
    mutation_rules,
    upstream_codec,
)
from forebay_operator.envoy.secrets import by_sds, credential_name

CLIENT_TRACES: Final = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded")
"""Who called from where is no business of a bought endpoint."""


def door(pool: str, spec: PoolSpec, *, credential: bool) -> list[hcm.HttpFilter]:
    """Upstream filters of a pool's cluster; `credential` says that a secret of this pool goes out by SDS."""
    ours, envoys = _without(prefix=names.HEADER_PREFIX), _without(prefix="x-envoy-")
    removed = () if spec.forward_client_credentials else names.CREDENTIAL_HEADERS
    if spec.backend.external is not None:
        removed = (*removed, *CLIENT_TRACES)
    strip = header_mutation.HeaderMutation(
        mutations=header_mutation.Mutations(
            request_mutations=[ours, envoys, *(mutation_rules.HeaderMutation(remove=name) for name in removed)],
            response_mutations=[ours],
        )
    )
    filters = [http_filter("envoy.filters.http.header_mutation", strip)]
    if credential:
        filters.append(http_filter("envoy.filters.http.credential_injector", _injector(pool)))
    filters.append(http_filter("envoy.filters.http.upstream_codec", upstream_codec.UpstreamCodec()))
    return filters


def _without(*, prefix: str) -> mutation_rules.HeaderMutation:
    matching = mutation_rules.HeaderMutationRemoveOnMatch(key_matcher=matcher.StringMatcher(prefix=prefix))
    return mutation_rules.HeaderMutation(remove_on_match=matching)


def _injector(pool: str) -> credential_injector.CredentialInjector:
    generic = generic_credential.Generic(
        credential=by_sds(credential_name(pool)), header="authorization", header_value_prefix="Bearer "
    )
    return credential_injector.CredentialInjector(
        overwrite=True, credential=extension("envoy.http.injected_credentials.generic", generic)
    )
