"""What a request demands of whoever serves it; demands only ever tighten."""

from __future__ import annotations

from typing import Final

import msgspec

from forebay_api.model import Capability, Model
from forebay_api.pool import Boundary, PoolSpec
from forebay_api.rule import Constrain

DISTANCE: Final[dict[Boundary, int]] = {"Edge": 0, "Private": 1, "Public": 2}


class Demand(msgspec.Struct, frozen=True):
    """Requirements from `constrain` rules and from the request itself. None and empty mean: no requirement."""

    boundary: Boundary | None = None
    regions: frozenset[str] | None = None
    compliance: frozenset[str] = frozenset()
    capabilities: frozenset[Capability] = frozenset()

    def narrowed(self, by: Constrain) -> Demand:
        """This demand and that of one more `constrain` rule."""
        boundary = self.boundary
        if by.boundary is not None and (boundary is None or DISTANCE[by.boundary] < DISTANCE[boundary]):
            boundary = by.boundary
        regions = self.regions
        if by.regions is not None:
            regions = frozenset(by.regions) if regions is None else regions & frozenset(by.regions)
        return Demand(
            boundary,
            regions,
            self.compliance | frozenset(by.compliance or ()),
            self.capabilities | frozenset(by.capabilities or ()),
        )

    def needing(self, capabilities: frozenset[Capability]) -> Demand:
        """This demand, and what the request cannot do without."""
        if capabilities <= self.capabilities:
            return self
        return msgspec.structs.replace(self, capabilities=self.capabilities | capabilities)

    def described(self) -> dict[str, str | list[str]]:
        """The demand as it stands in a decision record; only what is demanded."""
        described: dict[str, str | list[str]] = {}
        if self.boundary is not None:
            described["boundary"] = self.boundary
        if self.regions is not None:
            described["regions"] = sorted(self.regions)
        if self.compliance:
            described["compliance"] = sorted(self.compliance)
        if self.capabilities:
            described["capabilities"] = sorted(self.capabilities)
        return described


def unmet(demand: Demand, pool: PoolSpec, model: Model) -> str:
    """Why this pool and model can never meet the demand, or empty text."""
    placement = pool.placement
    if demand.boundary is not None and DISTANCE[placement.boundary] > DISTANCE[demand.boundary]:
        return f"boundary {placement.boundary} is beyond {demand.boundary}"
    if demand.regions is not None and placement.region not in demand.regions:
        allowed = ", ".join(sorted(demand.regions)) or "none"
        return f"region {placement.region or 'unknown'} is not among {allowed}"
    if demand.compliance and (lacking := demand.compliance.difference(placement.compliance)):
        return f"compliance {', '.join(sorted(lacking))} is not stated"
    if demand.capabilities and (missing := demand.capabilities.difference(model.capabilities)):
        return f"capability {', '.join(sorted(missing))} is missing"
    return ""
