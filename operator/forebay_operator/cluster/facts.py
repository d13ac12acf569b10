"""What is known of the cluster around policies and pools: one frozen value, by ``namespace/name``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from forebay_operator.cluster.objects import EndpointSlice, InferencePool, Pod, ReferenceGrant, Service
from forebay_operator.gateway.facts import NO_GATEWAYS, GatewayFacts


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """`slices` go by ``namespace/service`` (label ``kubernetes.io/service-name``), ordered by name; the rest by
    ``namespace/name``."""

    services: Mapping[str, Service] = {}
    slices: Mapping[str, tuple[EndpointSlice, ...]] = {}
    pods: Mapping[str, Pod] = {}
    inference_pools: Mapping[str, InferencePool] = {}
    grants: Mapping[str, ReferenceGrant] = {}
    gateway: GatewayFacts = NO_GATEWAYS


NOTHING_KNOWN = Facts()
