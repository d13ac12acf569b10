"""May a pool name what stands in another namespace? Only where a ReferenceGrant there says so (Gateway API)."""

from __future__ import annotations

from collections.abc import Iterable

from forebay_api.base import GROUP
from forebay_decision.check import Finding
from forebay_operator.cluster.objects import ReferenceGrant

FROM_KIND = "ModelPool"


def grant_finding(
    grants: Iterable[ReferenceGrant], *, namespace: str, group: str, kind: str, target: str, field: str
) -> Finding | None:
    """None where pools of `namespace` may name `target` (``namespace/name``) of a group and kind; else why not."""
    owner, _, name = target.partition("/")
    if owner == namespace or any(
        grant.metadata.namespace == owner and _grants(grant, namespace, group, kind, name) for grant in grants
    ):
        return None
    message = (
        f"{kind} {target} stands in another namespace, which does not let pools of {namespace} name it: create a "
        f"ReferenceGrant in namespace {owner} from {FROM_KIND} ({GROUP}) in namespace {namespace} to {kind} {name}"
    )
    return Finding(f"{field}.namespace", message, reason="RefNotPermitted")


def _grants(grant: ReferenceGrant, namespace: str, group: str, kind: str, name: str) -> bool:
    return any(
        source.group == GROUP and source.kind == FROM_KIND and source.namespace == namespace
        for source in grant.spec.from_
    ) and any(
        target.group == group and target.kind == kind and target.name in (None, "", name) for target in grant.spec.to
    )
