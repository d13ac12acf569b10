"""What the operator publishes: named, typed, content-versioned resources, Envoy's and ours alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec


class Resource(msgspec.Struct, frozen=True):
    """One xDS resource. `value` is the serialised message that goes inside the Any of `type_url`."""

    name: str
    type_url: str
    value: bytes
    version: str = ""
    """Content hash, so that the same input has the same version on any replica, after any restart. Worked out once:
    every publication asks for it, and most resources are those of the last one."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "version", sha256(self.value).hexdigest()[:16])


class Snapshot(msgspec.Struct, frozen=True):
    """A consistent set of resources: type URL -> resource name -> resource."""

    resources: Mapping[str, Mapping[str, Resource]]

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Snapshot:
        """Group resources; names are unique within a type.

        Raises ValueError where two resources of one type share a name.
        """
        grouped: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        for resource in resources:
            if resource.name in grouped[resource.type_url]:
                raise ValueError(f"two resources of {resource.type_url} are called {resource.name!r}")
            grouped[resource.type_url][resource.name] = resource
        return cls({url: dict(sorted(grouped[url].items())) for url in sorted(grouped)})

    def of_type(self, type_url: str) -> Mapping[str, Resource]:
        """The resources of one type by name; empty where there are none."""
        return self.resources.get(type_url, {})
