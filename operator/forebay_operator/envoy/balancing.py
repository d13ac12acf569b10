"""How a server of a pool is chosen where a picker names it; elsewhere Envoy's least-request policy is all there is."""

from __future__ import annotations

from typing import Final

from forebay_operator.envoy.messages import extension
from forebay_operator.envoy.proto import cluster, least_request, override_host

PICKED: Final = "x-gateway-destination-endpoint"
"""Request header of the endpoint picker protocol: ``host:port``, or several in order of preference."""


def picked_balancing() -> cluster.LoadBalancingPolicy:
    """The server that the picker names, else the least busy one."""
    return _policy(
        "envoy.load_balancing_policies.override_host",
        override_host.OverrideHost(
            override_host_sources=[override_host.OverrideHostOverrideHostSource(header=PICKED)],
            fallback_policy=_policy("envoy.load_balancing_policies.least_request", least_request.LeastRequest()),
        ),
    )


def _policy(name: str, config: override_host.OverrideHost | least_request.LeastRequest) -> cluster.LoadBalancingPolicy:
    return cluster.LoadBalancingPolicy(
        policies=[cluster.LoadBalancingPolicyPolicy(typed_extension_config=extension(name, config))]
    )
