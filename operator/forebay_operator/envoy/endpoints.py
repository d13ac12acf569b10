"""Where a pool's servers are: EDS for IP addresses, DNS for names."""

from __future__ import annotations

from forebay_api.pool import Address, PoolSpec
from forebay_decision import names
from forebay_operator.envoy.messages import is_ip, socket_address
from forebay_operator.envoy.proto import core, endpoint


def addresses(spec: PoolSpec) -> tuple[Address, ...]:
    """Every endpoint of the pool, whatever its backend."""
    if spec.backend.external is not None:
        return (Address(host=spec.backend.external.hostname, port=spec.backend.external.port),)
    return tuple(spec.backend.addresses or ())


def resolved_by_dns(spec: PoolSpec) -> bool:
    """One host name is enough: EDS carries IP addresses only."""
    return any(not is_ip(address.host) for address in addresses(spec))


def pool_endpoints(pool: str, spec: PoolSpec) -> endpoint.ClusterLoadAssignment:
    return load_assignment(names.pool_cluster(pool), [socket_address(_bare(a.host), a.port) for a in addresses(spec)])


def load_assignment(cluster: str, hosts: list[core.Address]) -> endpoint.ClusterLoadAssignment:
    members = [endpoint.LbEndpoint(endpoint=endpoint.Endpoint(address=host)) for host in hosts]
    return endpoint.ClusterLoadAssignment(
        cluster_name=cluster, endpoints=[endpoint.LocalityLbEndpoints(lb_endpoints=members)]
    )


def _bare(host: str) -> str:
    return host.strip("[]")
