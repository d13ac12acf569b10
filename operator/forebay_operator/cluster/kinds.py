"""Which resources are followed: where the API serves them, what they are decoded to, and what is left unwatched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from forebay_api.base import GROUP, VERSION
from forebay_api.policy_data import LABEL as POLICY_DATA_LABEL
from forebay_operator.cluster import objects
from forebay_operator.gateway.naming import MANAGED_BY, OPERATOR
from forebay_operator.gateway.objects import Gateway, GatewayClass, Stored

CREDENTIAL_LABEL: Final = "forebay.dev/credential"
"""Only Secrets with this label leave the API server: it is the server that selects by it."""


class Resource(msgspec.Struct, frozen=True):
    """One kind at the API. `decoded` is None where an object needs more than its shape (ours, Secrets, ConfigMaps)."""

    group: str
    version: str
    plural: str
    kind: str
    decoded: type[Any] | None = None
    optional: bool = False
    selector: str = ""
    namespaced: bool = True

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None = None, name: str | None = None, part: str | None = None) -> str:
        """The URL path of the collection, an object, or a subresource of it."""
        scope = "" if namespace is None or not self.namespaced else f"/namespaces/{namespace}"
        return "/".join(filter(None, (f"{self.root}{scope}/{self.plural}", name, part)))


POLICIES: Final = Resource(GROUP, VERSION, "routingpolicies", "RoutingPolicy")
POOLS: Final = Resource(GROUP, VERSION, "modelpools", "ModelPool")
SERVICES: Final = Resource("", "v1", "services", "Service", objects.Service)
SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", objects.EndpointSlice)
PODS: Final = Resource("", "v1", "pods", "Pod", objects.Pod)
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
POLICY_DATA: Final = Resource("", "v1", "configmaps", "ConfigMap", selector=POLICY_DATA_LABEL)
"""ConfigMaps that policies refer to. As with Secrets, others never leave the API server."""
SECRETS: Final = Resource("", "v1", "secrets", "Secret", selector=CREDENTIAL_LABEL)
GRANTS: Final = Resource(
    "gateway.networking.k8s.io", "v1beta1", "referencegrants", "ReferenceGrant", objects.ReferenceGrant, optional=True
)
INFERENCE_POOLS: Final = Resource(
    "inference.networking.k8s.io", "v1", "inferencepools", "InferencePool", objects.InferencePool, optional=True
)
GATEWAY_CLASSES: Final = Resource(
    "gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass", GatewayClass, optional=True, namespaced=False
)
GATEWAYS: Final = Resource("gateway.networking.k8s.io", "v1", "gateways", "Gateway", Gateway, optional=True)
HTTP_ROUTES: Final = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", Stored, optional=True)
_OURS: Final = f"{MANAGED_BY}={OPERATOR}"
EXTENSION_POLICIES: Final = Resource(
    "gateway.envoyproxy.io", "v1alpha1", "envoyextensionpolicies", "EnvoyExtensionPolicy", Stored, optional=True
)
CLIENT_POLICIES: Final = Resource(
    "gateway.envoyproxy.io", "v1alpha1", "clienttrafficpolicies", "ClientTrafficPolicy", Stored, optional=True
)
BACKENDS: Final = Resource(
    "gateway.envoyproxy.io", "v1alpha1", "backends", "Backend", Stored, optional=True, selector=_OURS
)
ROUTE_FILTERS: Final = Resource(
    "gateway.envoyproxy.io", "v1alpha1", "httproutefilters", "HTTPRouteFilter", Stored, optional=True, selector=_OURS
)
PATCH_POLICIES: Final = Resource(
    "gateway.envoyproxy.io", "v1alpha1", "envoypatchpolicies", "EnvoyPatchPolicy", Stored, optional=True, selector=_OURS
)
ENVOY_PROXIES: Final = Resource(
    "gateway.envoyproxy.io", "v1alpha1", "envoyproxies", "EnvoyProxy", Stored, optional=True
)
GATEWAY_API: Final = (GATEWAY_CLASSES, GATEWAYS, HTTP_ROUTES)
ENVOY_GATEWAY_GROUPS: Final = (
    (EXTENSION_POLICIES, CLIENT_POLICIES, BACKENDS, ROUTE_FILTERS),
    (PATCH_POLICIES,),
    (ENVOY_PROXIES,),
)
"""Followed where the API server has the whole of a group: nothing else waits for patches, nor for what they rest on."""
ENVOY_GATEWAY: Final = tuple(resource for group in ENVOY_GATEWAY_GROUPS for resource in group)
WRITTEN: Final = (GRANTS, HTTP_ROUTES, *(resource for resource in ENVOY_GATEWAY if resource != ENVOY_PROXIES))
"""What is written for targets of policies."""
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")

ALWAYS: Final = (POLICIES, POOLS, SERVICES, SLICES)
"""Followed from the start: the view is complete only when each of these has been listed."""
BY_PLURAL: Final[Mapping[str, Resource]] = {
    resource.plural: resource
    for resource in (*ALWAYS, PODS, SECRETS, POLICY_DATA, GRANTS, INFERENCE_POOLS, *GATEWAY_API, *ENVOY_GATEWAY)
}
