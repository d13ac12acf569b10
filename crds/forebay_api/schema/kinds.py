"""The kinds of the group: their names, and what `kubectl get` shows of them."""

from __future__ import annotations

from typing import Final

import msgspec

from forebay_api.policy import PolicySpec, RoutingPolicy
from forebay_api.pool import ModelPool, PoolSpec
from forebay_api.status import PolicyStatus, PoolStatus


class Column(msgspec.Struct, frozen=True):
    """One column of `kubectl get`. Columns that are not `wide` stand in every listing."""

    name: str
    json_path: str
    description: str
    type: str = "string"
    wide: bool = False


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of object."""

    struct: type[RoutingPolicy | ModelPool]
    spec: type[PolicySpec | PoolSpec]
    status: type[PolicyStatus | PoolStatus]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]
    labels: tuple[tuple[str, str], ...] = ()
    """Of the CRD itself."""

    @property
    def name(self) -> str:
        return self.struct.__name__

    @property
    def description(self) -> str:
        return " ".join((self.struct.__doc__ or "").split())


def _condition(name: str, type_: str, member: str, description: str, *, wide: bool = False) -> Column:
    return Column(name, f'.status.conditions[?(@.type=="{type_}")].{member}', description, wide=wide)


_READY: Final = _condition("Ready", "Ready", "status", "Whether the object does all it says.")
_REASON: Final = _condition("Reason", "Ready", "reason", "Why it is ready or not.")
_AGE: Final = Column("Age", ".metadata.creationTimestamp", "Time since creation.", type="date")

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            struct=RoutingPolicy,
            spec=PolicySpec,
            status=PolicyStatus,
            plural="routingpolicies",
            short_names=("rp",),
            # How tools such as gwctl find policies (GEP-713).
            labels=(("gateway.networking.k8s.io/policy", "Direct"),),
            columns=(
                _READY,
                _REASON,
                Column("Mode", ".spec.mode", "Enforce or Shadow."),
                Column("Default", ".spec.default.use", "Strategy when no rule decides."),
                Column("Hosts", ".spec.attach.hostnames", "Hostnames it is asked about.", wide=True),
                Column("Revision", ".status.revision", "What every replica runs.", wide=True),
                _AGE,
            ),
        ),
        Kind(
            struct=ModelPool,
            spec=PoolSpec,
            status=PoolStatus,
            plural="modelpools",
            short_names=("mp",),
            columns=(
                _READY,
                _REASON,
                Column("Endpoints", ".status.endpoints.ready", "Endpoints that take traffic.", type="integer"),
                Column("Of", ".status.endpoints.total", "All endpoints.", type="integer"),
                _condition("Saturated", "Saturated", "status", "Whether the pool takes no more work."),
                Column("Boundary", ".spec.placement.boundary", "How far from home the text travels."),
                Column("Models", ".spec.models[*].name", "Models of the pool.", wide=True),
                _AGE,
            ),
        ),
    )
}
