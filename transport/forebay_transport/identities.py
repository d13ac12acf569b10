"""Who is who: each role has one DNS name, which its certificate carries as a subject alternative name.

The names are roles, not hosts: a certificate says what a process is, wherever it runs. So an Envoy's certificate opens
no operator's door, however trusted its issuer is.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a process is."""

    OPERATOR = "operator"
    DATA_PLANE = "data plane"
    ENVOY = "Envoy"


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """The DNS name of each role, as it stands in certificates."""

    operator: str = "forebay-operator"
    data_plane: str = "forebay-data-plane"
    envoy: str = "forebay-envoy"

    def __post_init__(self) -> None:
        if len({self.operator, self.data_plane, self.envoy}) < 3:
            raise ValueError("--operator-name, --data-plane-name and --envoy-name: each role needs a name of its own")

    def roles(self, names: Iterable[str]) -> frozenset[Role]:
        """The roles that these names stand for."""
        known = {self.operator: Role.OPERATOR, self.data_plane: Role.DATA_PLANE, self.envoy: Role.ENVOY}
        return frozenset(known[name] for name in names if name in known)
