"""Which resources are followed: where the API serves them, what they are decoded to, and what is left unwatched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay_api.base import GROUP, VERSION
from forebay_operator.cluster import objects

CREDENTIAL_LABEL: Final = "forebay.dev/credential"
"""Only Secrets with this label leave the API server: it is the server that selects by it."""


class Resource(msgspec.Struct, frozen=True):
    """One kind at the API. `decoded` is None where an object needs more than its shape (ours, and Secrets)."""

    group: str
    version: str
    plural: str
    kind: str
    decoded: type[Any] | None = None
    optional: bool = False
    selector: str = ""

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None = None, name: str | None = None, part: str | None = None) -> str:
        """The URL path of the collection, an object, or a subresource of it."""
        scope = "" if namespace is None else f"/namespaces/{namespace}"
        return "/".join(filter(None, (f"{self.root}{scope}/{self.plural}", name, part)))


POLICIES: Final = Resource(GROUP, VERSION, "routingpolicies", "RoutingPolicy")
POOLS: Final = Resource(GROUP, VERSION, "modelpools", "ModelPool")
SERVICES: Final = Resource("", "v1", "services", "Service", objects.Service)
SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", objects.EndpointSlice)
PODS: Final = Resource("", "v1", "pods", "Pod", objects.Pod)
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS: Final = Resource("", "v1", "secrets", "Secret", selector=CREDENTIAL_LABEL)
GRANTS: Final = Resource(
    "gateway.networking.k8s.io", "v1beta1", "referencegrants", "ReferenceGrant", objects.ReferenceGrant, optional=True
)
INFERENCE_POOLS: Final = Resource(
    "inference.networking.k8s.io", "v1", "inferencepools", "InferencePool", objects.InferencePool, optional=True
)
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")

ALWAYS: Final = (POLICIES, POOLS, SERVICES, SLICES)
"""Followed from the start: the view is complete only when each of these has been listed."""
BY_PLURAL: Final[Mapping[str, Resource]] = {
    resource.plural: resource for resource in (*ALWAYS, PODS, SECRETS, GRANTS, INFERENCE_POOLS)
}
