"""May a policy name a target in another namespace? Only where a ReferenceGrant there says so."""

from __future__ import annotations

from collections.abc import Iterable

from forebay_api.base import GROUP as FOREBAY
from forebay_operator.cluster.objects import ReferenceGrant
from forebay_operator.gateway.objects import GROUP

FROM_KIND = "RoutingPolicy"


def permitted(grants: Iterable[ReferenceGrant], *, namespace: str, kind: str, target: str) -> bool:
    """Whether policies of `namespace` may name `target` (``namespace/name``) of a kind of the Gateway API."""
    owner, _, name = target.partition("/")
    return owner == namespace or any(
        grant.metadata.namespace == owner
        and any(f.group == FOREBAY and f.kind == FROM_KIND and f.namespace == namespace for f in grant.spec.from_)
        and any(t.group == GROUP and t.kind == kind and t.name in (None, "", name) for t in grant.spec.to)
        for grant in grants
    )


def advice(namespace: str, kind: str, target: str) -> str:
    owner, _, name = target.partition("/")
    return (
        f"create a ReferenceGrant in namespace {owner} from {FROM_KIND} ({FOREBAY}) in namespace {namespace} to "
        f"{kind} {name}"
    )
