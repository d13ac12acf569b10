"""Who may be what on a stream, and ask for what: by the certificate, never by what a client says of itself.

Secrets are the reason: they are Envoy's alone. A node id is checked, too, because whoever takes another's id displaces
its stream and acknowledges in its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forebay_api.wire import DATA_PLANE_TYPES
from forebay_operator.xds.acknowledgements import Kind
from forebay_operator.xds.type_urls import FOUNDATION, ROUTING, short
from forebay_transport.identities import Role

ROLES: Final[Mapping[Kind, Role]] = {Kind.ENVOY: Role.ENVOY, Kind.DATA_PLANE: Role.DATA_PLANE}
TYPES: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.ENVOY: frozenset(FOUNDATION + ROUTING),
    Kind.DATA_PLANE: frozenset(DATA_PLANE_TYPES),
}


class Forbidden(Exception):
    """What the caller's certificate does not allow, as the caller is told."""


def check_node(roles: frozenset[Role] | None, node_id: str, kind: Kind) -> None:
    """`roles` None is a caller on a plaintext port, who is trusted. Raises Forbidden."""
    if roles is not None and ROLES[kind] not in roles:
        raise Forbidden(f"node {node_id} is of the role {ROLES[kind]}, which this certificate does not name")


def check_type(roles: frozenset[Role] | None, kind: Kind, type_url: str) -> None:
    """Raises Forbidden where a client of this kind has no business with the type."""
    if roles is not None and type_url not in TYPES[kind]:
        raise Forbidden(f"{short(type_url)} is not for the role {ROLES[kind]}")


def check_report(roles: frozenset[Role] | None) -> None:
    """Load reports are the data plane's. Raises Forbidden."""
    if roles is not None and Role.DATA_PLANE not in roles:
        raise Forbidden(f"load reports are for the role {Role.DATA_PLANE}")
