"""Backends whose manifest says where the servers are: addresses, and bought endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from forebay_api.backend import Address
from forebay_api.backend import Backend as BackendSpec
from forebay_api.pool import PoolSpec
from forebay_operator.backends.endpoint import Backend, Endpoint


def fixed_backend(spec: BackendSpec) -> Backend | None:
    """The backend of `addresses` and `external`; None for any other."""
    if spec.external is not None:
        return Backend((Endpoint(spec.external.hostname, spec.external.port),))
    return None if spec.addresses is None else Backend(address_endpoints(spec.addresses))


def fixed_backends(pools: Mapping[str, PoolSpec]) -> dict[str, Backend]:
    """Those of the pools whose backend is fixed."""
    found = {name: fixed_backend(spec.backend) for name, spec in pools.items()}
    return {name: backend for name, backend in found.items() if backend is not None}


def address_endpoints(addresses: Iterable[Address]) -> tuple[Endpoint, ...]:
    """Endpoints in declared order, each once."""
    return tuple(dict.fromkeys(Endpoint(address.host, address.port) for address in addresses))
