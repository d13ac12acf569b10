"""No resource may be longer than a message: whoever makes one too long hears which, before anything is published."""

from __future__ import annotations

from typing import Final

from forebay_operator.resources import Snapshot
from forebay_operator.xds.type_urls import short

MAX_MESSAGE_BYTES: Final = 16 << 20
MAX_RESOURCE_BYTES: Final = MAX_MESSAGE_BYTES - (1 << 20)


class ResourceTooLarge(ValueError):
    """A resource does not fit into a message; the message names it and says how long it is."""


def check_sizes(snapshot: Snapshot) -> None:
    """Raises ResourceTooLarge."""
    for resources in snapshot.resources.values():
        for resource in resources.values():
            if len(resource.value) > MAX_RESOURCE_BYTES:
                raise ResourceTooLarge(
                    f"{short(resource.type_url)} {resource.name} has {len(resource.value)} bytes, "
                    f"{MAX_RESOURCE_BYTES} are the most that can be sent: split it"
                )
